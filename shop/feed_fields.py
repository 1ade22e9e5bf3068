"""Reading the fields of a feed line: a typed value or a reason that names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError

from shop.models import ASIN_PATTERN, check_titles

Line = Mapping[str, Any]
_MONEY = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class LineRefused(ValueError):
    """Why a line is not taken."""


def text(line: Line, name: str, limit: int, *, default: str | None = None) -> str:
    value = line.get(name, default)
    if value is None:
        value = default
    if value is None:
        raise LineRefused(f"{name} is missing")
    if not isinstance(value, str):
        raise LineRefused(f"{name} must be text")
    value = value.replace("\x00", "").strip()
    if default is None and not value:
        raise LineRefused(f"{name} is empty")
    if len(value) > limit:
        raise LineRefused(f"{name} is longer than {limit} characters")
    return value


def slug(line: Line, name: str = "id", limit: int = 64) -> str:
    value = text(line, name, limit)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise LineRefused(f"{name} may hold letters, digits, - and _ only")
    return value


def asin(line: Line, name: str = "asin") -> str:
    value = text(line, name, 32)
    if not re.fullmatch(ASIN_PATTERN, value):
        raise LineRefused(f"{name} must be 1-32 letters, digits, - or _")
    return value


def choice(line: Line, name: str, allowed: Sequence[str], *, default: str | None = None) -> str:
    value = text(line, name, 64, default=default)
    if value not in allowed:
        raise LineRefused(f"{name} must be one of {', '.join(allowed)}")
    return value


def texts(line: Line, name: str, limit: int = 200, most: int = 100) -> list[str]:
    value = line.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise LineRefused(f"{name} must be a list of texts")
    if len(value) > most or any(len(each) > limit for each in value):
        raise LineRefused(f"{name} may have {most} texts of at most {limit} characters")
    cleaned = (each.replace("\x00", "").strip() for each in value)
    return [each for each in cleaned if each]


def titles(line: Line) -> dict[str, str]:
    """``titles``, optional: a promotion's title by language, such as ``{"ja": "春のセール"}``."""
    value = line.get("titles")
    if value is None:
        return {}
    try:
        check_titles(value)
    except ValidationError as error:
        raise LineRefused(f"titles: {error.messages[0]}") from error
    return {language: title.strip() for language, title in value.items()}


def whole(line: Line, name: str, low: int, high: int) -> int | None:
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LineRefused(f"{name} must be a whole number from {low} to {high}")
    return value


def wholes(line: Line, name: str, low: int, high: int, most: int = 500) -> list[int]:
    value = line.get(name)
    if value is None:
        return []
    good = isinstance(value, list) and all(
        isinstance(each, int) and not isinstance(each, bool) and low <= each <= high for each in value
    )
    if not good or len(value) > most:
        raise LineRefused(f"{name} must be a list of whole numbers from {low} to {high}")
    return sorted(set(value))


def number(line: Line, name: str, low: float, high: float) -> float | None:
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise LineRefused(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


def boolean(line: Line, name: str, default: bool) -> bool:
    value = line.get(name, default)
    if not isinstance(value, bool):
        raise LineRefused(f"{name} must be true or false")
    return value


def money(line: Line, name: str, *, required: bool) -> Decimal | None:
    """A decimal string with at most two places: never a float, so that it stays exact."""
    value = line.get(name)
    if value is None:
        if required:
            raise LineRefused(f"{name} is missing")
        return None
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise LineRefused(f'{name} must be a decimal string such as "14.99"')
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise LineRefused(f"{name} is not a number") from error


def day(line: Line, name: str) -> date | None:
    value = line.get(name)
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value) if _DAY.fullmatch(value) else datetime.fromisoformat(value).date()
    except (TypeError, ValueError) as error:
        raise LineRefused(f"{name} must be a date such as 2003-10-22") from error


def moment(line: Line, name: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    value = line.get(name)
    if value is None:
        raise LineRefused(f"{name} is missing")
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise LineRefused(f"{name} must be a time such as 2026-01-31T12:00:00Z") from error


def objects(line: Line, name: str, most: int = 200) -> list[dict[str, Any]]:
    value = line.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value) or len(value) > most:
        raise LineRefused(f"{name} must be a list of at most {most} objects")
    return value
