"""A feed that an operator uploads in the admin: the same way in as a partner's."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from shop.feed_jobs import TooManyWaiting, accept_feed, check_room
from shop.feed_records import FeedJob, uploads_folder


class UploadRefused(Exception):
    """The text says why, for an operator."""


def take_upload(username: str, file: UploadedFile[bytes]) -> FeedJob:
    """Stores the feed whole and has a worker take it in. Raises :class:`UploadRefused`."""
    if not file.size:
        raise UploadRefused(_("The file is empty."))
    if file.size > settings.FEED_UPLOAD_BYTES:
        raise UploadRefused(_("The file is too large."))
    source = f"admin:{username}"[:64]
    part = uploads_folder() / f"{uuid.uuid4()}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        check_room(source)
        with open(part, "xb") as copy:
            for chunk in file.chunks():
                copy.write(chunk)
        return accept_feed(source, part, file.size)
    except TooManyWaiting:
        raise UploadRefused(_("Other feeds of yours wait; come back when they are done.")) from None
    finally:
        part.unlink(missing_ok=True)
