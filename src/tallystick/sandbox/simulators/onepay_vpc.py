"""Plays OnePay's redirect gateway (VPC).

    GET  /paygate/vpcpay.op?vpc_…            the payer comes; each vpc_MerchTxnRef is taken once
    POST /msp/api/v1/vpc/invoices/queries    queryDR
    POST /msp/api/v1/vpc/refunds

An order's status is OnePay's response code: 100 not finished, 253 timed out, 0 paid, 99 canceled,
1 declined. The IPN goes out as a form, or in the query as older documents have it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.errors import Conflict, Invalid
from tallystick.sandbox.simulators.base import Change, Event, Message, Order, Traits, Transfer
from tallystick.sandbox.simulators.context import SimulatorContext, SimulatorFactory

_SESSION: Final = timedelta(minutes=15)
_UNFINISHED: Final = {"100", "253"}
_NEEDED: Final = (
    "vpc_Version", "vpc_Command", "vpc_AccessCode", "vpc_Merchant", "vpc_Locale", "vpc_MerchTxnRef",
    "vpc_OrderInfo", "vpc_Amount", "vpc_ReturnURL", "vpc_TicketNo", "vpc_SecureHash",
)  # fmt: skip
_LONGEST: Final = {
    "vpc_MerchTxnRef": 34, "vpc_OrderInfo": 32, "vpc_ReturnURL": 255, "vpc_TicketNo": 15,
    "vpc_Merchant": 16,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnePayVPCKeys:
    """The same values go into the adapter's settings.

    `lower_case`: the hashes are written in small letters. `by_query`: the IPN has its fields in
    the address.
    """

    merchant: str
    access_code: str
    hash_key: str
    user: str
    password: str
    lower_case: bool = False
    by_query: bool = False


def onepay_vpc(keys: OnePayVPCKeys) -> SimulatorFactory:
    """Makes the simulator of OnePay's redirect gateway."""
    return SimulatorFactory(
        OnePayVPCSimulator.name, lambda context: OnePayVPCSimulator(context, keys)
    )


