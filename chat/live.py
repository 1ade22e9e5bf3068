"""The live values of one turn: one batched read, shared by its text and its cards, never kept beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from chat.evidence import Evidence
from chat.guard import escape
from chat.phrases import JOINERS, name_of, say, say_day
from chat.trace import Trace
from chat.understanding.types import Language
from shop.facts import ProductFacts, SeriesFacts
from shop.offers import LiveOffer, Money, OffersUnavailable, aread_offers
from shop.orders import OrderView


class LiveValues:
    """Fills slots from this turn's evidence and one live read of offers. :meth:`read` before :meth:`fill`."""

    def __init__(self, evidence: Evidence, language: Language, trace: Trace) -> None:
        self._evidence = evidence
        self._language = language
        self._trace = trace
        self._orders = {order.id: order for order in evidence.orders}
        self.offers: dict[str, LiveOffer] = {}

    async def read(self, asins: Iterable[str]) -> None:
        """The one live read. A failed read leaves every price null and every availability unknown."""
        wanted = tuple(dict.fromkeys(asins))
        if not wanted:
            return
        with self._trace.step("live_offers") as step:
            step["asins"] = len(wanted)
            try:
                self.offers = await aread_offers(wanted)
            except OffersUnavailable as error:
                self._trace.note("live_read_failed", error=type(error).__name__)

    def needed_by(self, slots: Iterable[tuple[str, str]]) -> list[str]:
        """The ASINs that must be read for these slots."""
        needed: list[str] = []
        for kind, id in slots:
            if kind in {"price", "stock"}:
                needed.append(id)
            elif kind in {"total", "verdict"}:
                needed += self._evidence.bundles.get(id, ())
        return needed

    def fill(self, kind: str, id: str) -> str | None:
        """A slot's text; None when this turn's evidence holds no such thing."""
        value, read_at = self._value(kind, id)
        if value is not None:
            self._trace.slot(f"{kind}:{id}", value, read_at)
        return value

    def _value(self, kind: str, id: str) -> tuple[str | None, datetime | None]:
        if kind in {"price", "stock", "title", "vol", "pages", "released"}:
            return self._of_product(kind, id)
        if kind in {"total", "verdict", "limit"}:
            return self._of_money(kind, id)
        if kind in {"series", "count", "started"}:
            series = self._evidence.series.get(id)
            return (self._of_series(kind, series) if series else None), None
        if kind == "passage":
            found = next((p for p in self._evidence.passages if p.id == id), None)
            return (escape(found.text) if found else None), None
        order = self._orders.get(id)
        return (self._of_order(kind, order) if order else None), None

    def _of_series(self, kind: str, series: SeriesFacts) -> str | None:
        if kind == "series":
            if self._language == "ja":
                return f"『{escape(series.native_title or series.title)}』"
            return escape(series.title)
        number = series.volume_count if kind == "count" else series.started
        return str(number) if number is not None else None

    def _of_product(self, kind: str, asin: str) -> tuple[str | None, datetime | None]:
        product = self._evidence.products.get(asin)
        if product is None:
            return None, None
        if kind == "title":
            return escape(product.title), None
        if kind in {"vol", "pages"}:
            number = product.volume if kind == "vol" else product.pages
            return (str(number) if number is not None else None), None
        if kind == "released":
            return (say_day(self._language, product.release_date) if product.release_date else None), None
        if asin in self._evidence.withheld:
            return None, None
        offer = self.offers.get(asin)
        read_at = offer.read_at if offer else None
        if kind == "price":
            if offer is None or offer.price is None:
                return say(self._language, "slot.price.unknown"), read_at
            return format_money(offer.price, self._language), read_at
        return self._stock(product, offer), read_at

    def _stock(self, product: ProductFacts, offer: LiveOffer | None) -> str:
        if offer is not None and offer.availability == "pre_order" and product.release_date is not None:
            return say(self._language, "slot.stock.pre_order.due", date=say_day(self._language, product.release_date))
        return say(self._language, f"slot.stock.{offer.availability if offer else 'unknown'}")

    def _of_money(self, kind: str, id: str) -> tuple[str | None, datetime | None]:
        """The total of a bundle, whether it keeps to the shopper's limit for a series, or that limit itself."""
        if kind == "limit":
            limit = self._evidence.limits.get(id)
            return (_own_words(limit, self._language) if limit else None), None
        asins = self._evidence.bundles.get(id)
        if asins is None:
            return None, None
        total, read_at = self._total(asins)
        if kind == "total":
            unknown = say(self._language, "slot.price.unknown")
            return (format_money(total, self._language) if total else unknown), read_at
        limit = self._evidence.limits.get("series")
        if limit is None or total is None or limit[1] not in {"", total.currency}:
            return say(self._language, "slot.verdict.unknown"), read_at
        verdict = "within" if total.amount <= limit[0] else "over"
        return say(self._language, f"slot.verdict.{verdict}", limit=_own_words(limit, self._language)), read_at

    def _total(self, asins: Sequence[str]) -> tuple[Money | None, datetime | None]:
        """None when a price is missing or the currencies differ: a part is no total."""
        offers = [self.offers[asin] for asin in asins if asin in self.offers]
        prices = [offer.price for offer in offers if offer.price is not None]
        read_at = min((offer.read_at for offer in offers), default=None)
        if len(prices) < len(asins) or len({price.currency for price in prices}) != 1:
            return None, read_at
        return Money(sum((price.amount for price in prices), Decimal(0)), prices[0].currency), read_at

    def _of_order(self, kind: str, order: OrderView) -> str | None:
        language = self._language
        match kind:
            case "order":
                return order.id
            case "order_status":
                return name_of(language, f"order.{order.status}")
            case "order_eta":
                return say_day(language, order.eta) if order.eta else say(language, "slot.order.no_eta")
            case "order_items":
                return JOINERS[language].join(
                    f"{line.title} ×{line.quantity}" if line.quantity > 1 else line.title for line in order.lines
                )
            case "order_tracking":
                return say(language, "slot.order.carrier", carrier=order.carrier, tracking=order.tracking)
            case _:
                return None


def _own_words(limit: tuple[Decimal, str], language: Language) -> str:
    """A limit as the shopper said it: without a currency when they named none."""
    amount, currency = limit
    if currency:
        return format_money(Money(amount, currency), language)
    return f"{amount:,}"


_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def format_money(money: Money, language: Language) -> str:
    """As a reader of the language writes it: $14.99, 748円, ¥748."""
    if money.currency == "JPY":
        amount = f"{money.amount.quantize(Decimal(1)):,}"
        return f"{amount}円" if language == "ja" else f"¥{amount}"
    amount = f"{money.amount:,.2f}"
    sign = _SIGNS.get(money.currency)
    return f"{sign}{amount}" if sign else f"{amount} {money.currency}"
