"""The desk's pages. Who is signed in but no agent is told so; who is not signed in goes through the admin's login."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from escalation.actors import Actor, NotAnAgent, actor_of
from escalation.desk_words import desk_words
from escalation.metrics import read_figures
from mangaassist.markup_policy import no_markup_from_text

PERIODS = {"1", "7", "30"}
Page = Callable[[HttpRequest, Actor], HttpResponse]


def for_agents(page: Page) -> Callable[[HttpRequest], HttpResponseBase]:
    @require_GET
    @never_cache
    @no_markup_from_text
    @login_required(login_url="admin:login")
    @wraps(page)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            actor = actor_of(request.user)
        except NotAnAgent:
            return render(request, "desk/forbidden.html", status=403)
        return page(request, actor)

    return guarded


@for_agents
def desk(request: HttpRequest, actor: Actor) -> HttpResponse:
    return render(request, "desk/desk.html", {"actor": actor, "words": desk_words()})


@for_agents
def metrics(request: HttpRequest, actor: Actor) -> HttpResponse:
    if not actor.is_lead:
        return render(request, "desk/forbidden.html", {"leads_only": True}, status=403)
    days = request.GET.get("days", "7")
    if days not in PERIODS:
        return HttpResponseBadRequest("days is 1, 7 or 30.", content_type="text/plain")
    figures = read_figures(timezone.localtime(), int(days))
    return render(request, "desk/metrics.html", {"figures": figures, "days": days})
