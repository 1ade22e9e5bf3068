"""Live, ready, measured: what orchestrators, balancers and Prometheus ask."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from mangaassist.addresses import lies_in
from mangaassist.health.metrics import exposition
from mangaassist.health.probes import probe_parts


@never_cache
async def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked, so that a failing dependency restarts nobody."""
    return JsonResponse({"status": "live"})


@never_cache
async def ready(request: HttpRequest) -> HttpResponse:
    """200 when every part is well, else 503 and which one is not. The shop may still answer without it."""
    parts = await probe_parts()
    well = all(part.ok for part in parts)
    response = JsonResponse(
        {
            "status": "ready" if well else "not ready",
            "parts": {
                part.name: {"ok": part.ok, "took_ms": part.took_ms} | ({"fault": part.fault} if part.fault else {})
                for part in parts
            },
        },
        status=200 if well else 503,
    )
    # A 503 is this page's message, no error of ours: Django is not to log it at every poll.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus beside us: 404 to whoever comes through a proxy, or from outside of METRICS_NETWORKS."""
    if not may_measure(request):
        return HttpResponseNotFound()
    return HttpResponse(await exposition(), content_type=CONTENT_TYPE_LATEST)


# What proxies add (RFC 7239; X-Forwarded-*, Via): Prometheus itself sends none of it.
_OF_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Via")


def may_measure(request: HttpRequest) -> bool:
    if any(name in request.headers for name in _OF_PROXIES):
        return False
    return lies_in(request.META.get("REMOTE_ADDR", ""), settings.METRICS_NETWORKS)
