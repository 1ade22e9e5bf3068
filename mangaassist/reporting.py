"""Faults of ours to Sentry, where ``SENTRY_DSN`` is set: where it broke, and nothing that a shopper has said.

What is sent is built from a list of what may leave (:func:`scrub`); whatever a later version of the SDK collects
stays here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings

from mangaassist import correlation
from mangaassist.concealing import conceal
from mangaassist.redaction import redact

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_KEPT = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk", "server_name")
_OF_A_FRAME = ("filename", "function", "module", "lineno", "abs_path", "in_app", "context_line")


def configure(service: str) -> None:
    """``service``: what this process is. Raises ``ImportError`` without the extra ``sentry``."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        before_send=scrub,
        before_breadcrumb=lambda crumb, hint: None,
        include_local_variables=False,
        max_request_body_size="never",
        # Errors only; traces go where OpenTelemetry sends them.
        traces_sample_rate=None,
        auto_session_tracking=False,
    )
    sentry_sdk.set_tag("service", service)


def scrub(event: Event, hint: Hint) -> Event:
    """The same event of what may leave: types, places in the code, ids of ours, and texts without personal data.

    The text of an exception may quote a question; of those only the first line goes, redacted.
    """
    told = cast("dict[str, Any]", event)
    kept: dict[str, Any] = {name: told[name] for name in _KEPT if name in told}
    tags = {"service": (told.get("tags") or {}).get("service", ""), correlation.NAME: correlation.current()}
    kept["tags"] = {name: value for name, value in tags.items() if value}
    if message := (told.get("logentry") or {}).get("message") or told.get("message"):
        kept["logentry"] = {"message": _first_line(str(message))}
    if values := (told.get("exception") or {}).get("values"):
        kept["exception"] = {"values": [_exception(each) for each in values]}
    return cast("Event", kept)


def _exception(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": _first_line(str(value.get("value") or "")),
        "stacktrace": {"frames": [{name: frame[name] for name in _OF_A_FRAME if name in frame} for frame in frames]},
    }


def _first_line(text: str) -> str:
    return conceal(redact(text.strip().split("\n")[0][:300]))
