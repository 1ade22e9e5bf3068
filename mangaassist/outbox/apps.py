from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "mangaassist.outbox"
    label = "outbox"
