"""From a change to the index that knows of it: outbox → stream → a version built beside → in force.

Whoever changes something calls ``enqueue_reindex`` in the same transaction. The relay puts each request into the
stream; the stream's reader applies what has gathered there as one new version, and keeps its position after that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from time import monotonic

import structlog
from django.db import transaction

from caching.invalidation import invalidate
from knowledge.backends import knowledge_sources
from knowledge.embedding import embed, embedder_in_use
from knowledge.index import CHUNK, CHUNK_CHARACTERS, LEASE_S, Build
from knowledge.models import Passage, corpus_tag
from knowledge.passages import Content
from knowledge.requests import ReindexRequest, RequestRefused, read_bucket_event, read_request
from knowledge.sources import changed_documents, contents_of, everything, listed_documents
from mangaassist.outbox.backends import reindex_streams
from mangaassist.outbox.backends.base import Outgoing, Queue, Record
from mangaassist.outbox.consumers import (
    MessageRefused,
    NothingToConsume,
    register_queue_consumer,
    register_stream_consumer,
)
from mangaassist.outbox.delivery import enqueue, park
from mangaassist.outbox.topics import Delivery, Topic, register_topic

log = structlog.get_logger(__name__)

TOPIC = "reindex"
EVENTS_TOPIC = "knowledge-events"
# Of one outbox row.
MOST_REQUESTS = 500
# Sources that get their vectors in one version.
MOST_EMBEDDED = 200


def enqueue_reindex(requests: Iterable[ReindexRequest]) -> int:
    """Asks for these sources to be read again, once this transaction commits; how many."""
    remaining = iter(sorted(set(requests)))
    count = 0
    while bodies := [request.as_body() for request in islice(remaining, MOST_REQUESTS)]:
        enqueue(TOPIC, {"requests": bodies})
        count += len(bodies)
    return count


def articles_changed(articles: Collection[tuple[str, str]]) -> None:
    """``articles``: (slug, locale). What was found with them is forgotten now, and again with the new version."""
    invalidate({corpus_tag(locale) for _, locale in articles})
    enqueue_reindex(ReindexRequest("article", f"{slug}/{locale}") for slug, locale in articles)


def look_at_source() -> int:
    """Asks for the documents that changed without anybody telling; how many. Raises ``SourceUnavailable``."""
    # Before the transaction: a bucket may take minutes to list.
    listed = listed_documents()
    with transaction.atomic():
        return enqueue_reindex(changed_documents(listed))


# --- Outbox → stream ----------------------------------------------------------------------------------------------


def publish(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler: a record for each request. A row of which one was refused is tried again as a whole."""
    messages = [
        (delivery.id, Outgoing(f"{delivery.id}:{place}", body))
        for delivery in deliveries
        # A parked record (see mangaassist.outbox.shards) is a request by itself.
        for place, body in enumerate(delivery.payload.get("requests", [delivery.payload]))
    ]
    refused = reindex_streams["default"].put([message for _, message in messages])
    return {row: refused[message.id] for row, message in messages if message.id in refused}


# --- Stream → index -----------------------------------------------------------------------------------------------


def apply_records(records: Sequence[Record]) -> None:
    """The stream's reader: all of it as one version. What is no request is parked and holds up nothing."""
    requests = []
    for record in records:
        try:
            request = read_request(record.body)
        except RequestRefused as refusal:
            park(TOPIC, record.id, record.body, str(refusal))
            continue
        if request is not None:
            requests.append(request)
    if requests:
        cause = requests[0].ref if len(requests) == 1 else f"{len(requests)} changes"
        bring_up_to_date(requests, cause=cause)


def bring_up_to_date(
    requests: Sequence[ReindexRequest], *, cause: str, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Builds a version in which these sources are as they are now; the number of the version then in force.

    ``progress(sources done)``. Raises what :class:`~knowledge.index.Build` raises, or ``SourceUnavailable``.
    """
    with Build(cause) as build:
        done = 0
        for chunk in _in_chunks(contents_of(requests)):
            build.put(chunk)
            done += len(chunk)
            progress(done)
        build.embed()
        return build.finish()


def _in_chunks(contents: Iterable[Content]) -> Iterator[list[Content]]:
    """Of ``CHUNK`` at most, fewer long ones, and sooner from slow sources: each renews the build's lease."""
    chunk: list[Content] = []
    began, characters = monotonic(), 0
    for content in contents:
        chunk.append(content)
        characters += sum(len(text) for _, text in content.passages)
        if len(chunk) == CHUNK or characters > CHUNK_CHARACTERS or monotonic() - began > LEASE_S / 4:
            yield chunk
            chunk, began, characters = [], monotonic(), 0
    if chunk:
        yield chunk


def reindex_everything(progress: Callable[[int, int], None]) -> int:
    """Compares every source with the index; the version then in force. ``progress(done, of)``."""
    requests = everything()
    return bring_up_to_date(requests, cause="everything", progress=lambda done: progress(done, len(requests)))


# --- Vectors that are missing ---------------------------------------------------------------------------------------


def embed_the_rest() -> int:
    """Another model is in use, or it did not answer when passages came in: a version in which they have vectors.

    ``MOST_EMBEDDED`` sources at most, so that other changes need not wait for all of them; how many it were. Raises
    ``EmbedderUnavailable`` (then nothing is built), ``SourceUnavailable`` and what ``Build`` raises.
    """
    embedder = embedder_in_use()
    if embedder is None:
        return 0
    lacking = Passage.objects.serving().of_help().exclude(vector_model=embedder.model).order_by("kind", "ref")
    first = lacking.only("title", "text").first()
    if first is None:
        return 0
    # Asked before anything is built.
    embed(embedder, [first])
    sources = list(lacking.values_list("kind", "ref").distinct()[:MOST_EMBEDDED])
    requests = [ReindexRequest(kind, ref) for kind, ref in sources]  # type: ignore[arg-type]
    bring_up_to_date(requests, cause=f"vectors of {embedder.model}")
    return len(requests)


# --- What a bucket tells ------------------------------------------------------------------------------------------


def apply_bucket_event(body: dict[str, object]) -> None:
    """The events queue's consumer. Raises :class:`MessageRefused` for what is no event of S3."""
    try:
        requests = read_bucket_event(body)
    except RequestRefused as refusal:
        raise MessageRefused(str(refusal)) from refusal
    enqueue_reindex(requests)


def events_queue() -> Queue:
    queue = knowledge_sources["default"].events()
    if queue is None:
        raise NothingToConsume("No queue tells of documents: set KNOWLEDGE_SOURCE=s3 and KNOWLEDGE_EVENTS_QUEUE_URL.")
    return queue


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=publish, batch_size=20))
    register_stream_consumer(TOPIC, lambda: reindex_streams["default"], apply_records)
    register_queue_consumer(EVENTS_TOPIC, events_queue, apply_bucket_event, from_outside=True)
