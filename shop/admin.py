"""The shop's tables for operators. Saving here goes the same way as everywhere: caches and search hear of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.utils.translation import gettext_lazy as _

from mangaassist.access.audit import log_deeds
from mangaassist.admin_site import FromToAdmin
from mangaassist.lists import LongList
from shop import feed_admin  # noqa: F401  (registers its pages)
from shop.forms import ListsInForm
from shop.models import Cart, CartLine, Edition, Offer, Order, OrderLine, Promotion, Series, SeriesRelation
from shop.pricing import (
    HIGHEST,
    LOWEST,
    MOST_STOCK,
    WHOLE,
    Changed,
    ChangeRefused,
    change_prices,
    end_promotions,
    set_stock,
)
from shop.search import index_editions, index_series


class RelationInline(admin.TabularInline[SeriesRelation, Series]):
    model = SeriesRelation
    fk_name = "series"
    extra = 0
    autocomplete_fields = ("to",)


@admin.register(Series)
class SeriesAdmin(ListsInForm, FromToAdmin, admin.ModelAdmin[Series]):
    list_display = ("title", "native_title", "demographic", "status", "age_rating", "volume_count", "started")
    list_filter = ("demographic", "status", "age_rating")
    search_fields = ("id", "title", "native_title", "romanized_title", "terms__folded")
    search_help_text = gettext_lazy("Title in any script, alias, author, genre, or id")
    inlines = (RelationInline,)
    as_lines = ("aliases", "authors", "native_authors", "genres", "themes")
    exclude = ("updated_at",)

    def save_model(self, request: HttpRequest, obj: Series, form: ModelForm[Series], change: bool) -> None:
        super().save_model(request, obj, form, change)
        index_series([obj])


class OfferInline(admin.StackedInline[Offer, Edition]):
    model = Offer
    extra = 0
    exclude = ("updated_at",)


@admin.register(Edition)
class EditionAdmin(ListsInForm, FromToAdmin, admin.ModelAdmin[Edition]):
    list_display = ("title", "asin", "format", "language", "price", "stock", "in_print")
    list_filter = ("format", "language", "in_print", "age_rating")
    list_select_related = ("offer",)
    search_fields = ("asin", "isbn13", "title", "series__title", "series__native_title", "series__romanized_title")
    search_help_text = gettext_lazy("ASIN, ISBN, title, or its series' title in any script")
    autocomplete_fields = ("series",)
    inlines = (OfferInline,)
    as_volumes = ("volumes",)
    exclude = ("updated_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An ISBN is found as it stands on a book, with its hyphens."""
        digits = search_term.replace("-", "").replace(" ", "")
        return super().get_search_results(
            request, queryset, digits if len(digits) == 13 and digits.isdecimal() else search_term
        )

    @admin.display(description=_("price"))
    def price(self, edition: Edition) -> str:
        offer = getattr(edition, "offer", None)
        # As it is written on a price tag: yen have no hundredths.
        return f"{floatformat(offer.price, 0 if offer.currency in WHOLE else 2)} {offer.currency}" if offer else "—"

    @admin.display(description=_("stock"))
    def stock(self, edition: Edition) -> str:
        offer = getattr(edition, "offer", None)
        return "—" if offer is None else "∞" if offer.stock is None else str(offer.stock)

    def save_model(self, request: HttpRequest, obj: Edition, form: ModelForm[Edition], change: bool) -> None:
        super().save_model(request, obj, form, change)
        index_editions([obj])


PERCENT = forms.DecimalField(min_value=LOWEST, max_value=HIGHEST, decimal_places=2)
STOCK = forms.IntegerField(min_value=0, max_value=MOST_STOCK)


class OfferActionForm(ActionForm):
    """What the actions on offers need; each action reads its own."""

    percent = forms.CharField(
        label=gettext_lazy("Percent"),
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "−10", "step": "any"}),
    )
    stock = forms.CharField(
        label=gettext_lazy("Stock"), required=False, widget=forms.NumberInput(attrs={"placeholder": "0"})
    )


@admin.register(Offer)
class OfferAdmin(FromToAdmin, admin.ModelAdmin[Offer]):
    action_form = OfferActionForm
    actions = ("change_selected_prices", "set_selected_stock")
    list_display = ("edition", "price", "list_price", "currency", "stock", "updated_at")
    list_editable = ("price", "stock")
    list_filter = ("currency",)
    list_select_related = ("edition",)
    search_fields = ("edition__asin", "edition__isbn13", "edition__title", "edition__series__native_title")
    autocomplete_fields = ("edition",)
    exclude = ("updated_at",)

    @admin.action(
        description=gettext_lazy("Change the prices of the selected offers by percent"), permissions=["change"]
    )
    def change_selected_prices(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        try:
            self._say(request, change_prices(queryset, PERCENT.clean(request.POST.get("percent", ""))))
        except (forms.ValidationError, ChangeRefused):
            text = gettext("Say by how many percent: %(low)d to %(high)d, below 0 for cheaper.")
            self.message_user(request, text % {"low": LOWEST, "high": HIGHEST}, messages.ERROR)

    @admin.action(description=gettext_lazy("Set the stock of the selected offers"), permissions=["change"])
    def set_selected_stock(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        try:
            self._say(request, set_stock(queryset, STOCK.clean(request.POST.get("stock", ""))))
        except forms.ValidationError:
            self.message_user(request, gettext("Say how many there are."), messages.ERROR)

    def _say(self, request: HttpRequest, changes: list[Changed]) -> None:
        log_deeds(request, ((each.row, each.what) for each in changes))
        count = len(changes)
        text = ngettext("%(count)d offer changed.", "%(count)d offers changed.", count) % {"count": count}
        self.message_user(request, text)


@admin.register(Promotion)
class PromotionAdmin(ListsInForm, FromToAdmin, admin.ModelAdmin[Promotion]):
    list_display = ("title", "percent_off", "category", "starts", "ends")
    list_filter = ("category", "starts", "ends")
    search_fields = ("id", "title", "titles")
    actions = ("end_selected",)
    as_lines = ("series", "asins")

    @admin.action(description=gettext_lazy("End the selected promotions now"), permissions=["change"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Promotion]) -> None:
        changes = end_promotions(queryset)
        log_deeds(request, ((each.row, each.what) for each in changes))
        count = len(changes)
        text = ngettext("%(count)d promotion ended.", "%(count)d promotions ended.", count) % {"count": count}
        self.message_user(request, text)


class OrderLineInline(admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    extra = 0
    autocomplete_fields = ("edition",)


@admin.register(Order)
class OrderAdmin(LongList, admin.ModelAdmin[Order]):
    list_display = ("id", "customer_id", "status", "placed_at", "eta", "carrier")
    list_filter = ("status", "placed_at")
    search_fields = ("id", "customer_id")
    searched_words = ("tracking",)
    newest_first = "-placed_at"
    sortable_by = ("id", "customer_id", "placed_at")
    inlines = (OrderLineInline,)


class CartLineInline(admin.TabularInline[CartLine, Cart]):
    model = CartLine
    extra = 0
    autocomplete_fields = ("edition",)


@admin.register(Cart)
class CartAdmin(LongList, admin.ModelAdmin[Cart]):
    list_display = ("__str__", "updated_at")
    search_fields = ("customer_id", "session_id")
    ordering = ("-updated_at",)
    inlines = (CartLineInline,)
