"""Nothing of shoppers: what the shop says about itself."""

from __future__ import annotations

from knowledge.reindexing import TOPIC
from mangaassist.privacy.registry import Holder, register_holder


def register() -> None:
    register_holder(
        Holder(
            app="knowledge",
            impersonal=("Article", "ArticleVersion", "Document", "IndexVersion", "IndexPointer", "Passage"),
            topics={TOPIC: None, "knowledge-events": None},
        )
    )
