"""What a shopper would read if they asked an article's question, before it is published: the page in the admin.

It goes the way of every answer (chat.turn), in a rehearsal and with the article as it is saved: whether it is found,
what is said, and what leads on from there. Nothing of it is stored.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.memory_types import Memory
from chat.rehearsing import PREVIEWED, why_no_rehearsal
from chat.replay import Replayed, rehearse
from chat.tokens import Shopper
from chat.turn import TurnInput
from chat.understanding.types import Language
from knowledge.drafts import trying
from knowledge.models import Article
from mangaassist.access.audit import log_deed
from mangaassist.admin_site import MangaAssistAdminSite

LONGEST_QUESTION = 500


class QuestionForm(forms.Form):
    question = forms.CharField(label=gettext_lazy("A shopper asks"), max_length=LONGEST_QUESTION)


async def preview(article: Article, question: str) -> Replayed:
    """The answer to ``question``, asked by a guest in the article's language, as if the article were published."""
    language: Language = "ja" if article.locale == "ja" else "en"
    turn = TurnInput(
        turn_id=str(uuid.uuid4()),
        conversation_id=str(uuid.uuid4()),
        text=question,
        shopper=Shopper(session_id=uuid.uuid4().hex),
        hint=language,
    )
    with trying(article):
        return await rehearse(turn, Memory())


def preview_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; ``POST question``: the answer below it, within the bounds of rehearsals (429 beyond them).

    A model that is configured is asked, and paid.
    """
    user: Any = request.user
    if not user.has_perm("knowledge.change_article"):
        raise PermissionDenied
    article = get_object_or_404(Article, pk=pk)
    form = QuestionForm(request.POST or None, initial={"question": article.question})
    answer, refusal = None, ""
    if form.is_valid():
        refusal = why_no_rehearsal(user)
        if not refusal:
            answer = async_to_sync(preview)(article, form.cleaned_data["question"])
            # A model may have been paid for it.
            log_deed(request, article, PREVIEWED)
    context = admin.site.each_context(request) | {
        "title": _("Preview"),
        "opts": Article._meta,
        "article": article,
        "form": form,
        "answer": answer,
        "refusal": refusal,
        "is_quoted": answer is not None and _quotes(answer, article),
    }
    return TemplateResponse(request, "admin/chat/article_preview.html", context, status=429 if refusal else 200)


def _quotes(answer: Replayed, article: Article) -> bool:
    source = f"article:{article.slug}/{article.locale}"
    return any(each.get("source") == source for each in answer.citations)


_site = cast(MangaAssistAdminSite, admin.site)
_site.add_page("knowledge/article/<int:pk>/preview/", preview_page, "article_preview")
