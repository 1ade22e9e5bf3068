from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    label = "knowledge"

    def ready(self) -> None:
        from knowledge import feed_kinds, privacy, receivers, reindexing, search  # noqa: F401  (receivers, the kind of cache)

        feed_kinds.register()
        reindexing.register()
        privacy.register()
