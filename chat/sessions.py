"""A shopper's live session with one conversation: what a socket, a form or a partner call may do there. Sync."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from chat.assistant import AS_DELIVERED, Assistant, read_assistant
from chat.context import PageContext, read_context
from chat.feedback import Opinion, save_feedback
from chat.handoff import HandoffState, ask_for_person, read_ended, read_handoff, withdraw_request
from chat.models import ActionReceipt, Conversation, Message, Turn
from chat.phrases import say
from chat.signals import conversation_started
from chat.tokens import Claims, Shopper, issue_token
from chat.transcripts import RECENT, frames_of, messages_after, response_frame
from chat.understanding.types import Language
from escalation.handoffs import HandoffConflict, rate_handoff, shopper_is
from escalation.models import Handoff
from recommendations.interactions import join_guest


class SessionRefused(Exception):
    """This shopper may not have that; the same words whether it exists or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An owner and their conversation. ``locale``: en or ja. ``assistant``: as the shop had it when this was opened."""

    conversation_id: str
    shopper: Shopper
    context: PageContext
    locale: Language
    assistant: Assistant = AS_DELIVERED

    def conversation(self) -> Conversation:
        return Conversation.objects.get(pk=self.conversation_id)

    def token(self) -> str:
        return issue_token(
            Claims(shopper=self.shopper, conversation_id=self.conversation_id, context=self.context.as_dict())
        )

    def give_feedback(self, message_id: str, opinion: Opinion) -> str:
        """The feedback's id. Raises :class:`NotFound` for an answer that is not in this conversation, and where the
        shop asks for no opinions."""
        if not read_assistant().feedback:
            raise NotFound("This shop does not ask for opinions at the moment.")
        try:
            return str(save_feedback(self.conversation(), message_id, opinion).pk)
        except Message.DoesNotExist as error:
            raise NotFound("There is no such answer in this conversation.") from error

    def ask_for_person(self, client_msg_id: str, *, reason: str = "", cancel: bool = False) -> HandoffState:
        """Asks or withdraws, once per ``client_msg_id``; a resend gets what is so by now."""
        if not cancel and not read_assistant().handoff:
            return HandoffState(message=say(self.locale, "off.handoff"))
        action = "withdraw_handoff" if cancel else "ask_handoff"
        with transaction.atomic():
            _, is_new = ActionReceipt.objects.get_or_create(
                conversation_id=self.conversation_id, client_msg_id=client_msg_id, defaults={"action": action}
            )
            if not is_new:
                return read_handoff(self.conversation_id)
            if cancel:
                return withdraw_request(self.conversation_id, self.locale)
            return ask_for_person(self.conversation_id, reason=reason, language=self.locale)

    def rate_person(self, handoff_id: str, csat: int, comment: str) -> None:
        """Raises :class:`NotFound` for a handoff that is not this conversation's, or that nobody answered."""
        try:
            rate_handoff(handoff_id, conversation_id=self.conversation_id, csat=csat, comment=comment)
        except (Handoff.DoesNotExist, HandoffConflict) as error:
            raise NotFound("There is nobody's help to rate.") from error


class NotFound(Exception):
    """Something named in a frame is not in this conversation."""


# Of the ids of conversations that a first question begins.
_FIRST_QUESTIONS = uuid.UUID("6f0d4a1e-7c55-4a3b-9a41-3f2f7e0c9d58")


def open_session(
    claims: Claims,
    conversation_id: str = "",
    *,
    channel: str = Conversation.Channel.WIDGET,
    first_question: str = "",
) -> Session:
    """The named conversation, the token's, or a new one. Raises :class:`SessionRefused` for another's.

    ``first_question``: the ``client_msg_id`` that begins it; sent twice at the same moment, it begins one conversation.
    """
    shopper = claims.shopper
    context = read_context(claims.context)
    wanted = conversation_id or claims.conversation_id
    conversation = Conversation.objects.owned_by(shopper).filter(pk=wanted).first() if wanted else None
    if conversation is None:
        if conversation_id:
            raise SessionRefused("That conversation is not yours.")
        conversation = start_conversation(shopper, context, channel=channel, first_question=first_question)
    else:
        changed: dict[str, Any] = {}
        if context.locale and _language(context.locale) != conversation.locale:
            changed["locale"] = _language(context.locale)  # The shopper has switched.
        if context.as_dict() != conversation.context:
            changed["context"] = context.as_dict()
        if shopper.customer_id and not conversation.customer_id:
            # The guest has signed in: the conversation is now the customer's.
            changed["customer_id"] = shopper.customer_id
            join_guest(shopper.session_id, shopper.customer_id)
        if changed:
            with transaction.atomic():
                Conversation.objects.filter(pk=conversation.pk).update(**changed)
                if "customer_id" in changed:
                    shopper_is(str(conversation.pk), shopper.customer_id)
    assistant = read_assistant()
    return Session(
        conversation_id=str(conversation.pk),
        shopper=shopper,
        context=context,
        locale=assistant.offered(_language(context.locale or conversation.locale)),
        assistant=assistant,
    )