class OnePayVPCSimulator:
    """One merchant's payment page."""

    name = "onepay_vpc"
    traits = Traits(
        title="OnePay (card, QR)",
        currencies=frozenset({"VND"}),
        page="/page/{id}",
        # Until it is confirmed; the real schedule is not published.
        retries_s=(60, 60, 300, 300, 900, 3600, 21_600),
        splits=False,
        refunds=True,
        unpaid="100",
    )

    def __init__(self, context: SimulatorContext, keys: OnePayVPCKeys) -> None:
        self._context = context
        self._keys = keys

    def routes(self) -> list[BaseRoute]:
        """The payer's address, and the merchant's two questions."""

        def guard(path: str, answer: Any) -> Route:
            return Route(path, self._context.faults.guard(self.name, answer), methods=["POST"])

        return [
            Route("/paygate/vpcpay.op", self._enter, methods=["GET"]),
            guard("/msp/api/v1/vpc/invoices/queries", self._query),
            guard("/msp/api/v1/vpc/refunds", self._refund),
        ]

    def opened(self, query: str) -> Order:
        """The payer comes with a checkout address's query; again with the same is a reload.

        Raises Invalid where OnePay would not show its page.
        """
        given = dict(parse_qsl(query, keep_blank_values=True))
        _check(given)
        if not self._is_signed(given) or given["vpc_AccessCode"] != self._keys.access_code:
            raise Invalid("Invalid access code or hash.")
        ref = given["vpc_MerchTxnRef"]
        kept = self._context.books.order(self.name, ref)
        if kept is not None:
            if kept.terms["hash"] != given["vpc_SecureHash"] or kept.status not in _UNFINISHED:
                raise Invalid("vpc_MerchTxnRef was used before.")
            return kept
        now = self._context.clock.now()
        order = Order(
            gateway=self.name,
            ref=ref,
            id=secrets.token_hex(16),
            amount=int(given["vpc_Amount"]) // 100,
            currency="VND",
            status="100",
            created_at=now,
            expires_at=now + _SESSION,
            return_url=given["vpc_ReturnURL"],
            cancel_url=given["vpc_ReturnURL"],
            terms={
                "hash": given["vpc_SecureHash"], "info": given["vpc_OrderInfo"],
                "locale": given["vpc_Locale"], "callback": given.get("vpc_CallbackURL", ""),
                "refunds": {},
            },
        )  # fmt: skip
        self._context.books.keep(order)
        return order

    def as_of(self, order: Order, now: datetime) -> Order:
        """The page times out; the bank may still say yes afterwards."""
        over = order.expires_at is not None and now >= order.expires_at
        return replace(order, status="253") if over and order.status == "100" else order

    def take(self, order: Order, transfer: Transfer) -> Change:
        """One page takes one payment. Raises Conflict where it has ended."""
        if order.status not in _UNFINISHED:
            raise Conflict(f"The OnePay page has ended with {order.status}; it takes no payment.")
        paid = replace(order, status="0", transfers=(transfer,))
        return Change(paid, (self._told(paid, "Approved"),))

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer clicks cancel: code 99, with a notice."""
        return self._end(order, "99")

    def decline(self, order: Order, now: datetime) -> Change:
        """The bank declines: code 1, with a notice."""
        return self._end(order, "1")

    def refund(self, order: Order, amount: int, now: datetime) -> Change:
        """The merchant refunds in the portal; no notice goes out."""
        return Change(self._refunded(order, f"portal-{int(now.timestamp() * 1000)}", amount))

    def reverse_refund(self, order: Order, now: datetime) -> Change:
        """The card's bank sends the last refund back; no notice goes out."""
        made, failed = dict(order.terms["refunds"]), order.terms.get("failed", [])
        if not made:
            raise Conflict("There is no refund that could come back.")
        ref, _ = made.popitem()
        terms = {**order.terms, "refunds": made, "failed": [*failed, ref]}
        return Change(replace(order, terms=terms))

    def charge_back(self, order: Order, state: str, now: datetime) -> Change:
        """What queryDR says of one is not public: we let it say that it is not paid any more."""
        return Change(replace(order, status="0" if state == "won" else _CHARGED_BACK))

    def reference(self, rng: Random, now: datetime) -> str:
        """A running number (vpc_TransactionNo)."""
        return str(rng.randrange(1_000_000, 10**10))

    def memo(self, order: Order) -> str | None:
        """There is none: the payer pays on the page."""
        return None

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """The hash is one of the fields and knows no time."""
        told = {name: "" if value is None else str(value) for name, value in event.items()}
        form = urlencode(self._hashed(told, rightly=rightly))
        order = self._context.books.order(self.name, told["vpc_MerchTxnRef"])
        callback = str(order.terms["callback"]) if order else ""
        if self._keys.by_query and callback:
            return Message({}, b"", f"{callback}?{form}")
        media = {"Content-Type": "application/x-www-form-urlencoded"}
        return Message(media, form.encode(), callback or None)

    def qr_code(self, order: Order) -> str:
        """The address of the payer's page."""
        return f"{self._context.base_url}/page/{order.id}"

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """The return address with a signed answer. It came through a browser: a hint."""
        now = self.as_of(order, self._context.clock.now())
        form = urlencode(self._hashed(self._told(now, ""), rightly=True))
        return f"{order.return_url}{'&' if '?' in order.return_url else '?'}{form}"

    def _end(self, order: Order, code: str) -> Change:
        if order.status not in _UNFINISHED:
            raise Conflict(f"The OnePay page has ended with {order.status}.")
        ended = replace(order, status=code)
        return Change(ended, (self._told(ended, ""),))

    def _told(self, order: Order, message: str) -> dict[str, str]:
        amount = order.transfers[0].amount if order.transfers else order.amount
        return {
            "vpc_AdditionData": "970436",
            "vpc_Amount": str(amount * 100),
            "vpc_Command": "pay",
            "vpc_CurrencyCode": "VND",
            "vpc_Locale": str(order.terms["locale"]),
            "vpc_MerchTxnRef": order.ref,
            "vpc_Merchant": self._keys.merchant,
            "vpc_Message": message,
            "vpc_OrderInfo": str(order.terms["info"]),
            "vpc_TransactionNo": order.transfers[0].reference if order.transfers else "",
            "vpc_TxnResponseCode": order.status,
            "vpc_Version": "2",
        }

    async def _enter(self, request: Request) -> Response:
        try:
            order = self.opened(request.url.query)
        except Invalid as error:
            return PlainTextResponse(error.detail, 400)
        return RedirectResponse(f"{self._context.base_url}/page/{order.id}", 303)

    async def _query(self, request: Request) -> Response:
        wish = await _form(request)
        told = (wish.get("vpc_User"), wish.get("vpc_Password"))
        if problem := self._stranger(wish, told == (self._keys.user, self._keys.password)):
            return problem
        ref = wish.get("vpc_MerchTxnRef", "")
        refunded = self._find_refund(ref)
        order = self._context.books.order(self.name, ref)
        if self._has_failed(ref):
            return self._answer({"vpc_DRExists": "Y", **_refund_told(ref, 0), **_NO_REFUND})
        if refunded is not None:
            return self._answer({"vpc_DRExists": "Y", **_refund_told(ref, refunded)})
        if order is None or order.ref != ref:
            return self._answer({"vpc_DRExists": "N", "vpc_MerchTxnRef": ref})
        now = self.as_of(order, self._context.clock.now())
        gone = str(sum(order.terms["refunds"].values()) * 100)
        known = {"vpc_DRExists": "Y", "vpc_RefundedAmount": gone}
        return self._answer({**self._told(now, ""), **known})

    async def _refund(self, request: Request) -> Response:
        wish = await _form(request)
        if problem := self._stranger(wish, known=True):
            return problem
        ref, amount = wish.get("vpc_MerchTxnRef", ""), int(wish.get("vpc_Amount", "0")) // 100
        order = self._context.books.order(self.name, wish.get("vpc_OrgMerchTxnRef", ""))
        if self._find_refund(ref) is not None or order is None:
            return self._answer({"vpc_MerchTxnRef": ref, "vpc_TxnResponseCode": "7"})
        try:
            self._context.books.keep(self._refunded(order, ref, amount))
        except Conflict:
            return self._answer({"vpc_MerchTxnRef": ref, "vpc_TxnResponseCode": "5"})
        return self._answer(_refund_told(ref, amount))

    def _refunded(self, order: Order, ref: str, amount: int) -> Order:
        refunds: dict[str, int] = dict(order.terms["refunds"])
        if not 0 < amount <= order.received - sum(refunds.values()):
            raise Conflict("There is not so much at OnePay that could go back.")
        return replace(order, terms={**order.terms, "refunds": {**refunds, ref: amount}})

    def _has_failed(self, ref: str) -> bool:
        orders = self._context.books.book(self.name).orders
        return any(ref in order.terms.get("failed", []) for order in orders)

    def _find_refund(self, ref: str) -> int | None:
        orders = self._context.books.book(self.name).orders
        found = [order.terms["refunds"][ref] for order in orders if ref in order.terms["refunds"]]
        return int(found[0]) if found else None

    def _stranger(self, wish: Mapping[str, str], known: bool) -> Response | None:
        known = known and wish.get("vpc_AccessCode") == self._keys.access_code
        known = known and wish.get("vpc_Merchant") == self._keys.merchant
        return None if known and self._is_signed(wish) else PlainTextResponse("Unauthorized", 401)

    def _answer(self, told: Mapping[str, str]) -> Response:
        form = urlencode(self._hashed(told, rightly=True))
        return PlainTextResponse(form, media_type="application/x-www-form-urlencoded")

    def _is_signed(self, told: Mapping[str, str]) -> bool:
        return told.get("vpc_SecureHash", "").upper() == _hash(told, self._keys.hash_key)

    def _hashed(self, told: Mapping[str, str], *, rightly: bool) -> dict[str, str]:
        key = self._keys.hash_key if rightly else "00" * 16
        digest = _hash(told, key)
        return {**told, "vpc_SecureHash": digest.lower() if self._keys.lower_case else digest}


