"""What others may hear of people taking over."""

from django.dispatch import Signal

# handoff_id: str, conversation_id: str, status: str, at: datetime. Sent inside the change's transaction.
handoff_changed = Signal()

# conversation_id: str, text: str, agent_name: str, at: datetime
agent_spoke = Signal()

# conversation_id: str, agent_name: str, active: bool
agent_typing = Signal()
