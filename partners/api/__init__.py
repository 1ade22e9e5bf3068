"""The partner REST API, v1: a module for each tag. Every operation is one domain call; the rest is the contract."""

from __future__ import annotations

from partners import problems
from partners.api import catalog_changes, catalogue, conversations, orders, recommendations, webhooks
from partners.authentication import KeyAuth
from partners.bodies import StrictParser
from partners.openapi import DESCRIPTION, DocsPage, PartnerAPI

api = PartnerAPI(
    title="MangaAssist",
    version="1",
    description=DESCRIPTION,
    auth=KeyAuth(),
    parser=StrictParser(),
    urls_namespace="api-v1",
    docs=DocsPage(),
    docs_url="/docs",
)
problems.register(api)
for module in (conversations, catalogue, recommendations, orders, catalog_changes, webhooks):
    api.add_router("", module.router)
