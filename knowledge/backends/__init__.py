"""Roles KNOWLEDGE_SOURCE, where documents that are no articles come from, and EMBEDDER, whose vectors passages get."""

from knowledge.backends.base import Embedder, KnowledgeSource
from mangaassist.backends import BackendHandler

knowledge_sources: BackendHandler[KnowledgeSource] = BackendHandler("KNOWLEDGE_SOURCES", KnowledgeSource)
# Without a "default" passages are found by their words alone.
embedders: BackendHandler[Embedder] = BackendHandler("EMBEDDERS", Embedder)
