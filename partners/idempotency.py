"""``Idempotency-Key``: a request that is sent again has its effect once, and the same answer.

After draft-ietf-httpapi-idempotency-key-header: a key belongs to its tenant for :data:`KEPT`, and to the one request
(method, address, body) that it came with first. The answer is stored in the transaction that has the effect, so that
a crash between effect and answer loses neither; what is refused or fails has no effect and leaves the key free.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Schema

from mangaassist.dbthreads import in_bulk_lane, in_database
from partners.models import ApiKey, IdempotentRequest
from partners.problems import Problem

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT = timedelta(hours=24)
_NAMESPACE = uuid.UUID("5a0c1f5e-6a2e-4f0b-9a86-0f6b6f3b1c57")
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's hold on its key. ``answer``: the stored body when it was answered before, empty for one whose
    answer is found by :attr:`message_id`; None when this request is the first."""

    row: int
    token: uuid.UUID
    message_id: str
    status: int = 0
    answer: str | None = None

    def replayed(self, reveal: Callable[[str], str] = str) -> HttpResponse:
        response = HttpResponse(reveal(self.answer or ""), status=self.status, content_type=JSON)
        response["Idempotency-Replayed"] = "true"
        return response

    def record(self, status: int, answer: str) -> None:
        """Sync. Raises :class:`Problem` when another request holds the key by now."""
        if not self._held().update(status=status, answer=answer):
            raise _in_progress()

    def release(self) -> None:
        """Sync: the key is free again, for there was no effect."""
        self._held().filter(status=None).delete()

    def _held(self) -> Any:
        return IdempotentRequest.objects.filter(pk=self.row, token=self.token)


async def once(
    request: HttpRequest,
    status: int,
    work: Callable[[], Schema],
    *,
    digest: str | None = None,
    reveal: Callable[[str], str] = str,
    is_bulk: bool = False,
) -> HttpResponse:
    """``work()`` in a database thread, answered with ``status``; with an ``Idempotency-Key`` once per key.

    ``work`` has its whole effect in the database: it commits together with the stored answer. ``digest``: SHA-256 of
    a body that was read already, hexadecimal. ``reveal`` makes of the stored answer what is sent, with the secret that
    must not be stored. ``is_bulk``: it is long, commits as it goes, and done again it has no second effect.
    """
    claim = await claim_key(request, digest)
    if claim is not None and claim.answer is not None:
        return claim.replayed(reveal)

    def apply() -> str:
        if claim is None:
            return work().model_dump_json()
        try:
            with nullcontext() if is_bulk else transaction.atomic():
                answer = work().model_dump_json()
                claim.record(status, answer)
        except BaseException:
            claim.release()
            raise
        return answer

    answer = await (in_bulk_lane(apply) if is_bulk else in_database(apply))
    return HttpResponse(reveal(answer), status=status, content_type=JSON)


async def claim_key(request: HttpRequest, digest: str | None = None) -> Claim | None:
    """None without the header. Raises :class:`Problem`: 409 when the key came with another request, or when the
    first one is still being answered."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem(
            422, "invalid", f"{HEADER} must be 1 to {LONGEST_KEY} printable ASCII characters.",
            errors=[{"field": HEADER, "message": "1 to 255 printable ASCII characters"}],
        )  # fmt: skip
    holder: ApiKey = request.auth  # type: ignore[attr-defined]
    return await in_database(_claim, holder.tenant, key, _fingerprint(request, digest))


def _fingerprint(request: HttpRequest, digest: str | None) -> str:
    address = f"{request.method}\n{request.get_full_path()}\n".encode("utf-8", "surrogatepass")
    body = bytes.fromhex(digest) if digest else hashlib.sha256(request.body).digest()
    return hashlib.sha256(address + body).hexdigest()


def _claim(tenant: str, key: str, fingerprint: str) -> Claim:
    now = timezone.now()
    token = uuid.uuid4()
    message_id = str(uuid.uuid5(_NAMESPACE, f"{tenant}\n{key}\n{fingerprint}"))
    mine = {"fingerprint": fingerprint, "token": token, "claimed_until": now + _lease()}
    known = IdempotentRequest.objects.filter(tenant=tenant, key=key).first()
    if known is None:
        try:
            with transaction.atomic():
                row = IdempotentRequest.objects.create(tenant=tenant, key=key, created_at=now, **mine)
        except IntegrityError as error:
            # Another was faster, this very moment.
            raise _in_progress() from error
        return Claim(row.pk, token, message_id)
    if known.created_at > now - KEPT:
        _check(known, fingerprint, now)
        if known.status is not None:
            return Claim(known.pk, known.token, message_id, known.status, known.answer)
    else:
        mine |= {"created_at": now, "status": None, "answer": ""}
    # Too old, or its process died before it had any effect.
    if not IdempotentRequest.objects.filter(pk=known.pk, token=known.token, status=known.status).update(**mine):
        raise _in_progress()
    return Claim(known.pk, token, message_id)


def _check(known: IdempotentRequest, fingerprint: str, now: datetime) -> None:
    if known.fingerprint != fingerprint:
        raise Problem(409, "key-reused", f"This {HEADER} came with another request before.")
    if known.status is None and known.claimed_until > now:
        raise _in_progress()


def _lease() -> timedelta:
    """How long a request may take before its process counts as dead."""
    return timedelta(seconds=settings.TURN_LIMITS_S["turn"] + 15)


def _in_progress() -> Problem:
    return Problem(409, "in-progress", "The first request with this key is still being answered.", retry_after_s=1)


def purge(now: datetime) -> int:
    """Removes what is not replayed any more. → how many."""
    count, _ = IdempotentRequest.objects.filter(created_at__lte=now - KEPT).delete()
    return count
