"""What others may hear of people taking over."""

from django.dispatch import Signal

# Sent inside the change's transaction. handoff_id: str, conversation_id: str, status: str (of Handoff.Status),
# before: str (the status left, empty at the opening), agent_name: str, trigger: str,
# by_email: bool (the shopper has left an address and does not wait in the chat), close_reason: str (of
# Handoff.CloseReason), language: str, at: datetime
handoff_changed = Signal()

# An agent's word; inside its transaction. handoff_id: str, conversation_id: str, line_id: int, text: str,
# cards: list of {"card_id", "kind", "id", "reason"}, agent_name: str, at: datetime
agent_spoke = Signal()

# Worth nothing later, in no transaction. conversation_id: str, agent_name: str, active: bool
agent_typing = Signal()

# The shopper's opinion; inside its transaction. handoff_id: str, conversation_id: str, csat: int, at: datetime
handoff_rated = Signal()
