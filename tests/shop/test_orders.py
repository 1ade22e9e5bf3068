"""An order is shown to its owner only, as it is now."""

import pytest
from django.db import DatabaseError

from shop.models import Order
from shop.orders import OrdersUnavailable, find_order, orders_of, owned_asins

pytestmark = pytest.mark.usefixtures("catalogue")


def test_its_owner_sees_it():
    order = find_order("MA-10002", customer_id="alice")
    assert order is not None
    assert (order.status, order.carrier, order.tracking, str(order.eta)) == (
        "shipped", "Parcel Post", "PP123456789", "2026-11-28",
    )  # fmt: skip
    assert [(line.asin, line.title, line.quantity) for line in order.lines] == [
        ("YOTSUBA-EN-1", "Yotsuba&!, Vol. 1", 2)
    ]


@pytest.mark.parametrize(
    ("id", "customer"), [("MA-10002", "bob"), ("MA-10002", ""), ("MA-99999", "alice"), ("", "alice")]
)
def test_nobody_else_does(id, customer):
    assert find_order(id, customer_id=customer) is None


def test_newest_first(django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        assert [order.id for order in orders_of("alice")] == ["MA-10002", "MA-10001"]
    assert [order.id for order in orders_of("alice", limit=1)] == ["MA-10002"]
    assert orders_of("") == []


def test_owned_is_what_was_bought_and_kept():
    assert owned_asins("alice") == {"BERSERK-EN-1", "BERSERK-EN-2", "YOTSUBA-EN-1"}
    Order.objects.filter(pk="MA-10001").update(status="returned")
    assert owned_asins("alice") == {"YOTSUBA-EN-1"}
    assert owned_asins("") == set()


def test_status_is_read_live():
    Order.objects.filter(pk="MA-10002").update(status="delivered")
    order = find_order("MA-10002", customer_id="alice")
    assert order is not None
    assert order.status == "delivered"


def test_a_database_that_fails_is_said_so(monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(Order.objects, "filter", fail)
    with pytest.raises(OrdersUnavailable):
        find_order("MA-10002", customer_id="alice")
