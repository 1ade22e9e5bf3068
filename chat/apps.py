from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "chat"

    def ready(self) -> None:
        from chat import memory, privacy, receivers, summarising  # noqa: F401  (connects them)
        from chat.feedback_processing import apply_feedback
        from mangaassist.outbox.backends import feedback_queues
        from mangaassist.outbox.consumers import register_queue_consumer
        from mangaassist.outbox.topics import Topic, register_topic

        register_queue_consumer("feedback", lambda: feedback_queues["default"], apply_feedback)
        memory.register()
        privacy.register()
        register_topic(
            Topic(
                name=summarising.TOPIC,
                handler=summarising.write_summaries,
                batch_size=1,
                queue="interactive",
                concurrency=2,
                max_attempts=summarising.ATTEMPTS,
            )
        )
