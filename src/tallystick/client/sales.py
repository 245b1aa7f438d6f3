"""Products, orders, coupons and refunds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tallystick.client.calls import Call, beside, create, data, get, place
from tallystick.client.endpoints import L, Resource, endpoint, listed
from tallystick.client.pages import Page, listing, numbered, whole
from tallystick.client.payments import Checkout
from tallystick.client.reading import Thing, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Thing):
    """What can be ordered, with its price in each currency."""

    product_type: str
    name: str
    prices: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Thing):
    """One sale: `pending`, `completed`, `failed`, `refunded` or `partially_refunded`."""

    id: str
    email: str
    product_type: str
    quantity: int
    amount: int
    currency: str
    status: str
    original_amount: int | None = None
    payment_id: str | None = None
    payment_provider: str | None = None
    discount_amount: int | None = None
    discount_rate: float | None = None
    user_id: str | None = None
    referred_by: str | None = None
    display_amount: str | None = None
    amount_usd_cents: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    checkout: Checkout | None = None
    client_token: str | None = secret(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon(Thing):
    """A discount, in percent or a fixed amount per currency."""

    code: str
    type: Literal["percent", "fixed"]
    percent: float | None = None
    amounts: Mapping[str, int] | None = None
    max_redemptions: int | None = None
    per_customer: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Thing):
    """Money on its way back; `manual` is for a person to transfer."""

    id: str
    status: str
    amount: int
    currency: str
    payment_id: str | None = None
    order_id: str | None = None
    reason: str | None = None
    created_at: datetime | None = None


class Products(Resource[L]):
    """`hub.products`."""

    @listed
    def list(self) -> Call[Page[Product]]:
        """All products."""
        return whole("/api/products", Product.read)

    @endpoint
    def create(
        self,
        *,
        product_type: str,
        name: str,
        prices: Mapping[str, int],
        idempotency_key: str | None = None,
    ) -> Call[Product]:
        """Offer something."""
        body = {"productType": product_type, "name": name, "prices": dict(prices)}
        return create("/api/products", data(Product.read), body, idempotency_key)


class Orders(Resource[L]):
    """`hub.orders`."""

    @endpoint
    def create(
        self,
        *,
        email: str,
        product_type: str,
        quantity: int | None = None,
        gateway: str | None = None,
        currency: str | None = None,
        coupon_code: str | None = None,
        referral_code: str | None = None,
        github_username: str | None = None,
        vat_invoice_requested: bool | None = None,
        tax_id: str | None = None,
        team_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Order]:
        """Order something; the price is the product's. Raises Conflict for a used-up coupon."""
        body: dict[str, Any] = {
            "email": email, "productType": product_type, "quantity": quantity, "gateway": gateway,
            "currency": currency, "couponCode": coupon_code, "referralCode": referral_code,
            "githubUsername": github_username, "vatInvoiceRequested": vat_invoice_requested,
            "taxId": tax_id, "teamId": team_id,
        }  # fmt: skip
        return create("/api/orders", beside(Order.read), body, idempotency_key)

    @endpoint
    def get(self, order_id: str) -> Call[Order]:
        """Read an order."""
        return get(place("/api/orders/{}", order_id), data(Order.read))

    @listed
    def list(
        self, *, provider: str | None = None, status: str | None = None, limit: int | None = None
    ) -> Call[Page[Order]]:
        """All orders that fit, newest first."""
        return numbered("/api/admin/orders", Order.read, "orders", provider=provider,
                        status=status, limit=limit)  # fmt: skip

    @endpoint
    def refund(
        self,
        order_id: str,
        *,
        amount: int | None = None,
        reason: str | None = None,
        keep_access: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Refund]:
        """Give money back: the rest of it, or an amount. Never more than was received."""
        body = {"amount": amount, "reason": reason, "keepAccess": keep_access}
        path = place("/api/orders/{}/refunds", order_id)
        return create(path, data(Refund.read), body, idempotency_key)


class Coupons(Resource[L]):
    """`hub.coupons`."""

    @endpoint
    def create(
        self,
        *,
        code: str,
        type: Literal["percent", "fixed"],  # noqa: A002 - the field's name
        percent: float | None = None,
        amounts: Mapping[str, int] | None = None,
        max_redemptions: int | None = None,
        per_customer: int | None = None,
        expires_at: datetime | None = None,
        polar_discount_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Coupon]:
        """Make a coupon; `percent` for one kind, `amounts` per currency for the other."""
        body: dict[str, Any] = {
            "code": code, "type": type, "percent": percent,
            "amounts": None if amounts is None else dict(amounts),
            "maxRedemptions": max_redemptions, "perCustomer": per_customer,
            "expiresAt": None if expires_at is None else expires_at.isoformat(),
            "polarDiscountId": polar_discount_id,
        }  # fmt: skip
        return create("/api/coupons", data(Coupon.read), body, idempotency_key)


class Refunds(Resource[L]):
    """`hub.refunds`."""

    @listed
    def list(
        self,
        *,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Call[Page[Refund]]:
        """All refunds, newest first."""
        return listing("/api/refunds", Refund.read, createdAfter=created_after,
                       createdBefore=created_before, limit=limit)  # fmt: skip
