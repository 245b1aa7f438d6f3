"""What Polar says of its things, with every field that its published schema requires.

Source: Polar's OpenAPI document 2026-04, by its official SDKs (PyPI `polar-sdk` 0.32.0 and 1.0.2),
which the tests run against this.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from tallystick.sandbox.simulators.base import Order, Transfer

API_VERSION: Final = "2026-04"
# None of our objects differs between them.
API_VERSIONS: Final = {API_VERSION, "2026-10", "2027-01"}
_FOUNDED: Final = "2026-01-01T00:00:00Z"
# What the product costs where a checkout has no price of its own.
CATALOG_PRICE: Final = {"price_amount": 1_000, "price_currency": "usd", "tax_behavior": "inclusive"}
_NEVER: Final[Mapping[str, None]] = dict.fromkeys((
    "trial_interval", "trial_interval_count", "recurring_interval", "recurring_interval_count",
    "meter_interval", "meter_interval_count",
))  # fmt: skip
_DISPUTE_STATES: Final = {"open": "needs_response", "lost": "lost", "won": "won"}
# With these, readers must not stumble over what no published list has. See the act `unknown_value`.
TOMORROW: Final = "tomorrow"
# With these, refunds wait for the payer's bank. See the act `slow_refunds`.
SLOW: Final = "slow_refunds"


def uuid_of(about: str, what: str) -> str:
    """The same id for the same thing, always; version 4, as Polar's are."""
    digest = uuid.uuid5(uuid.NAMESPACE_URL, f"polar/{about}/{what}")
    return str(uuid.UUID(int=digest.int, version=4))


def iso(at: datetime) -> str:
    """A time as Polar writes it."""
    return at.isoformat().replace("+00:00", "Z")