def _language(locale: str) -> Language:
    return "ja" if locale.startswith("ja") else "en"


def start_conversation(
    shopper: Shopper, context: PageContext, *, channel: str, first_question: str = ""
) -> Conversation:
    # Guessed by nobody either: a session's id is random and only its owner's token holds it.
    named = f"{shopper.tenant} {shopper.session_id} {first_question.lower()}"
    with transaction.atomic():
        conversation, is_new = Conversation.objects.get_or_create(
            pk=uuid.uuid5(_FIRST_QUESTIONS, named) if first_question else uuid.uuid4(),
            defaults={
                "customer_id": shopper.customer_id,
                "session_id": shopper.session_id,
                "tenant": shopper.tenant,
                "locale": read_assistant().offered(_language(context.locale)),
                "channel": channel,
                "context": context.as_dict(),
            },
        )
        if is_new:
            # Inside the transaction: what a receiver writes down of it and the conversation are one.
            conversation_started.send(
                sender=Conversation,
                conversation_id=str(conversation.pk),
                customer_id=shopper.customer_id,
                session_id=shopper.session_id,
                tenant=shopper.tenant,
                locale=conversation.locale,
                channel=channel,
                at=conversation.created_at,
            )
    return conversation


# --- What a returning socket is told ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """``messages``: ``message`` frames, oldest first. ``unfinished``: turns that are running on paper.

    ``answer``: the ``response`` of the turn that the client resumes, when it has ended. ``seen``: the newest
    message (its row) that is known with these, 0 for none. ``ended``: a handoff to rate that ended lately.
    """

    messages: list[dict[str, Any]]
    unfinished: list[str]
    answer: dict[str, Any] | None
    state: str
    reset: bool
    seen: int
    ended: HandoffState | None = None


def read_missed(session: Session, *, after_message_id: str, turn_id: str, after_seq: int) -> Missed:
    conversation = session.conversation()
    messages = messages_after(session.conversation_id, after_message_id, limit=RECENT + 1)
    after = conversation.messages.filter(public_id=after_message_id).first() if after_message_id else None
    known = not after_message_id or after is not None
    if len(messages) > RECENT:
        # More than is told at once: the newest, and the client begins anew with them.
        known = known and not after_message_id
        messages = messages_after(session.conversation_id)
    seen = messages[-1].pk if messages else after.pk if after else 0
    unfinished = [str(pk) for pk in conversation.turns.running().values_list("pk", flat=True)]
    answer = None
    if turn_id and turn_id not in unfinished:
        answer = read_answer(session, turn_id, after_seq)
        if answer is not None:
            if after is not None and after.turn_id is not None and str(after.public_id) == answer["message_id"]:
                answer = None  # It has that answer already.
            else:
                messages = [m for m in messages if str(m.public_id) != answer["message_id"]]
    return Missed(
        messages=frames_of(conversation, messages),
        unfinished=unfinished,
        answer=answer,
        state=conversation.state,
        reset=not known,
        seen=seen,
        ended=read_ended(session.conversation_id) if conversation.state == Conversation.State.BOT else None,
    )


def read_answer(session: Session, turn_id: str, after_seq: int) -> dict[str, Any] | None:
    """The ``response`` of an ended turn of this conversation; None while it runs."""
    turn = Turn.objects.filter(pk=turn_id, conversation_id=session.conversation_id).first()
    if turn is None or turn.status == Turn.Status.RUNNING:
        return None
    message = turn.messages.filter(role=Message.Role.ASSISTANT).select_related("turn").first()
    return response_frame(session.conversation(), message, after_seq + 1) if message else None
