"""What partners send in, and what is sent to them."""

from __future__ import annotations

from mangaassist import environment
from mangaassist.settings.basis import EMBEDDED

# A feed that is uploaded: its body as sent, and unpacked; and how many of one sender's may wait to be taken in.
FEED_UPLOAD_BYTES = int(environment.number("FEED_UPLOAD_BYTES", 256 * 1024**2, low=1_000, high=1e12))
FEED_UNPACKED_BYTES = int(environment.number("FEED_UNPACKED_BYTES", 2 * 1024**3, low=1_000, high=1e13))
FEED_JOBS_WAITING = int(environment.number("FEED_JOBS_WAITING", 10, low=1, high=100_000))

# Whether they may go to loopback, without TLS and to any port: for development and tests only.
WEBHOOK_LOOPBACK = environment.boolean("WEBHOOK_LOOPBACK", False)
if WEBHOOK_LOOPBACK and not EMBEDDED:
    environment.faults.append("WEBHOOK_LOOPBACK=1 contradicts MANGAASSIST_PROFILE=aws: it is for development only.")
    WEBHOOK_LOOPBACK = False
# How long one attempt may take, from the name to the answer.
WEBHOOK_TIMEOUT_S = environment.number("WEBHOOK_TIMEOUT_S", 15, low=0.1, high=30)
