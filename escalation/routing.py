from typing import Any

from channels.auth import AuthMiddlewareStack
from django.urls import path

from escalation.consumers import DeskConsumer

# Channels routes ASGI applications, which Django's own types do not know.
_application: Any = AuthMiddlewareStack(DeskConsumer.as_asgi())
websocket_urlpatterns: list[Any] = [path("ws/desk/", _application)]
