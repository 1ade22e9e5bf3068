"""What every answering function gets, and the words and slots they share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from chat.dialogue import DialogueState, Request, age_limit
from chat.evidence import Evidence
from chat.guard import escape
from chat.phrases import JOINERS, name_of, say
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Language
from shop.coverage import spans
from shop.facts import ProductFacts, SeriesFacts
from shop.models import ages_up_to
from shop.promotions import promotions_for

LONGEST_LIST = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What every answering function gets. ``signed_in``: orders and a bookshelf may be spoken of."""

    request: Request
    evidence: Evidence
    signed_in: bool

    @property
    def language(self) -> Language:
        return self.request.language


def series_title(series_id: str) -> str:
    return f"{{{{series:{series_id}}}}}"


def title_slot(asin: str) -> str:
    return f"{{{{title:{asin}}}}}"


def live_words(asin: str) -> dict[str, str]:
    return {"title": title_slot(asin), "price": f"{{{{price:{asin}}}}}", "stock": f"{{{{stock:{asin}}}}}"}


def names(language: Language, names: tuple[str, ...]) -> str:
    return escape(JOINERS[language].join(names))


def authors_of(language: Language, series: SeriesFacts) -> str:
    return names(language, series.native_authors if language == "ja" and series.native_authors else series.authors)


def description_of(language: Language, series: SeriesFacts) -> str:
    text = series.native_description if language == "ja" and series.native_description else series.description
    return escape(text)


def replies(language: Language, *names: str) -> tuple[str, ...]:
    return tuple(say(language, f"reply.{name}") for name in names)


def product_cards(*asins: str) -> tuple[CardRef, ...]:
    return tuple(CardRef("product", asin) for asin in dict.fromkeys(asins))


def remember_focus(
    state: DialogueState, evidence: Evidence, *, shown: tuple[str, ...] = (), asin: str = "", series: str = ""
) -> DialogueState:
    """The focus after an answer: one edition, one series, or a list to point into."""
    if not series and asin and asin in evidence.products:
        series = evidence.products[asin].series_id
    in_order = tuple(dict.fromkeys(evidence.products[each].series_id for each in shown if each in evidence.products))
    return replace(state, asin=asin, series=series, shown=shown, shown_series=in_order)


def promotion_hints(product: ProductFacts, asked: Asked) -> list[Line]:
    return [
        Line("promotions.hint", {"title": escape(rule.title_in(asked.language)), "percent": f"{rule.percent_off}%"})
        for rule in promotions_for(product, asked.evidence.promotions)[:1]
    ]


def foreign_currency(asked: Asked) -> list[Line]:
    """That a price or a limit is wanted in a currency that we neither sell in nor convert to."""
    return [Line("currency.foreign")] if asked.evidence.foreign else []


def overlap_hints(asked: Asked, product: ProductFacts) -> list[Line]:
    """What a collection holds that the shopper has already, and what is new in it."""
    if len(product.volumes) < 2 or not asked.evidence.has:
        return []
    again = asked.evidence.has & set(product.volumes)
    new = set(product.volumes) - asked.evidence.has
    words = {
        "title": title_slot(product.asin),
        "again": volume_words(asked.language, again),
        "new": volume_words(asked.language, new),
    }
    if not again:
        return [Line("overlap.none", words)]
    return [Line("overlap.some" if new else "overlap.all", words)]


def volume_words(language: Language, volumes: Collection[int]) -> str:
    """Volumes as they are read aloud: "volume 3", "volumes 1 and 2", "volumes 1 to 4, 6 and 9"; 1〜4巻、6巻."""
    runs = spans(volumes)
    if language == "ja":
        return "、".join(f"{first}〜{last}巻" if first < last else f"{first}巻" for first, last in runs)
    parts: list[str] = []
    for first, last in runs:
        parts += [f"{first} to {last}"] if last > first + 1 else [str(each) for each in range(first, last + 1)]
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
    return f"{'volume' if len(volumes) == 1 else 'volumes'} {listed}"


def chosen_edition(asked: Asked) -> ProductFacts | None:
    """The edition that the question is about."""
    products = asked.evidence.products
    if asked.request.asin:
        return products.get(asked.request.asin)
    return next((products[asin] for asin in asked.evidence.editions if asin in products), None)


def no_edition(asked: Asked) -> AnswerPlan:
    """What was asked for is not carried: say so, and show what is."""
    request, evidence = asked.request, asked.evidence
    if "products" in evidence.failed:
        return AnswerPlan(lines=(Line("failed.products"),), state=request.state)
    if not request.series or request.series[0] not in evidence.series:
        return AnswerPlan(lines=(Line("unclear.title"),), state=request.state)
    title = series_title(request.series[0])
    instead = tuple(asin for asin in evidence.found if asin in evidence.products)[:3]
    lines = [_what_lacks(asked, title)]
    if instead:
        lines.append(Line("edition.instead"))
        lines += [Line("price.item", live_words(asin), bullet=True) for asin in instead]
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(request.state, evidence, shown=instead, series=request.series[0]),
        cards=product_cards(*instead),
    )


def _what_lacks(asked: Asked, title: str) -> Line:
    request, language = asked.request, asked.language
    match asked.evidence.lacking:
        case "language":
            return Line(
                "edition.none.language", {"title": title, "language": name_of(language, request.edition_language)}
            )
        case "format":
            return Line("edition.none.format", {"title": title, "format": name_of(language, request.format)})
        case "such":
            return Line("edition.none.such", {"title": title})
        case _:
            return Line("edition.none.volume" if request.volumes else "edition.none", {"title": title})


def fits_age(request: Request, series: SeriesFacts) -> bool:
    """Whether it may be given to somebody of the age that was told (or to anybody, but for adult works)."""
    return series.age_rating in ages_up_to(age_limit(request.state))


def keep_list(after: DialogueState, before: DialogueState) -> DialogueState:
    """Speaking of the second of a list does not lose the list."""
    if after.asin in before.shown:
        return replace(after, shown=before.shown, shown_series=before.shown_series)
    return after
