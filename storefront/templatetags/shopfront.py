"""Words and pieces of the shop's templates."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chat.phrases import name_of
from storefront import context
from storefront.shelves import language

register = template.Library()


@register.filter
def called(code: str) -> str:
    """A code of the catalogue as a reader calls it: "box_set" → "box set"."""
    return name_of(language(), code)


@register.filter
def availability(code: str) -> str:
    return {
        "in_stock": _("In stock"),
        "low_stock": _("Only a few left"),
        "out_of_stock": _("Out of stock"),
        "pre_order": pgettext("stock", "Pre-order"),
    }.get(code, _("Availability unknown just now"))


@register.filter
def order_status(code: str) -> str:
    return name_of(language(), f"order.{code}")


@register.filter
def help_category(code: str) -> str:
    """A category of help articles as a heading; the shop's own ones as they are written."""
    return {
        "account": pgettext("help", "Account"),
        "assistant": pgettext("help", "Assistant"),
        "ebooks": pgettext("help", "E-books"),
        "gifts": pgettext("help", "Gifts"),
        "orders": pgettext("help", "Orders"),
        "payment": pgettext("help", "Payment"),
        "products": pgettext("help", "Products"),
        "returns": pgettext("help", "Returns"),
        "shipping": pgettext("help", "Shipping"),
    }.get(code, code.replace("_", " ").capitalize())


@register.simple_tag
def widget_context(page: dict[str, str] | str) -> str:
    return context.widget_context(page if isinstance(page, dict) else {})


@register.filter
def split_words(words: str) -> list[str]:
    return words.split()
