from django.apps import AppConfig


class EscalationConfig(AppConfig):
    name = "escalation"
    label = "escalation"

    def ready(self) -> None:
        from escalation import contact_events, contacts, follow_up, privacy, receivers  # noqa: F401  (connects them)
        from mangaassist.outbox.consumers import register_queue_consumer
        from mangaassist.outbox.topics import Topic, register_topic

        register_topic(Topic(name=follow_up.TOPIC, handler=follow_up.send_mails, batch_size=10, queue="interactive"))
        register_topic(
            Topic(name=contacts.TOPIC, handler=contacts.deliver, batch_size=1, in_order=True, queue="interactive")
        )
        privacy.register()
        register_queue_consumer(
            contact_events.TOPIC, contact_events.events_queue, contact_events.apply_contact_event, from_outside=True
        )
