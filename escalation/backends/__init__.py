"""Role HANDOFF: where people answer."""

from escalation.backends.base import HandoffBackend
from mangaassist.backends import BackendHandler

handoff_backends: BackendHandler[HandoffBackend] = BackendHandler("HANDOFFS", HandoffBackend)
