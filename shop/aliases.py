"""Further names by which a series is found: shoppers' own spellings, nicknames, abbreviations."""

from __future__ import annotations

from django.db import transaction

from shop.models import Series, SeriesTerm
from shop.text import fold

LONGEST_ALIAS = 200


class AliasRefused(Exception):
    """The text says why, for an operator."""


def add_alias(series_id: str, alias: str) -> bool:
    """False when the series has that name already. Search and caches know of it when the transaction commits.

    Raises :class:`AliasRefused`: it names another series, or nothing.
    """
    alias = " ".join(alias.split())
    folded = fold(alias)
    if len(folded) < 2 or len(alias) > LONGEST_ALIAS:
        raise AliasRefused(f"A name has 2 to {LONGEST_ALIAS} characters.")
    names = SeriesTerm.objects.filter(kind__in=(SeriesTerm.Kind.TITLE, SeriesTerm.Kind.ALIAS), folded=folded)
    with transaction.atomic():
        series = Series.objects.select_for_update().get(pk=series_id)
        others = names.exclude(series=series).select_related("series").first()
        if others is not None:
            raise AliasRefused(f"“{alias}” is a name of {others.series.title} already.")
        if names.filter(series=series).exists():
            return False
        series.aliases = [*series.aliases, alias]
        series.save()
    return True
