from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "mangaassist.outbox"
    label = "outbox"

    def ready(self) -> None:
        from mangaassist.outbox import privacy
        from mangaassist.outbox.consumers import register_queue_topics

        register_queue_topics()
        privacy.register()
