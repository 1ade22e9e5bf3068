from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "partners"
    label = "partners"

    def ready(self) -> None:
        from partners import privacy
        from partners.webhooks import (
            delivering,
            receivers,  # noqa: F401  (connects them)
        )

        delivering.register()
        privacy.register()
