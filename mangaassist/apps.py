from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class MangaAssistConfig(AppConfig):
    name = "mangaassist"

    def ready(self) -> None:
        from mangaassist import checks  # noqa: F401  (registers the system checks)
        from mangaassist.dbthreads import close_with_page
        from mangaassist.groups import give_new_permissions
        from mangaassist.postgres import limit_lock_waits

        connection_created.connect(limit_lock_waits)
        request_finished.connect(close_with_page)

        # This app is the first one: its receiver comes before Django's own, which makes the permissions.
        post_migrate.connect(give_new_permissions, dispatch_uid="mangaassist.groups")
