from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    label = "recommendations"

    def ready(self) -> None:
        from recommendations import checks, feed, kinds, receivers, streaming  # noqa: F401  (checks, cache kind, receivers)

        feed.register()
        streaming.register()
