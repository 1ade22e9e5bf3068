from django.apps import AppConfig


class EscalationConfig(AppConfig):
    name = "escalation"
    label = "escalation"

    def ready(self) -> None:
        from escalation.follow_up import TOPIC, send_mails
        from mangaassist.outbox.topics import Topic, register_topic

        register_topic(Topic(name=TOPIC, handler=send_mails, batch_size=10))
