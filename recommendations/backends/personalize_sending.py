"""One attempt to send something to Amazon Personalize, and what becomes of it in the outbox."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from mangaassist import aws
from mangaassist.breaker import BreakerOpen
from mangaassist.outbox.topics import NotYet

log = structlog.get_logger(__name__)


def attempt(send: Callable[[], object], what: str, count: int) -> str:
    """An error's code (:class:`NotYet` where the service is to blame), or empty. ``what`` was sent, and how many."""
    try:
        send()
    except ClientError as error:
        code = aws.code_of(error)
        code = NotYet(code) if aws.is_unwell(error) else code
    except (BotoCoreError, BreakerOpen) as error:
        code = NotYet(type(error).__name__)
    else:
        return ""
    log.warning("personalize_not_sent", what=what, count=count, code=code)
    return code
