"""What carries messages between the shop and others: feedback, re-indexing, and what a contact centre sends back."""

from mangaassist.backends import BackendHandler
from mangaassist.outbox.backends.base import Queue, Stream

feedback_queues: BackendHandler[Queue] = BackendHandler("FEEDBACK_QUEUES", Queue)
handoff_events_queues: BackendHandler[Queue] = BackendHandler("HANDOFF_EVENTS_QUEUES", Queue)
reindex_streams: BackendHandler[Stream] = BackendHandler("REINDEX_STREAMS", Stream)
