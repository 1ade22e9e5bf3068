"""The partner REST API, v1: a module for each tag. Every operation is one domain call; the rest is the contract."""

from __future__ import annotations

from ninja import NinjaAPI

from partners import problems
from partners.api import catalogue, conversations, orders, recommendations
from partners.authentication import KeyAuth

api = NinjaAPI(
    title="MangaAssist",
    version="1",
    description="Conversations, products and orders for a shop's own systems.",
    auth=KeyAuth(),
    urls_namespace="api-v1",
    docs_url="/docs",
)
problems.register(api)
for module in (conversations, catalogue, recommendations, orders):
    api.add_router("", module.router)
