from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "mangaassist.analytics"
    label = "analytics"

    def ready(self) -> None:
        from mangaassist.analytics import metrics, privacy, publishing, receivers  # noqa: F401  (connects the receivers)

        publishing.register()
        metrics.register()
        privacy.register()
