from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    label = "recommendations"

    def ready(self) -> None:
        # Some for their checks, kinds of cache and receivers alone.
        from recommendations import (  # noqa: F401
            checks,
            dataset_updates,
            feed,
            forgetting,
            kinds,
            privacy,
            receivers,
            streaming,
        )

        feed.register()
        streaming.register()
        dataset_updates.register()
        forgetting.register()
        privacy.register()
