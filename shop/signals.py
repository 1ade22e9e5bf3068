"""What others may hear of the shop."""

from django.dispatch import Signal

# asins: frozenset[str], series: frozenset[str], fields: frozenset[str] ("price", "stock", other names, "*").
# Sent once per transaction, after its commit.
catalog_changed = Signal()
# The same of one change, within its transaction: what a receiver writes commits with it, or not at all.
catalog_changing = Signal()
# changed: dict[str, int], rows by kind of feed line. Sent when a whole feed has been taken.
feed_imported = Signal()
