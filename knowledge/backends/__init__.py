"""Role KNOWLEDGE_SOURCE: where documents that are no articles of ours come from."""

from knowledge.backends.base import KnowledgeSource
from mangaassist.backends import BackendHandler

knowledge_sources: BackendHandler[KnowledgeSource] = BackendHandler("KNOWLEDGE_SOURCES", KnowledgeSource)
