from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "mangaassist.access"
    label = "access"

    def ready(self) -> None:
        from mangaassist.access import receivers  # noqa: F401  (connects them)
