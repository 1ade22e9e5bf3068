"""How often somebody may guess a password, after OWASP's "Slow Down Online Guessing Attacks with Device Cookies".

A browser that has signed in to an account holds a device cookie for it, and is counted by that alone. All others are
counted together for the account, and each for its network address. So a stranger who guesses on and on locks out
strangers, and neither the account's owner nor anybody else. Counted in the database: as long as there is one to sign
in to, the limit holds, Redis or not.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from mangaassist.access.audit import network_address
from mangaassist.access.models import SignInFailure

COOKIE = "ma_device"
COOKIE_AGE_S = 365 * 24 * 3600
# Behind one address sit many people: so many times what one account may fail.
ADDRESS_SHARE = 5


class TooManyAttempts(Exception):
    """``wait_s``: after so many seconds there may be another attempt."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Too many attempts: wait {wait_s:.0f} s.")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that may be made, and counts as failed until :meth:`succeeded`."""

    account: str
    buckets: tuple[str, ...]
    rows: tuple[int, ...]

    def succeeded(self) -> None:
        """Nothing of the account's counts any more; other accounts' failures from this address do."""
        mine = [bucket for bucket in self.buckets if not bucket.startswith("address:")]
        SignInFailure.objects.filter(Q(pk__in=self.rows) | Q(bucket__in=mine)).delete()


def begin_attempt(request: HttpRequest, username: str) -> Attempt:
    """Raises :class:`TooManyAttempts`. The attempt is counted before it is made, and each in a statement of its own:
    of several at once no more pass than may."""
    account = _account(username)
    device = _device(request, account)
    most = settings.SIGN_IN_FAILURES
    limits = (
        {f"device:{device}": most}
        if device
        else {f"account:{account}": most, f"address:{network_address(request)}": most * ADDRESS_SHARE}
    )
    now = timezone.now()
    rows = [SignInFailure.objects.create(bucket=bucket, at=now).pk for bucket in limits]
    wait = max(_wait(bucket, limit, now) for bucket, limit in limits.items())
    if wait > 0:
        # A refused one does not make the wait longer.
        SignInFailure.objects.filter(pk__in=rows).delete()
        raise TooManyAttempts(wait)
    return Attempt(account, tuple(limits), tuple(rows))


def _wait(bucket: str, limit: int, now: datetime) -> float:
    """Seconds until one of the failures that fill the bucket, this one not counted, is old enough."""
    window = timedelta(minutes=settings.SIGN_IN_PAUSE_MIN)
    recent = SignInFailure.objects.filter(bucket=bucket, at__gt=now - window).order_by("-at", "-pk")
    times = list(recent.values_list("at", flat=True)[: limit + 1])
    return 0.0 if len(times) <= limit else max(1.0, math.ceil((times[-1] + window - now).total_seconds()))


def trust_device(request: HttpRequest, response: HttpResponse, username: str) -> None:
    """After a sign-in: this browser is counted by itself from now on."""
    response.set_cookie(
        COOKIE,
        signing.dumps([_account(username), secrets.token_urlsafe(12)], salt=COOKIE),
        max_age=COOKIE_AGE_S,
        path="/" + settings.ADMIN_PATH,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _device(request: HttpRequest, account: str) -> str:
    """The browser's own mark for this account; empty for none, a wrong or another account's one."""
    try:
        known, mark = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_AGE_S)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(mark) if constant_time_compare(known, account) else ""


def _account(username: str) -> str:
    """Not the name itself: what is typed there may be a password."""
    return salted_hmac("mangaassist.access", username.strip().casefold(), algorithm="sha256").hexdigest()[:32]


def forget_old() -> int:
    before = timezone.now() - timedelta(minutes=settings.SIGN_IN_PAUSE_MIN)
    return SignInFailure.objects.filter(at__lt=before).delete()[0]
