"""What others may hear of the shop."""

from django.dispatch import Signal

# asins: frozenset[str], series: frozenset[str], fields: frozenset[str] ("price", "stock", other names, "*").
# Sent once per transaction, after its commit.
catalog_changed = Signal()