_NO_REFUND: Final = {"vpc_TxnResponseCode": "1"}
_CHARGED_BACK: Final = "B"


def _hash(told: Mapping[str, str], key: str) -> str:
    """Non-empty vpc_ and user_ fields in byte order, not URL-encoded; the key is hex."""
    signed = sorted(
        f"{name}={value}"
        for name, value in told.items()
        if name[:4] == "vpc_" or name[:5] == "user_"
        if name not in {"vpc_SecureHash", "vpc_SecureHashType"} and value != ""
    )
    text = "&".join(signed).encode("utf-8")
    return hmac.new(bytes.fromhex(key), text, hashlib.sha256).hexdigest().upper()


def _refund_told(ref: str, amount: int) -> dict[str, str]:
    number = str(int.from_bytes(hashlib.sha256(ref.encode()).digest()[:4]))
    return {
        "vpc_MerchTxnRef": ref, "vpc_Amount": str(amount * 100), "vpc_TransactionNo": number,
        "vpc_TxnResponseCode": "0", "vpc_Command": "refund",
    }  # fmt: skip


def _check(given: Mapping[str, str]) -> None:
    missing = [name for name in _NEEDED if not given.get(name)]
    long = [name for name, most in _LONGEST.items() if len(given.get(name, "")) > most]
    amount = given.get("vpc_Amount", "")
    wrong = not (amount.isdecimal() and amount.isascii() and int(amount) % 100 == 0)
    if missing or long or wrong:
        names = ", ".join([*missing, *long, *(["vpc_Amount"] if wrong else [])])
        raise Invalid(f"Missing or wrong: {names}.")


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
