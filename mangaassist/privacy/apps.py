from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "mangaassist.privacy"
    label = "privacy"

    def ready(self) -> None:
        from mangaassist.privacy import staff_logs

        staff_logs.register()
