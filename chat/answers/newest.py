"""How far a series has come: the newest volume, what is to come, and what its status lets one expect."""

from __future__ import annotations

from django.utils.timezone import localdate

from chat.answers.asked import Asked, live_words, no_edition, product_cards, remember_focus, replies, series_title
from chat.phrases import say_day
from chat.plan import AnswerPlan, Line


def newest(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    series = evidence.series.get(request.series[0])
    if series is None:
        return no_edition(asked)
    title = {"series": series_title(series.id)}
    coming = tuple(asin for asin in evidence.found if asin in evidence.products)
    out = tuple(asin for asin in evidence.editions if asin in evidence.products)
    lines: list[Line] = []
    for asin in coming:
        day = evidence.products[asin].release_date
        words = live_words(asin) | {"date": say_day(language, day) if day else ""}
        lines.append(Line("newest.coming", words))
    if not coming:
        lines.append(Line(f"newest.status.{series.status}", title))
    for asin in out:
        day = evidence.products[asin].release_date
        dated = day is not None and day <= localdate()
        words = title | live_words(asin) | ({"date": say_day(language, day)} if day and dated else {})
        lines.append(Line("newest.out" if dated else "newest.out.undated", words))
    if not (coming or out):
        lines.append(Line("newest.none", title))
    shown = (*coming, *out)
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(
            request.state,
            evidence,
            asin=shown[0] if shown else "",
            shown=shown if len(shown) > 1 else (),
            series=series.id,
        ),
        cards=product_cards(*shown),
        quick_replies=replies(language, "next", "similar"),
    )
