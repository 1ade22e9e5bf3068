from django.apps import AppConfig


class MangaAssistConfig(AppConfig):
    name = "mangaassist"

    def ready(self) -> None:
        from mangaassist import checks  # noqa: F401  (registers the system checks)