def born(number: str, created_at: str, modified_at: str | None = None) -> dict[str, Any]:
    """What everything at Polar has."""
    return {"id": number, "created_at": created_at, "modified_at": modified_at}


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization with its one product. `base_url` is where its checkouts are shown."""

    product_id: str
    base_url: str

    @property
    def id(self) -> str:
        """Polar's name for it."""
        return uuid_of("", "organization")

    def product(self) -> dict[str, Any]:
        """The product, as orders and discounts have it inside them."""
        return {
            **born(self.product_id, _FOUNDED), **_NEVER, "metadata": {}, "name": "Tallystick demo",
            "description": None, "visibility": "public", "is_recurring": False,
            "is_archived": False, "organization_id": self.id,
        }  # fmt: skip

    def listed_product(self) -> dict[str, Any]:
        """The product, as the list of products has it."""
        lists: dict[str, Any] = {"benefits": [], "medias": [], "attached_custom_fields": []}
        price = self.price(CATALOG_PRICE, "catalog")
        return {**self.product(), **lists, "prices": [price], "is_deletable": False}

    def price(self, told: Mapping[str, Any], source: str, about: str = "") -> dict[str, Any]:
        """A fixed price of the product: the catalogue's, or a checkout's own."""
        return {
            **born(uuid_of(f"{self.product_id}/{about}", "price"), _FOUNDED), "source": source,
            "amount_type": "fixed", "price_currency": told["price_currency"],
            "tax_behavior": told["tax_behavior"], "is_archived": False,
            "product_id": self.product_id, "price_amount": told["price_amount"],
        }  # fmt: skip

    def checkout(self, order: Order) -> dict[str, Any]:
        """A checkout session."""
        terms, bill = order.terms, Bill.of(order, order.amount)
        told = _price(order)
        price = self.price(told, terms.get("source", "ad_hoc"), order.id)
        product = {**self.product(), "prices": [price], "benefits": [], "medias": []}
        del product["metadata"]
        return {
            **born(order.id, iso(order.created_at)), **_OF_A_CHECKOUT, **_payer(order),
            "status": order.status, "client_secret": f"polar_c_{order.id}",
            "url": f"{self.base_url}/checkout/{order.id}",
            "expires_at": iso(order.expires_at or order.created_at),
            "success_url": order.return_url, "return_url": order.cancel_url or None,
            "amount": told["price_amount"], "discount_amount": bill.discount,
            "net_amount": bill.net, "tax_amount": bill.tax, "total_amount": order.amount,
            "tax_behavior": told["tax_behavior"], "currency": order.currency.lower(),
            "organization_id": self.id, "product_id": self.product_id,
            "product_price_id": price["id"], "metadata": terms["metadata"],
            "allow_discount_codes": terms.get("allow_discount_codes", True),
            "discount_id": terms.get("discount_id"), "discount": _discount(order, _ON_A_CHECKOUT),
            "products": [product], "product": product, "product_price": price,
            "prices": {self.product_id: [price]},
            "payment_processor": _said(order, "payment_processor", "stripe"),
        }  # fmt: skip

    def order(self, order: Order, transfer: Transfer) -> dict[str, Any]:
        """The order that one transfer is, with what of it went back."""
        terms, bill = order.terms, Bill.of(order, transfer.amount)
        gone = [
            row
            for row in terms["refunds"]
            if row["order_id"] == transfer.reference and row["status"] == "succeeded"
        ]
        net_gone = sum(row["amount"] for row in gone)
        tax_gone = sum(row["tax_amount"] for row in gone)
        status = "partially_refunded" if gone else "paid"
        at, customer = iso(transfer.at), self.customer(order)
        return {
            **born(transfer.reference, at), **_OF_AN_ORDER,
            "status": "refunded" if net_gone == bill.net else status,
            "subtotal_amount": bill.net + bill.discount, "discount_amount": bill.discount,
            "net_amount": bill.net, "tax_amount": bill.tax, "total_amount": transfer.amount,
            "due_amount": transfer.amount, "refunded_amount": net_gone,
            "refunded_tax_amount": tax_gone, "refundable_amount": bill.net - net_gone,
            "refundable_tax_amount": bill.tax - tax_gone, "currency": transfer.currency.lower(),
            "billing_reason": _said(order, "billing_reason", "purchase"),
            "billing_name": customer["billing_name"], "customer_id": customer["id"],
            "customer": customer, "product_id": self.product_id, "product": self.product(),
            "checkout_id": order.id, "metadata": terms["metadata"],
            "discount_id": terms.get("discount_id"), "discount": _discount(order, _ON_AN_ORDER),
            "platform_fee_amount": transfer.amount // 25 + 40,
            "items": [{
                **born(uuid_of(transfer.reference, "item"), at), "label": "Tallystick demo",
                "amount": bill.net + bill.discount, "tax_amount": bill.tax, "proration": False,
                "product_price_id": None, "start_timestamp": None, "end_timestamp": None,
            }],
        }  # fmt: skip

    def refund(
        self,
        order: Order,
        transfer: Transfer,
        both: tuple[int, int],
        wish: Mapping[str, Any],
        now: datetime,
    ) -> dict[str, Any]:
        """A refund of the order, the part before tax and the tax: it went through, or waits."""
        return {
            **born(str(uuid.uuid4()), iso(now)), "metadata": wish.get("metadata") or {},
            "status": "pending" if order.terms.get(SLOW) else "succeeded",
            "reason": wish.get("reason"), "amount": both[0],
            "tax_amount": both[1], "currency": transfer.currency.lower(),
            "order_id": transfer.reference, "subscription_id": None,
            "customer_id": uuid_of(order.id, "customer"), "organization_id": self.id,
            "revoke_benefits": bool(wish.get("revoke_benefits")), "dispute": None,
        }  # fmt: skip

    def customer(self, order: Order) -> dict[str, Any]:
        """Who paid."""
        payer = _payer(order)
        return {
            **born(uuid_of(order.id, "customer"), iso(order.created_at)), "metadata": {},
            "external_id": payer["external_customer_id"],
            "email": payer["customer_email"] or "payer@example.com", "email_verified": False,
            "type": "individual", "name": payer["customer_name"], "billing_name": None,
            "billing_address": None, "tax_id": None, "locale": None, "organization_id": self.id,
            "default_payment_method_id": None, "deleted_at": None, "first_user_event_at": None,
            "avatar_url": None,
        }  # fmt: skip

    def customer_state(self, order: Order) -> dict[str, Any]:
        """Who paid, and what they have: nothing that lasts."""
        lists: dict[str, Any] = {"active_subscriptions": [], "granted_benefits": []}
        return {**self.customer(order), **lists, "active_meters": []}

    def disputed(self, order: Order, state: str, now: datetime) -> Order:
        """The checkout's last order with its dispute in this state."""
        last = order.transfers[-1]
        row = self.order(order, last)
        known = {one["order_id"]: one for one in order.terms.get("disputes", [])}
        before = known.get(last.reference)
        known[last.reference] = {
            "id": uuid_of(last.reference, "dispute"),
            "created_at": before["created_at"] if before else iso(now),
            "modified_at": iso(now) if before else None, "status": _DISPUTE_STATES[state],
            "resolved": state != "open", "closed": state != "open", "amount": row["net_amount"],
            "tax_amount": row["tax_amount"], "currency": row["currency"], "reason": "general",
            "evidence_due_by": None, "past_due": False, "order_id": last.reference,
            "payment_id": uuid_of(last.reference, "payment"), "case_id": None,
            "customer": self.customer(order),
        }  # fmt: skip
        return replace(order, terms={**order.terms, "disputes": list(known.values())})


