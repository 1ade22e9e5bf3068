"""The cart: it holds what and how many, never a price; every price in a view of it is read live at that moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from shop.facts import ProductFacts, load_product_facts
from shop.models import Cart, CartLine
from shop.offers import Availability, LiveOffer, Money, OffersUnavailable, read_offers
from shop.promotions import PromotionRule, active_promotions, promotions_for

MOST_OF_ONE = 20


class NotForSale(Exception):
    """``reason``: unknown, out_of_stock or limit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CartOwner:
    """A customer, else a guest's session."""

    customer_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChange:
    """What adding came to. ``quoted``: the price that the shopper had seen, if known."""

    asin: str
    title: str
    price_now: Money
    quoted: Money | None
    price_changed: bool
    availability: Availability
    quantity: int
    cart_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLineView:
    """``offer`` is None when it is no longer sold or could not be read; then it has no ``total``."""

    facts: ProductFacts
    offer: LiveOffer | None
    quantity: int
    total: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    rule: PromotionRule
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """``totals``: one per currency, discounts taken off."""

    lines: tuple[CartLineView, ...]
    discounts: tuple[Discount, ...]
    totals: tuple[Money, ...]
    count: int


def _find_cart(owner: CartOwner) -> Cart | None:
    if owner.customer_id:
        return Cart.objects.filter(customer_id=owner.customer_id).first()
    return Cart.objects.filter(customer_id="", session_id=owner.session_id).first() if owner.session_id else None


def _cart(owner: CartOwner) -> Cart:
    cart = _find_cart(owner)
    if cart is None:
        session_id = "" if owner.customer_id else owner.session_id
        try:
            with transaction.atomic():
                cart = Cart.objects.create(customer_id=owner.customer_id, session_id=session_id)
        except IntegrityError:  # Another tab was first.
            cart = _find_cart(owner)
            assert cart is not None
    return cart


def add_to_cart(owner: CartOwner, asin: str, quantity: int = 1, *, quoted: Money | None = None) -> CartChange:
    """Adds at the live price. Raises :class:`NotForSale`, ``OffersUnavailable``."""
    facts = load_product_facts([asin]).get(asin)
    offer = read_offers([asin]).get(asin)
    if facts is None or offer is None or offer.price is None:
        raise NotForSale("unknown")
    if not offer.buyable:
        raise NotForSale("out_of_stock")
    with transaction.atomic():
        cart = _cart(owner)
        line, created = CartLine.objects.get_or_create(cart=cart, edition_id=asin, defaults={"quantity": 0})
        wanted = line.quantity + quantity
        at_most = MOST_OF_ONE if offer.stock is None or offer.availability == "pre_order" else offer.stock
        if wanted > min(at_most, MOST_OF_ONE):
            raise NotForSale("limit")
        CartLine.objects.filter(pk=line.pk).update(quantity=F("quantity") + quantity)
        Cart.objects.filter(pk=cart.pk).update(updated_at=timezone.now())
    return CartChange(
        asin=asin,
        title=facts.title,
        price_now=offer.price,
        quoted=quoted,
        price_changed=quoted is not None and quoted != offer.price,
        availability=offer.availability,
        quantity=wanted,
        cart_count=count_of(owner),
    )


def set_quantity(owner: CartOwner, asin: str, quantity: int) -> None:
    """0 takes the line out. Raises :class:`NotForSale` for more than there are."""
    cart = _find_cart(owner)
    if cart is None:
        return
    if quantity <= 0:
        CartLine.objects.filter(cart=cart, edition_id=asin).delete()
        return
    offer = read_offers([asin]).get(asin)
    at_most = MOST_OF_ONE if offer is None or offer.stock is None else offer.stock
    if quantity > min(at_most, MOST_OF_ONE):
        raise NotForSale("limit")
    CartLine.objects.filter(cart=cart, edition_id=asin).update(quantity=quantity)


def count_of(owner: CartOwner) -> int:
    cart = _find_cart(owner)
    return sum(CartLine.objects.filter(cart=cart).values_list("quantity", flat=True)) if cart else 0


def cart_of(owner: CartOwner) -> CartView:
    """The cart with what is true now."""
    cart = _find_cart(owner)
    rows = list(CartLine.objects.filter(cart=cart).values_list("edition_id", "quantity")) if cart else []
    facts = load_product_facts(asin for asin, _ in rows)
    try:
        offers = read_offers([asin for asin, _ in rows])
    except OffersUnavailable:
        offers = {}
    lines = tuple(
        CartLineView(
            facts=facts[asin], offer=offers.get(asin), quantity=quantity, total=_total(offers.get(asin), quantity)
        )
        for asin, quantity in rows
    )
    discounts = _discounts(lines, active_promotions()) if lines else ()
    return CartView(
        lines=lines,
        discounts=discounts,
        totals=_totals([line.total for line in lines if line.total], [each.amount for each in discounts]),
        count=sum(quantity for _, quantity in rows),
    )


def _total(offer: LiveOffer | None, quantity: int) -> Money | None:
    if offer is None or offer.price is None:
        return None
    return Money(offer.price.amount * quantity, offer.price.currency)


def _discounts(lines: Iterable[CartLineView], rules: list[PromotionRule]) -> tuple[Discount, ...]:
    """Per line the best promotion only; one entry per promotion and currency."""
    sums: dict[tuple[str, str], tuple[PromotionRule, Decimal]] = {}
    for line in lines:
        best = promotions_for(line.facts, rules)[:1]
        if line.total is None or not best:
            continue
        key = (best[0].id, line.total.currency)
        amount = sums.get(key, (best[0], Decimal(0)))[1]
        sums[key] = (best[0], amount + line.total.amount * best[0].percent_off / 100)
    return tuple(
        Discount(rule=rule, amount=rounded(Money(amount, currency))) for (_, currency), (rule, amount) in sums.items()
    )


def rounded(money: Money) -> Money:
    """To what can be paid: whole yen, else hundredths; half up."""
    unit = Decimal(1) if money.currency == "JPY" else Decimal("0.01")
    return Money(money.amount.quantize(unit, ROUND_HALF_UP), money.currency)


def _totals(amounts: Iterable[Money], discounts: Iterable[Money]) -> tuple[Money, ...]:
    sums: dict[str, Decimal] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    for money in discounts:
        sums[money.currency] -= money.amount
    return tuple(Money(amount, currency) for currency, amount in sums.items())


def merge_carts(session_id: str, customer_id: str) -> None:
    """What a guest has put aside comes along when they sign in."""
    guest = _find_cart(CartOwner(session_id=session_id))
    if guest is None:
        return
    with transaction.atomic():
        cart = _cart(CartOwner(customer_id=customer_id))
        for asin, quantity in guest.lines.values_list("edition_id", "quantity"):
            line, created = CartLine.objects.get_or_create(cart=cart, edition_id=asin, defaults={"quantity": quantity})
            if not created:
                CartLine.objects.filter(pk=line.pk).update(quantity=min(line.quantity + quantity, MOST_OF_ONE))
        guest.delete()
