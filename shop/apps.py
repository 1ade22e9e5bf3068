from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
    label = "shop"

    def ready(self) -> None:
        from shop import facts, feed_kinds, privacy, promotions, receivers  # noqa: F401  (kinds of cache, receivers)

        feed_kinds.register()
        privacy.register()
