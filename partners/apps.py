from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "partners"
    label = "partners"

    def ready(self) -> None:
        from partners import (
            privacy,
            receivers,  # noqa: F401  (connects them)
        )
        from partners.webhooks import delivering
        from partners.webhooks import receivers as webhook_receivers  # noqa: F401

        delivering.register()
        privacy.register()
