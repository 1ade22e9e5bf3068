from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MangaAssistConfig(AppConfig):
    name = "mangaassist"

    def ready(self) -> None:
        from mangaassist import checks  # noqa: F401  (registers the system checks)
        from mangaassist.groups import give_new_permissions

        # This app is the first one: its receiver comes before Django's own, which makes the permissions.
        post_migrate.connect(give_new_permissions, dispatch_uid="mangaassist.groups")