@dataclass(frozen=True, slots=True)
class Bill:
    """What a payer pays, taken apart. The tax is 10 %, in the price or on top of it."""

    discount: int
    net: int
    tax: int

    @classmethod
    def of(cls, order: Order, total: int) -> "Bill":
        """What of this total is tax, either way."""
        net = total * 10 // 11
        return cls(order.terms.get("discount_amount", 0), net, total - net)


def total_of(price: Mapping[str, Any], discount: int) -> int:
    """What a payer pays in all for a price with a discount."""
    after: int = price["price_amount"] - discount
    return after + after // 10 if price["tax_behavior"] == "exclusive" else after


def _price(order: Order) -> Mapping[str, Any]:
    """The price as it was wished; that of an older book is the order's own amount."""
    usual = {"price_amount": order.amount, "price_currency": order.currency.lower()}
    told: Mapping[str, Any] = order.terms.get("price", {**usual, "tax_behavior": "inclusive"})
    return told


def _said(order: Order, name: str, usual: str) -> str:
    return f"{name}_of_tomorrow" if order.terms.get(TOMORROW) else usual


def _payer(order: Order) -> dict[str, Any]:
    """What is known of the payer, on a checkout."""
    known = order.terms.get("payer", {})
    return {name: known.get(name) for name in PAYER} | {
        "customer_id": uuid_of(order.id, "customer") if order.transfers else None
    }


def _discount(order: Order, names: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The discount as it was when the checkout was made, told as far as it is told here."""
    whole: Mapping[str, Any] | None = order.terms.get("discount")
    return whole and {name: whole[name] for name in names if name in whole}


PAYER: Final = (
    "customer_name", "customer_email", "customer_ip_address", "customer_billing_name",
    "customer_billing_address", "customer_tax_id", "external_customer_id", "locale",
)  # fmt: skip
_ON_A_CHECKOUT: Final = (
    "id", "name", "code", "type", "duration", "duration_in_months", "basis_points", "amount",
    "currency", "amounts",
)  # fmt: skip
_ON_AN_ORDER: Final = (
    *_ON_A_CHECKOUT, "created_at", "modified_at", "metadata", "starts_at", "ends_at",
    "max_redemptions", "max_redemptions_per_customer", "redemptions_count", "organization_id",
)  # fmt: skip
_ADDRESS_FIELDS: Final = ("country", "state", "city", "postal_code", "line1", "line2")
_OF_A_CHECKOUT: Final[Mapping[str, Any]] = {
    "custom_field_data": {}, "embed_origin": None, "seats": None, "units": None,
    "min_units": None, "max_units": None, "allow_trial": None, "active_trial_interval": None,
    "active_trial_interval_count": None, "trial_end": None, "trial_interval": None,
    "trial_interval_count": None, "require_billing_address": False, "is_discount_applicable": True,
    "is_free_product_price": False, "is_payment_required": True,
    "is_payment_setup_required": False, "is_payment_form_required": True,
    "is_business_customer": False, "payment_method_type": None, "payment_processor_metadata": {},
    "billing_address_fields": dict.fromkeys(_ADDRESS_FIELDS, "optional"), "subscription_id": None,
    "attached_custom_fields": [], "customer_metadata": {},
}  # fmt: skip
_OF_AN_ORDER: Final[Mapping[str, Any]] = {
    "paid": True, "applied_balance_amount": 0, "billing_address": None, "invoice_number": None,
    "is_invoice_generated": False, "receipt_number": None, "seats": None, "units": None,
    "subscription_id": None, "subscription": None, "next_payment_attempt_at": None,
    "custom_field_data": {}, "description": "Tallystick demo", "platform_fee_currency": "usd",
}  # fmt: skip
