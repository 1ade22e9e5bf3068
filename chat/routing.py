from typing import Any

from django.urls import path

from chat.consumers import ChatConsumer

# Channels routes ASGI applications, which Django's own types do not know.
_application: Any = ChatConsumer.as_asgi()
websocket_urlpatterns: list[Any] = [path("ws/chat/", _application)]
