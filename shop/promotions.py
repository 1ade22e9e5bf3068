"""Promotions as rules: percent, scope, dates. What they come to in money is computed live, in the cart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from mangaassist.dbthreads import in_database
from shop.facts import ProductFacts
from shop.models import Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRule:
    """Without series and ASINs it covers all of its category."""

    id: str
    title: str
    # (language, title): those that the shop wrote in other languages.
    titles: tuple[tuple[str, str], ...] = ()
    category: str
    series: tuple[str, ...]
    asins: tuple[str, ...]
    percent_off: int
    starts: datetime
    ends: datetime

    def title_in(self, language: str) -> str:
        """``language``: en, ja, …; where it has none, the title that stands for all."""
        return dict(self.titles).get(language, self.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRules:
    """All rules of a category that have not ended, also those that begin later."""

    category: str
    rules: tuple[PromotionRule, ...]


PROMOTIONS_KIND: CacheKind[PromotionRules] = register_kind(
    CacheKind(
        name="promotions",
        label="Promotions",
        description="The rules of a category's promotions. What a cart comes to is always computed live.",
        key=lambda category: f"promotions:category:{category}",
        value_type=PromotionRules,
        tags=lambda found: frozenset({f"promotions:{found.category}"}),
        known_tags=lambda category: frozenset({f"promotions:{category}"}),
        default_ttl_s=300,
        recorded_one_in=1,
        min_ttl_s=5,
        max_ttl_s=24 * 3600,
    )
)


def _load(category: str) -> PromotionRules:
    rows = Promotion.objects.filter(category=category, ends__gt=timezone.now())
    return PromotionRules(
        category=category,
        rules=tuple(
            PromotionRule(
                id=row.pk,
                title=row.title,
                titles=tuple(sorted(row.titles.items())),
                category=row.category,
                series=tuple(row.series),
                asins=tuple(row.asins),
                percent_off=row.percent_off,
                starts=row.starts,
                ends=row.ends,
            )
            for row in rows
        ),
    )


def _running(found: PromotionRules | None) -> list[PromotionRule]:
    now = timezone.now()
    return [rule for rule in found.rules if rule.starts <= now < rule.ends] if found else []


def active_promotions(category: str = "manga") -> list[PromotionRule]:
    """The promotions that run now, the first to end first."""
    return _running(policy_cache.get_or_compute(PROMOTIONS_KIND, (category,), lambda: _load(category)))


async def aactive_promotions(category: str = "manga") -> list[PromotionRule]:
    """The async twin of :func:`active_promotions`."""

    async def load() -> PromotionRules:
        return await in_database(_load, category)

    found = await policy_cache.aget_or_compute(PROMOTIONS_KIND, (category,), load)
    return _running(found)


def promotions_for(facts: ProductFacts, rules: Iterable[PromotionRule]) -> list[PromotionRule]:
    """Those that cover an edition, the largest first."""
    covering = [
        rule
        for rule in rules
        if rule.category == facts.category
        and ((not rule.series and not rule.asins) or facts.series_id in rule.series or facts.asin in rule.asins)
    ]
    return sorted(covering, key=lambda rule: -rule.percent_off)
