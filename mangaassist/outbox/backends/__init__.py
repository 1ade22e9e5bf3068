"""Role FEEDBACK_QUEUE: the queue between the shop and whoever processes feedback."""

from mangaassist.backends import BackendHandler
from mangaassist.outbox.backends.base import Queue

feedback_queues: BackendHandler[Queue] = BackendHandler("FEEDBACK_QUEUES", Queue)
