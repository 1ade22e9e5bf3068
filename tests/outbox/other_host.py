"""Another host, whose clock is off: ``python -m tests.outbox.other_host SECONDS (enqueue | claim) TOPIC``.

Prints how many rows it stored or claimed.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import django

# Shorter than clocks are apart, longer than a test takes.
LEASE_S = 120.0


def main(off_s: float, verb: str, topic: str) -> int:
    django.setup()
    from django.utils import timezone

    from mangaassist.outbox.delivery import enqueue
    from mangaassist.outbox.models import claim

    true_now = timezone.now
    timezone.now = lambda: true_now() + timedelta(seconds=off_s)
    if verb == "enqueue":
        enqueue(topic, {}, key="k")
        return 1
    return len(claim(topic, 10, LEASE_S))


if __name__ == "__main__":
    sys.stdout.write(str(main(float(sys.argv[1]), sys.argv[2], sys.argv[3])))
