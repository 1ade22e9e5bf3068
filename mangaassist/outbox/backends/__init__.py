"""What carries messages between the shop and whoever processes them: role FEEDBACK_QUEUE and role REINDEX_STREAM."""

from mangaassist.backends import BackendHandler
from mangaassist.outbox.backends.base import Queue, Stream

feedback_queues: BackendHandler[Queue] = BackendHandler("FEEDBACK_QUEUES", Queue)
reindex_streams: BackendHandler[Stream] = BackendHandler("REINDEX_STREAMS", Stream)
