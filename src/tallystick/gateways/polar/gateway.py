"""The gateway "polar": checkouts, what became of them, notices and refunds.

Sources: the server and docs in polarsource/polar (commit c6c3645e, 2026-08-22, and the refund and
currency modules of the same year), the official SDK 1.0.2, the Standard Webhooks specification.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from tallystick.domain import standard_webhooks, strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.dispute import Dispute
from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    Invalid,
    MalformedJson,
    NotConfigured,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.fields import Fields, spelled
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.reconciliation import Entry
from tallystick.gateways.abilities import (
    AccountPage,
    EntryPage,
    RefundOrder,
    RefundVerdict,
)
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Notice,
    RawNotice,
    Standing,
    Verdict,
    Wire,
)
from tallystick.gateways.polar import about, disputes, listing, prices, refunds
from tallystick.gateways.polar.calls import Calls, Told, currency_of
from tallystick.gateways.polar.discounts import PolarDiscounts

_LARGEST_NOTICE: Final = 65_536
# How far the clocks of Polar and ours may be apart when looking for a checkout by its age.
_SKEW: Final = timedelta(hours=1)
_MOST_PAGES: Final = 5
_MOST_PARTS: Final = 4
_CLAIMS: Final = {
    "open": Claim.PENDING,
    # The payer has submitted; the money is not there yet.
    "confirmed": Claim.PROCESSING,
    # Only a paid order is money; between the two stands some moment of Polar's own work.
    "succeeded": Claim.PROCESSING,
    "failed": Claim.FAILED,
    "expired": Claim.EXPIRED,
}
# Money that went back later was received all the same: refunds are objects of their own.
_PAID: Final = {"paid", "refunded", "partially_refunded"}


@dataclass(frozen=True, slots=True)
class PolarAccount:
    """One organization. Any of the webhook secrets may have signed (rotation).

    A checkout at Polar is always for a product; each of ours carries its own price. Where no
    `product_id` is set, the organization's oldest one-time product is taken. `name` is the
    merchant's name for it.
    """

    access_token: str
    webhook_secret: tuple[str, ...]
    product_id: str = ""
    base_url: str = "https://api.polar.sh/v1"
    name: str = "polar"


class Polar:
    """The gateway "polar"."""

    name = "polar"
    capabilities = Capabilities(
        title="Polar (cards)",
        currencies=frozenset(prices.SMALLEST),
        verifies=Trust.FETCHED,
        refunds="api",
        # A checkout ends by itself after 24 hours; there is no call that takes it back.
        cancels=False,
        shows_whole=True,
        listens_for=timedelta(hours=72),
        smallest_minor=prices.USUAL_SMALLEST,
        smallest=prices.SMALLEST,
        largest_minor=prices.LARGEST_MINOR,
        # 500 calls a minute; a question of ours is two calls.
        calls_per_s=4.0,
        lists=True,
    )

    def __init__(self, account: PolarAccount, wire: Wire) -> None:
        if not (account.access_token and account.webhook_secret and all(account.webhook_secret)):
            raise NotConfigured("Polar needs an access token and a webhook secret.")
        # A token tells nobody whose it is, so the merchant names the organization.
        self.account = account.name
        self._calls = Calls(account.base_url, account.access_token, wire)
        self.discounts = PolarDiscounts(self._calls)
        self._keys = tuple(_keys(account.webhook_secret))
        self._product_id = account.product_id

    def new_ref(self, now: datetime) -> str:
        """Sortable by age, with 80 random bits; it is found in the metadata of all that follows."""
        return new_id("tsp", now)

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the offer, unless it is there: Polar has no idempotency key, so we look first.

        The price includes the tax, so that the payer pays what was asked, in every country.
        """
        fields = await self._search(order.our_ref)
        if fields is not None:
            if not about.is_for(fields, order.amount):
                raise GatewayRefused("The reference names a Polar checkout of another amount.")
            return _offer(fields)
        product = self._product_id or await self._any_product()
        price = {
            "amount_type": "fixed",
            "price_amount": order.amount.minor,
            "price_currency": order.amount.currency.lower(),
            "tax_behavior": "inclusive",
        }
        wish = {
            "products": [product],
            "prices": {product: [price]},
            "currency": order.amount.currency.lower(),
            "allow_discount_codes": False,
            "metadata": {about.REF: order.our_ref},
            "success_url": order.return_url,
            "return_url": order.cancel_url,
        }
        made = (await self._calls.make("/checkouts/", wish)).fields
        if not about.is_for(made, order.amount) or not about.names(made, order.our_ref, None):
            raise made.fail("it is about another checkout than we asked for")
        return _offer(made)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the checkout, and for the orders that name it: only a paid order is money.

        Orders are asked for by our own reference, which Polar copies from the checkout, so that
        money on a second checkout of the same reference is found as well.
        """
        checkout = await self._checkout(attempt)
        number = None if checkout is None else checkout.name("id")
        listed = await self._calls.every("/orders/", {f"metadata[{about.REF}]": attempt.our_ref})
        complete = checkout is not None and checkout.text("status") == "succeeded"
        if number is not None and complete and not listed.rows:
            listed = await self._calls.every("/orders/", {"checkout_id": number})
        ours = [row for row in listed.rows if about.names(row, attempt.our_ref, number)]
        if checkout is None and not ours:
            return Verdict(Claim.PENDING, known=False)
        found: dict[str, Credit] = {}
        for order in ours:
            credit = self._credit(order)
            if credit is not None and found.setdefault(credit.transaction_id, credit) != credit:
                raise order.fail("it tells two things about one order")
        return Verdict(
            claim=_claim(checkout, found.values(), attempt.amount),
            credits=tuple(found.values()),
            checkout=None if checkout is None else _offer(checkout),
            raw=spelled(ours),
            refunded_minor=sum(refunds.gone(order) for order in ours),
        )

    async def list_transactions(self, since: datetime, until: datetime, page: int) -> EntryPage:
        """The organization's paid orders, walked newest first back to `since`."""
        told = await self._calls.page("/orders/", {"sorting": "-created_at"}, page)
        entries = [entry for row in told.rows if (entry := self._entry(row)) is not None]
        more = told.more and told.rows[-1].moment("created_at") >= since
        return EntryPage(tuple(one for one in entries if since <= one.at < until), more)

    async def read_account(self, mark: str, since: datetime) -> AccountPage:
        """The organization's paid orders since the mark, a page at a time, the newest first.

        An order that is paid a while after it was made is found by the question about its payment.
        """
        return await listing.read_account(self._calls, mark, since, self._listed)

    def _listed(self, row: Fields) -> Credit | None:
        credit = self._credit(row)
        return None if credit is None else replace(credit, refs=about.refs(row, "checkout_id"))

    def _entry(self, order: Fields) -> Entry | None:
        credit = self._credit(order)
        if credit is None:
            return None
        refs = about.refs(order, "checkout_id")
        return Entry(credit.transaction_id, credit.money, credit.at, refs, refunds.gone(order))

    def read_notice(self, raw: RawNotice) -> Notice:
        """The bytes are signed, so they are checked before they are read.

        Types that we do not know are authentic notices about nothing. The event id is the same
        on every retry and redelivery.
        """
        event_id = (
            raw.headers["webhook-id"]
            if raw.proven
            else standard_webhooks.check(raw.headers, raw.body, self._keys, raw.received_at)
        )
        try:
            body = strict_json.parse(raw.body, limit=_LARGEST_NOTICE)
        except MalformedJson as error:
            raise Invalid(f"The Polar notice is authentic and malformed: {error}") from None
        fields = Fields(body if isinstance(body, dict) else {}, _senseless)
        subject, _, _ = fields.text("type").partition(".")
        if subject not in {"checkout", "order", "refund"}:
            return Notice(event_id, refs=())
        data = fields.part("data")
        refs = about.refs(data, "id" if subject == "checkout" else "checkout_id")
        if subject == "refund":
            # One that was made in the dashboard names nothing but the order.
            refs = tuple(dict.fromkeys((*refs, *about.refs(data, "order_id"))))
        if subject == "checkout":
            claim = _CLAIMS.get(data.text("status"), Claim.PENDING)
            return Notice(event_id, refs, claim)
        credit = None if subject == "refund" else self._credit(data, fields.data.get("timestamp"))
        if credit is None:
            return Notice(event_id, refs)
        return Notice(event_id, refs, Claim.SUCCEEDED, (credit,))

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Any 2xx within ten seconds will do."""
        return Answer(b'{"received":true}')

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """There is no such call at Polar. Raises GatewayRefused."""
        raise GatewayRefused("Polar takes no checkout back: it ends by itself after 24 hours.")

    async def refund(self, order: RefundOrder) -> RefundVerdict:
        """Give money back. The id of ours is in the metadata, so asking twice is asking once.

        Polar is told the amount before tax and adds the tax in proportion. What its rounding leaves
        out is given back in two parts.
        """
        paid: Fields | None = await self._paid(order)
        made = await self._parts(order)
        known = refunds.as_one(made, order.amount)
        try:
            while known is None and len(made) < _MOST_PARTS:
                still = refunds.left(made, order.amount)
                wish = refunds.wish(order, paid or await self._paid(order), still, about.REF)
                made.append(refunds.refunded(await self._calls.make("/refunds/", wish)))
                known, paid = refunds.as_one(made, order.amount), None
        except GatewayRefused as error:
            if not made:
                raise
            raise GatewayUnreachable(f"Polar made a part of the refund: {error.detail}") from error
        if known is None:
            raise GatewayUnreachable("Polar made a part of the refund only; we ask again.")
        return known

    async def find_refund(self, order: RefundOrder) -> RefundVerdict | None:
        """The refund of the order that carries our id; several of Polar's may be one of ours."""
        return refunds.as_one(await self._parts(order), order.amount)

    async def fetch_refunds(self, attempt: AttemptRef) -> tuple[RefundVerdict, ...]:
        """Every refund of the offer's orders, also those that Polar or its dashboard made."""
        verdict = await self.fetch_verdict(attempt)
        lists = [await self._refunds_of(credit.transaction_id) for credit in verdict.credits]
        of_each: dict[str, list[RefundVerdict]] = {}
        for one in (refund for listed in lists for refund in listed):
            of_each.setdefault(one.refund_id or one.provider_id, []).append(one)
        made = (refunds.as_one(parts) for parts in of_each.values())
        return tuple(one for one in made if one is not None)

    async def list_disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """Payers whose banks want the money back, as Polar's own list has them."""
        return await disputes.listed(self._calls, since)

    async def _paid(self, order: RefundOrder) -> Fields:
        """The Polar order that a refund is of. Raises GatewayRefused where there is none."""
        told = await self._calls.ask(f"/orders/{quote(order.transaction_id, safe='')}")
        if told.unknown or not about.names(
            told.fields, order.attempt.our_ref, order.attempt.provider_id
        ):
            raise GatewayRefused("Polar has no such order for this payment.")
        return told.fields

    async def _parts(self, order: RefundOrder) -> list[RefundVerdict]:
        made = await self._refunds_of(order.transaction_id)
        return [one for one in made if one.refund_id == order.refund_id]

    async def _refunds_of(self, order_id: str) -> list[RefundVerdict]:
        """The oldest first, so that what was made first names all parts of one refund."""
        listed = await self._calls.every("/refunds/", {"order_id": order_id})
        rows = [row for row in listed.rows if row.data.get("order_id") == order_id]
        rows.sort(key=lambda row: str(row.data.get("created_at")))
        return [refunds.refunded(Told(200, row, spelled([row]))) for row in rows]

    async def _checkout(self, attempt: AttemptRef) -> Fields | None:
        if attempt.provider_id is None:
            return await self._search(attempt.our_ref)
        told = await self._calls.ask(f"/checkouts/{quote(attempt.provider_id, safe='')}")
        if told.unknown:
            return None
        if told.fields.name("id") != attempt.provider_id:
            raise told.fields.fail("it is about another checkout than we asked about")
        return told.fields

    async def _search(self, our_ref: str) -> Fields | None:
        """The list knows no filter by metadata, so we walk it, newest first, back to our birth."""
        query = {"sorting": "-created_at"}
        if self._product_id:
            query["product_id"] = self._product_id
        since = about.born(our_ref) - _SKEW
        for number in range(1, _MOST_PAGES + 1):
            page = await self._calls.page("/checkouts/", query, number)
            for row in page.rows:
                if about.names(row, our_ref, None):
                    return row
            if not page.more or page.rows[-1].moment("created_at") < since:
                break
        return None

    async def _any_product(self) -> str:
        query = {"is_archived": "false", "is_recurring": "false", "sorting": "created_at"}
        page = await self._calls.page("/products/", query)
        if not page.rows:
            raise GatewayUnavailable(
                "There is no one-time product at Polar: make one, or set the product id."
            )
        self._product_id = page.rows[0].name("id")
        return self._product_id

    def _credit(self, order: Fields, told_at: object = None) -> Credit | None:
        """What one order credits, or None where it is not paid.

        It is the total: after discounts and with tax, which is what the payer was charged and
        what can go back. The net amount would leave out tax that was paid.
        """
        status = order.text("status")
        if status not in _PAID and order.data.get("paid") is not True:
            return None
        amount, currency = order.whole("total_amount"), currency_of(order)
        if amount <= 0:
            return None
        given = order.data if "created_at" in order.data else {"created_at": told_at}
        at = Fields(given, order.fail).moment("created_at")
        return Credit(self.name, self.account, order.name("id"), amount, currency, at)


def _keys(secrets: Iterable[str]) -> Iterable[bytes]:
    """Both keys that a secret may mean.

    Polar signs with the UTF-8 bytes of the whole secret, `whsec_` included; its own SDK accepts
    the standard's reading (base64 after `whsec_`) as well.
    """
    for secret in secrets:
        yield secret.encode()
        decoded = standard_webhooks.decoded_key(secret) if secret.startswith("whsec_") else None
        if decoded:
            yield decoded


def _offer(fields: Fields) -> Checkout:
    return Checkout(provider_id=fields.name("id"), checkout_url=fields.url("url"))


def _claim(checkout: Fields | None, credits_: Iterable[Credit], due: Money) -> Claim:
    received = [credit for credit in credits_ if credit.currency == due.currency]
    if sum(credit.minor for credit in received) >= due.minor:
        return Claim.SUCCEEDED
    status = "" if checkout is None else checkout.text("status")
    if status == "succeeded" and any(credits_):
        return Claim.PENDING
    return _CLAIMS.get(status, Claim.PENDING)


def _senseless(detail: str) -> HubError:
    return Invalid(f"The Polar notice is authentic and makes no sense: {detail}.")
