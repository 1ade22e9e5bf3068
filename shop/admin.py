"""The shop's tables for operators. Saving here goes the same way as everywhere: caches and search hear of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shop.feed_records import FeedJob, FeedReject
from shop.models import Cart, CartLine, Edition, Offer, Order, OrderLine, Promotion, Series, SeriesRelation
from shop.search import index_editions, index_series

SHOWN_REJECTS = 100


class RelationInline(admin.TabularInline[SeriesRelation, Series]):
    model = SeriesRelation
    fk_name = "series"
    extra = 0
    autocomplete_fields = ("to",)


@admin.register(Series)
class SeriesAdmin(admin.ModelAdmin[Series]):
    list_display = ("title", "native_title", "demographic", "status", "age_rating", "volume_count", "started")
    list_filter = ("demographic", "status", "age_rating")
    search_fields = ("id", "title", "native_title", "romanized_title", "terms__folded")
    inlines = (RelationInline,)
    exclude = ("updated_at",)

    def save_model(self, request: HttpRequest, obj: Series, form: ModelForm[Series], change: bool) -> None:
        super().save_model(request, obj, form, change)
        index_series([obj])


class OfferInline(admin.StackedInline[Offer, Edition]):
    model = Offer
    extra = 0
    exclude = ("updated_at",)


@admin.register(Edition)
class EditionAdmin(admin.ModelAdmin[Edition]):
    list_display = ("title", "asin", "format", "language", "price", "stock", "in_print")
    list_filter = ("format", "language", "in_print", "age_rating")
    list_select_related = ("offer",)
    search_fields = ("asin", "isbn13", "title", "series__title", "series__native_title")
    autocomplete_fields = ("series",)
    inlines = (OfferInline,)
    exclude = ("updated_at",)

    @admin.display(description=_("price"))
    def price(self, edition: Edition) -> str:
        offer = getattr(edition, "offer", None)
        return f"{offer.price} {offer.currency}" if offer else "—"

    @admin.display(description=_("stock"))
    def stock(self, edition: Edition) -> str:
        offer = getattr(edition, "offer", None)
        return "—" if offer is None else "∞" if offer.stock is None else str(offer.stock)

    def save_model(self, request: HttpRequest, obj: Edition, form: ModelForm[Edition], change: bool) -> None:
        super().save_model(request, obj, form, change)
        index_editions([obj])


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin[Offer]):
    list_display = ("edition", "price", "list_price", "currency", "stock", "updated_at")
    list_editable = ("price", "stock")
    list_filter = ("currency",)
    list_select_related = ("edition",)
    search_fields = ("edition__asin", "edition__title")
    autocomplete_fields = ("edition",)
    exclude = ("updated_at",)


@admin.register(Promotion)
class PromotionAdmin(admin.ModelAdmin[Promotion]):
    list_display = ("title", "percent_off", "category", "starts", "ends")
    list_filter = ("category", "starts")
    search_fields = ("id", "title")


class OrderLineInline(admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    extra = 0
    autocomplete_fields = ("edition",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin[Order]):
    list_display = ("id", "customer_id", "status", "placed_at", "eta", "carrier")
    list_filter = ("status", "placed_at")
    search_fields = ("id", "customer_id", "tracking")
    inlines = (OrderLineInline,)


class CartLineInline(admin.TabularInline[CartLine, Cart]):
    model = CartLine
    extra = 0
    autocomplete_fields = ("edition",)


@admin.register(Cart)
class CartAdmin(admin.ModelAdmin[Cart]):
    list_display = ("__str__", "updated_at")
    search_fields = ("customer_id", "session_id")
    inlines = (CartLineInline,)


class _OnlyToLookAt:
    """What machines have written is not edited."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RejectInline(_OnlyToLookAt, admin.TabularInline[FeedReject, FeedJob]):
    """The first ones; all of them are for whoever sent the feed."""

    model = FeedReject
    fields = ("line", "reason", "text")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedReject]:
        first = super().get_queryset(request).order_by("line")
        job_id = (request.resolver_match.kwargs if request.resolver_match else {}).get("object_id")
        shown = first.filter(job=job_id).values_list("pk", flat=True)[:SHOWN_REJECTS]
        return first.filter(pk__in=list(shown))


@admin.register(FeedJob)
class FeedJobAdmin(_OnlyToLookAt, admin.ModelAdmin[FeedJob]):
    list_display = (
        "id", "source", "state", "bytes", "lines", "taken", "changed", "rejected", "created_at", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "created_at")
    search_fields = ("id", "source")
    inlines = (RejectInline,)
