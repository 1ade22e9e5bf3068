"""Carts and orders: a customer's own."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from shop.models.editions import Edition


class Order(models.Model):
    """Read live and only ever for its owner."""

    class Status(models.TextChoices):
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        RETURNED = "returned"

    id = models.CharField(primary_key=True, max_length=32)
    customer_id = models.CharField(max_length=128, db_index=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    placed_at = models.DateTimeField(db_index=True)
    eta = models.DateField(null=True, blank=True)
    carrier = models.CharField(max_length=64, blank=True)
    tracking = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-placed_at"]

    def __str__(self) -> str:
        return self.pk


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.edition_id}"


class Cart(models.Model):
    """A customer's cart, or a guest session's."""

    customer_id = models.CharField(max_length=128, blank=True, db_index=True)
    session_id = models.CharField(max_length=64, blank=True, db_index=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id"], condition=~models.Q(customer_id=""), name="one_cart_per_customer"
            ),
            models.UniqueConstraint(
                fields=["session_id"], condition=models.Q(customer_id=""), name="one_cart_per_session"
            ),
        ]
        indexes = [models.Index(fields=["updated_at"], name="cart_by_age")]

    def __str__(self) -> str:
        return self.customer_id or self.session_id


class CartLine(models.Model):
    """No price in here: it is read live whenever the cart is shown."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["cart", "edition"], name="edition_once_per_cart")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.edition_id}"
