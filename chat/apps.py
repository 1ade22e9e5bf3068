from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    label = "chat"

    def ready(self) -> None:
        from chat import memory, receivers  # noqa: F401  (connects them)
        from chat.feedback_processing import apply_feedback
        from mangaassist.outbox.consumers import register_consumer

        register_consumer("feedback", apply_feedback)
        memory.register()
