"""What others may hear of conversations. Receivers must be quick and must not raise: they run inside the turn."""

from django.dispatch import Signal

# mangaassist.doorbell: rung with a conversation's id when others than its own web process have something new in it.
BELL = "conversation"

# Sent inside the transaction that stores it. conversation_id: str, customer_id: str, session_id: str,
# tenant: str (the partner's; empty for our own pages), locale: str, channel: str, at: datetime
conversation_started = Signal()

# record: chat.records.TurnRecord
turn_finished = Signal()

# Sent inside the transaction that stores it. feedback_id: str, conversation_id: str, customer_id: str, tenant: str,
# turn_id: str, message_id: str, rating: int | None, reason: str, comment: str, at: datetime
feedback_received = Signal()

# conversation_id: str, asin: str, action: str, at: datetime
card_clicked = Signal()
