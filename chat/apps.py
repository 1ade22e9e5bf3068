from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "chat"

    def ready(self) -> None:
        from chat import memory, receivers  # noqa: F401  (connects them)
        from chat.feedback_processing import apply_feedback
        from mangaassist.outbox.backends import feedback_queues
        from mangaassist.outbox.consumers import register_queue_consumer

        register_queue_consumer("feedback", lambda: feedback_queues["default"], apply_feedback)
        memory.register()
