"""The ASGI application: HTTP by Django, WebSockets by the shoppers' and the desk's consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mangaassist.settings")

django_application = get_asgi_application()

# These need the apps loaded above.
from chat.routing import websocket_urlpatterns as shoppers  # noqa: E402
from escalation.routing import websocket_urlpatterns as agents  # noqa: E402
from partners.uploads import UnreadBodies  # noqa: E402

application = ProtocolTypeRouter(
    {"http": UnreadBodies(django_application), "websocket": URLRouter([*shoppers, *agents])}
)
