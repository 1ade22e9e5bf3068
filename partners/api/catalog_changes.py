"""The shop's data as it changes: single events, and whole feeds to be taken in by a worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Body, Query, Router

from mangaassist.dbthreads import in_database
from partners.authentication import authorized, check_again
from partners.idempotency import once
from partners.models import ApiKey
from partners.openapi import FEED_BODY
from partners.problems import Problem
from partners.schemas import (
    CatalogEventIn,
    CatalogEventOut,
    CatalogEventsOut,
    FeedJobOut,
    FeedRejectOut,
    FeedRejectsOut,
    FeedState,
    RejectedEvent,
)
from partners.uploads import check_feed_headers, one_more, receive_feed, remove
from shop.catalog_events import MOST_EVENTS, CatalogEvent, apply_events
from shop.feed_jobs import TooManyWaiting, accept_feed, check_room
from shop.feed_records import FeedJob, FeedReject

router = Router(tags=["catalogue changes"])
FIRST_REJECTS = 20
CatalogEvents = Annotated[list[CatalogEventIn], Body(min_length=1, max_length=MOST_EVENTS)]


@router.post("/catalog/events", response={202: CatalogEventsOut})
async def post_catalog_events(request: HttpRequest, body: CatalogEvents) -> Any:
    """Changes of products, offers, promotions, help articles and orders: at most 1,000 a call, each applied once by
    its ``id``, and of each object the newest by its ``at``, in whatever order they come. What they change is answered
    anew from the very next question on."""
    key = authorized(request, "catalog:write")
    events = [CatalogEvent(id=each.id, type=each.type, at=each.at, data=each.data) for each in body]

    def apply() -> CatalogEventsOut:
        results = [
            CatalogEventOut(index=index, id=event.id, status=outcome.status, reason=outcome.reason or None)
            for index, (event, outcome) in enumerate(zip(events, apply_events(key.tenant, events), strict=True))
        ]
        count = Counter(each.status for each in results)
        return CatalogEventsOut(
            taken=count["taken"],
            duplicates=count["duplicate"],
            stale=count["stale"],
            rejected=[
                RejectedEvent(index=each.index, reason=each.reason or "")
                for each in results
                if each.status == "rejected"
            ],
            results=results,
        )

    return await once(request, 202, apply, is_bulk=True)


@router.post("/catalog/feed", response={202: FeedJobOut}, openapi_extra=FEED_BODY)
async def upload_feed(request: HttpRequest) -> Any:
    """A whole feed: JSON Lines, plain or gzip, streamed. A worker takes it in, after those that came before; ask for
    the job under ``Location``. It counts as of now: what an event tells later is not undone by it."""
    key = authorized(request, "catalog:write")
    check_feed_headers(request)
    try:
        with one_more(key.tenant) as others:
            await in_database(check_room, key.tenant, others)
            received = await receive_feed(request)
    except TooManyWaiting as error:
        raise _too_many() from error

    def accept() -> FeedJobOut:
        check_again(request, "catalog:write")
        return _shown(accept_feed(key.tenant, received.file, received.size), [])

    try:
        response = await once(request, 202, accept, digest=received.digest)
    except TooManyWaiting as error:
        raise _too_many() from error
    finally:
        # Unless a job has it now.
        await asyncio.to_thread(remove, received.file)
    response["Location"] = orjson.loads(response.content)["url"]
    return response


def _too_many() -> Problem:
    return Problem(429, "too-many", "No more of your feeds may wait or be on their way.", retry_after_s=60)


@router.get("/catalog/jobs/{job_id}", response={200: FeedJobOut})
async def get_feed_job(request: HttpRequest, job_id: str) -> Any:
    """How far an uploaded feed is, and the first lines that were refused. Kept for 30 days after its end."""
    key = authorized(request, "catalog:write")

    def read() -> FeedJobOut:
        job = _job(key, job_id)
        return _shown(job, list(_rejects(job)[:FIRST_REJECTS]))

    return await in_database(read)


@router.get("/catalog/jobs/{job_id}/rejects", response={200: FeedRejectsOut})
async def list_feed_rejects(
    request: HttpRequest,
    job_id: str,
    after: Annotated[int, Query(ge=0, le=2**62, description="A line: those behind it.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Any:
    """The refused lines, in their order, a page at a time: pass ``next`` as ``after``."""
    key = authorized(request, "catalog:write")

    def read() -> FeedRejectsOut:
        found = list(_rejects(_job(key, job_id)).filter(line__gt=after)[: limit + 1])
        page = found[:limit]
        return FeedRejectsOut(
            rejects=[_reject(each) for each in page], next=page[-1].line if len(found) > limit else None
        )

    return await in_database(read)


def _job(key: ApiKey, job_id: str) -> FeedJob:
    """This tenant's; another's is not told from an unknown one."""
    try:
        found = FeedJob.objects.filter(pk=UUID(job_id), source=key.tenant).first()
    except ValueError:
        found = None
    if found is None:
        raise Problem(404, "not-found", "There is no such job.")
    return found


def _rejects(job: FeedJob) -> QuerySet[FeedReject]:
    return FeedReject.objects.filter(job=job).order_by("line")


def _reject(row: FeedReject) -> FeedRejectOut:
    return FeedRejectOut(line=row.line, reason=row.reason, text=row.text)


def _shown(job: FeedJob, rejects: list[FeedReject]) -> FeedJobOut:
    def time(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    url = f"/api/v1/catalog/jobs/{job.pk}"
    return FeedJobOut(
        id=job.pk,
        url=url,
        state=cast(FeedState, job.state),
        bytes=job.bytes,
        lines=job.lines,
        taken=job.taken,
        changed=job.changed,
        rejected=job.rejected,
        rejects=[_reject(each) for each in rejects],
        rejects_url=f"{url}/rejects",
        error=job.error or None,
        created_at=job.created_at.isoformat(),
        started_at=time(job.started_at),
        finished_at=time(job.finished_at),
    )
