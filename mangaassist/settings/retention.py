"""For how many days what is kept (docs/operators.md, Privacy)."""

from __future__ import annotations

from mangaassist import environment

# Events in our own table are removed after so many days; a stream's retention is its own affair.
ANALYTICS_KEPT_DAYS = environment.number("ANALYTICS_KEPT_DAYS", 90, low=1, high=3650)
# The same of what shoppers said and did (docs/operators.md, Privacy): days since the last word, the closing of a
# handoff, the interaction, the last touch of a cart.
CONVERSATIONS_KEPT_DAYS = environment.number("CONVERSATIONS_KEPT_DAYS", 365, low=1, high=3650)
HANDOFFS_KEPT_DAYS = environment.number("HANDOFFS_KEPT_DAYS", 365, low=1, high=3650)
INTERACTIONS_KEPT_DAYS = environment.number("INTERACTIONS_KEPT_DAYS", 1095, low=1, high=3650)
CARTS_KEPT_DAYS = environment.number("CARTS_KEPT_DAYS", 180, low=1, high=3650)
AUDIT_KEPT_DAYS = environment.number("AUDIT_KEPT_DAYS", 730, low=30, high=3650)
# What was sent, and how receivers answered, is removed after so many days.
WEBHOOK_LOG_DAYS = environment.number("WEBHOOK_LOG_DAYS", 14, low=1, high=365)
