from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "mangaassist.health"
    label = "health"

    def ready(self) -> None:
        from mangaassist.health import receivers  # noqa: F401  (connects them)
