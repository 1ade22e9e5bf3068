"""What the shopper has of a series: as bought here, and as they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from chat.gathering.work import Gathering
from chat.state import volumes_gone, volumes_said
from mangaassist.dbthreads import in_database
from shop.coverage import coverage, gives_away
from shop.facts import ProductFacts
from shop.orders import owned_asins


async def bought(work: Gathering) -> dict[str, ProductFacts]:
    """The signed-in shopper's own editions; empty for a guest."""
    if not work.shopper.customer_id:
        return {}
    owned = await work.limited("orders", in_database(owned_asins, work.shopper.customer_id), set())
    return await work.products(owned)


def most_read(mine: dict[str, ProductFacts], most: int = 3) -> tuple[str, ...]:
    """The series that the shopper owns most books of, the most first."""
    counted = Counter(product.series_id for product in mine.values())
    return tuple(sorted(counted, key=lambda series_id: (-counted[series_id], series_id))[:most])


def volumes_had(work: Gathering, mine: dict[str, ProductFacts], series_id: str, language: str = "") -> frozenset[int]:
    """Bought, in that language if one is given, and said to be there; less what is said to be gone."""
    editions = [
        product.volumes
        for product in mine.values()
        if product.series_id == series_id and language in {"", product.language}
    ]
    state = work.request.state
    return (coverage(editions).volumes | volumes_said(state, series_id)) - volumes_gone(state, series_id)


def without_spoilers(product: ProductFacts, has: Collection[int]) -> ProductFacts:
    """Its blurb is gone when it tells of volumes behind the last one that the shopper has: whoever writes the answer
    cannot give away what they were not given.
    """
    return replace(product, description="") if gives_away(product.volumes, has) else product


def language_read(mine: dict[str, ProductFacts], series_id: str) -> str:
    """The language in which the shopper has most of this series; empty for none."""
    languages = Counter(product.language for product in mine.values() if product.series_id == series_id)
    return languages.most_common(1)[0][0] if languages else ""
