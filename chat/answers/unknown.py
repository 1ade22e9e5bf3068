"""What is asked for by a name that the catalogue does not know: said plainly, with what is written most like it."""

from __future__ import annotations

from chat.answers.asked import Asked, product_cards, remember_focus, replies, series_title
from chat.guard import escape
from chat.naming import in_print
from chat.phrases import JOINERS
from chat.plan import AnswerPlan, Line


def unknown_title(asked: Asked) -> AnswerPlan:
    """What we talked of before stays what "it" means."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    if "search" in evidence.failed:
        return AnswerPlan(lines=(Line("search.failed"),), state=request.state)
    lines = [unknown_name_line(asked)]
    near = tuple(asin for asin in evidence.found if asin in evidence.products)
    state = request.state
    if near:
        series = dict.fromkeys(evidence.products[asin].series_id for asin in near)
        titles = JOINERS[language].join(series_title(each) for each in series if each in evidence.series)
        lines.append(Line("unknown.near", {"titles": titles}))
        state = remember_focus(state, evidence, shown=near)
    elif request.entities.similar_to:
        lines.append(Line("unknown.what_in_it"))
    return AnswerPlan(
        lines=tuple(lines),
        state=state,
        cards=product_cards(*near),
        quick_replies=replies(language, "recommend", "human"),
    )


def unknown_name_line(asked: Asked) -> Line:
    similar = asked.request.entities.similar_to
    return Line("unknown.example" if similar else "unknown.title", {"name": escape(in_print(asked.request.unknown))})
