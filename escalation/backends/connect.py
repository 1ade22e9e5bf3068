"""Amazon Connect (API facts: botocore's service models connect, 2017-08-08, and connectparticipant, 2018-09-07).

``kind`` ``task``: a task with the summary; the agent answers at our desk or by e-mail. ``chat``: a chat contact; the
agent's words come back as streaming events (escalation.contact_events), the shopper's go to the participant service.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeVar

import structlog
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured

from escalation.backends.base import Contact, ContactCentre, HandoffUnavailable, QueueView
from escalation.models import Handoff
from mangaassist import aws
from mangaassist.breaker import BoundedExecutor, Breaker, BreakerOpen, ExecutorFull

log = structlog.get_logger(__name__)
T = TypeVar("T")

# Connect's own limits: of a task's name and description, of all attributes together (bytes), of a plain message.
NAME_CHARACTERS = 1024
DESCRIPTION_CHARACTERS = 4096
ATTRIBUTE_BYTES = 32_768
MESSAGE_CHARACTERS = 1024
# So long a place in the queue is believed. Shoppers are told of changes every ten seconds at most.
LOOK_EVERY_S = 10.0
MOST_LOOKS = 10_000
_SUMMARY = "conversation_summary"
_METRICS = [{"Name": "ESTIMATED_WAIT_TIME"}, {"Name": "POSITION_IN_QUEUE"}]

_executor = BoundedExecutor("connect", threads=2, queue=64)


class Connect(ContactCentre):
    def __init__(
        self,
        *,
        instance_id: str = "",
        contact_flow_id: str = "",
        queue_id: str = "",
        kind: Literal["task", "chat"] = "task",
        fallback: Literal["", "desk"] = "",
        streaming_topic_arn: str = "",
        desk_url: str = "",
        region: str = "",
    ) -> None:
        if kind not in {"task", "chat"} or fallback not in {"", "desk"}:
            raise ImproperlyConfigured("HANDOFF=connect: kind is task or chat, fallback is desk or empty.")
        if kind == "chat" and not streaming_topic_arn:
            raise ImproperlyConfigured("HANDOFF=connect with kind chat needs CONNECT_STREAMING_TOPIC_ARN.")
        self.instance_id = instance_id
        self.contact_flow_id = contact_flow_id
        self.queue_id = queue_id
        self.carries_words = kind == "chat"
        self.falls_back = fallback == "desk"
        self.streaming_topic_arn = streaming_topic_arn
        self.desk_url = desk_url
        self._client: Any = aws.client("connect", "worker", region=region, read_timeout=10)
        self._participants: Any = aws.client("connectparticipant", "worker", region=region, read_timeout=10)
        self._metrics: Any = aws.client("connect", "hot", region=region)
        self._breaker = Breaker("connect", failures=3)
        self._looks: dict[str, tuple[float, QueueView]] = {}
        self._looking: set[str] = set()
        self._lock = threading.Lock()

    # --- The queue

    def look(self, handoff: Handoff) -> QueueView:
        """The last answer at once; when it is old, Connect is asked behind the shopper's back."""
        key = handoff.contact_id or "queue"
        at, view = self._looks.get(key, (float("-inf"), QueueView(position=None, estimated_wait=None)))
        if time.monotonic() - at >= LOOK_EVERY_S:
            with self._lock:
                asked = key in self._looking
                self._looking.add(key)
            if not asked:
                try:
                    _executor.submit(lambda: self._ask(key, handoff.contact_id))
                except ExecutorFull:
                    self._looking.discard(key)
        return view

    def _ask(self, key: str, contact_id: str) -> None:
        view = QueueView(position=None, estimated_wait=None)
        try:
            view = self._of_contact(contact_id) if contact_id else self._of_queue()
        except aws.FAILURES as error:
            log.info("connect_queue_unknown", error=aws.in_words(error))
        finally:
            # Also after an answer that nobody expects: it is asked for again.
            with self._lock:
                if len(self._looks) >= MOST_LOOKS:
                    self._looks.clear()
                self._looks[key] = (time.monotonic(), view)
                self._looking.discard(key)

    def _of_contact(self, contact_id: str) -> QueueView:
        answer = self._metrics.get_contact_metrics(InstanceId=self.instance_id, ContactId=contact_id, Metrics=_METRICS)
        found = {each.get("Name"): each.get("Value", {}).get("Number") for each in answer.get("MetricResults", [])}
        return QueueView(
            position=_whole(found.get("POSITION_IN_QUEUE")), estimated_wait=_whole(found.get("ESTIMATED_WAIT_TIME"))
        )

    def _of_queue(self) -> QueueView:
        """Before the contact exists: what Connect expects of a newcomer."""
        if not self.queue_id:
            return QueueView(position=None, estimated_wait=None)
        answer = self._metrics.get_current_metric_data(
            InstanceId=self.instance_id,
            Filters={"Queues": [self.queue_id], "Channels": ["CHAT" if self.carries_words else "TASK"]},
            CurrentMetrics=[{"Name": "ESTIMATED_WAIT_TIME", "Unit": "SECONDS"}],
        )
        values = [
            collection.get("Value")
            for result in answer.get("MetricResults", [])
            for collection in result.get("Collections", [])
        ]
        return QueueView(position=None, estimated_wait=_whole(values[0] if values else None))

    # --- The contact

    def start(self, handoff: Handoff) -> Contact:
        return self._reach(lambda: self._start_chat(handoff) if self.carries_words else self._start_task(handoff))

    def _reach(self, call: Callable[[], T]) -> T:
        try:
            return self._breaker.call(call, failures=aws.FAILURES, counts=aws.is_unwell)
        except BreakerOpen as error:
            raise HandoffUnavailable("Amazon Connect failed lately.") from error
        except aws.FAILURES as error:
            raise HandoffUnavailable(
                f"Amazon Connect: {aws.in_words(error)}", is_outage=aws.is_unwell(error)
            ) from error

    def _start_task(self, handoff: Handoff) -> Contact:
        references: dict[str, Any] = {}
        if self.desk_url:
            # The page shows what its fragment names.
            address = f"{self.desk_url.rstrip('/')}/#{handoff.pk}"
            references["MangaAssist"] = {"Value": address, "Type": "URL"}
        answer = self._client.start_task_contact(
            InstanceId=self.instance_id,
            ContactFlowId=self.contact_flow_id,
            Name=f"{handoff.get_trigger_display()}: {handoff.reason or handoff.customer_id or 'guest'}"[
                :NAME_CHARACTERS
            ],
            Description=handoff.whole_summary[:DESCRIPTION_CHARACTERS],
            Attributes=attributes_of(handoff),
            References=references,
            ClientToken=str(handoff.pk),
        )
        return Contact(id=answer["ContactId"], state={})

    def _start_chat(self, handoff: Handoff) -> Contact:
        opening = (handoff.reason or handoff.summary).strip()[:MESSAGE_CHARACTERS]
        started = self._client.start_chat_contact(
            InstanceId=self.instance_id,
            ContactFlowId=self.contact_flow_id,
            Attributes=attributes_of(handoff),
            ParticipantDetails={"DisplayName": "ゲスト" if handoff.language == "ja" else "Shopper"},
            ChatStreamingConfiguration={"StreamingEndpointArn": self.streaming_topic_arn},
            ClientToken=str(handoff.pk),
            **({"InitialMessage": {"ContentType": "text/plain", "Content": opening}} if opening else {}),
        )
        # Within five minutes, or the contact ends.
        return Contact(id=started["ContactId"], state=self._join(started["ParticipantToken"]))

    def _join(self, participant_token: str) -> dict[str, str]:
        """What is remembered of a chat: the token of the connection is good for a day, the other for its whole life."""
        joined = self._participants.create_participant_connection(
            Type=["CONNECTION_CREDENTIALS"], ConnectParticipant=True, ParticipantToken=participant_token
        )
        token = joined["ConnectionCredentials"]["ConnectionToken"]
        return {"participant_token": participant_token, "connection_token": token}

    def tell(self, handoff: Handoff, text: str, *, word_id: str) -> dict[str, Any]:
        state = dict(handoff.contact)
        pieces = [text[start : start + MESSAGE_CHARACTERS] for start in range(0, len(text), MESSAGE_CHARACTERS)]
        for place, piece in enumerate(pieces):
            say = partial(self._say, piece, f"{word_id}-{place}")
            try:
                self._reach(partial(say, state["connection_token"]))
            except HandoffUnavailable as refusal:
                if not _is_expired(refusal.__cause__):
                    raise
                state = self._reach(partial(self._join, state["participant_token"]))
                self._reach(partial(say, state["connection_token"]))
        return state

    def _say(self, text: str, client_token: str, connection_token: str) -> None:
        self._participants.send_message(
            ContentType="text/plain", Content=text, ClientToken=client_token, ConnectionToken=connection_token
        )

    def describe(self, handoff: Handoff) -> None:
        # A transfer's contact has attributes of its own, copied from this one: who has it has read them.
        change = partial(
            self._client.update_contact_attributes,
            InstanceId=self.instance_id,
            InitialContactId=handoff.contact_id,
            Attributes={_SUMMARY: attributes_of(handoff)[_SUMMARY]},
        )
        self._reach(change)

    def stop(self, handoff: Handoff) -> None:
        # A transfer has made others (escalation.contact_events).
        contacts: dict[str, bool] = handoff.contact.get("contacts") or {handoff.contact_id: False}
        for contact_id in (id for id, ended in contacts.items() if not ended):
            self._reach(partial(self._stop, contact_id))

    def _stop(self, contact_id: str) -> None:
        # It may have ended by itself.
        with suppress(self._client.exceptions.ContactNotFoundException):
            self._client.stop_contact(InstanceId=self.instance_id, ContactId=contact_id)


def _is_expired(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "AccessDeniedException"


def attributes_of(handoff: Handoff) -> dict[str, str]:
    """Contract: field names are fixed. The summary gives way when all together would be too long."""
    attributes = {
        "customer_id": handoff.customer_id,
        "session_id": handoff.conversation_id,
        "escalation_reason": f"{handoff.trigger}: {handoff.reason}" if handoff.reason else handoff.trigger,
        "language": handoff.language,
        "handoff_id": str(handoff.pk),
    }
    used = sum(len(name.encode()) + len(value.encode()) for name, value in attributes.items())
    room = ATTRIBUTE_BYTES - used - len(_SUMMARY)
    attributes[_SUMMARY] = handoff.whole_summary.encode()[:room].decode(errors="ignore")
    return attributes


def _whole(number: float | None) -> int | None:
    """Seconds or places; null, and the 0 of a metric that is not measured yet, are unknown."""
    return max(1, round(number)) if number else None
