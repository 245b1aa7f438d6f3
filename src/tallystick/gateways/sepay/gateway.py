"""SePay: watches a Vietnamese bank account and tells of every transfer; the code is our own.

Sources: developer.sepay.vn and docs.sepay.vn (webhooks, user API v2, command line), read 2026-11.
That `transaction_date_sort=asc` and `since_id` read on from a line is from the command line's page.
The text that is signed in HMAC mode is from public repositories only, five of which agree.
"""

import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from tallystick.domain import memo, strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    Invalid,
    MalformedJson,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.fields import Fields
from tallystick.domain.ids import memo_code
from tallystick.domain.multipart import parse_form
from tallystick.domain.reconciliation import Entry
from tallystick.domain.vietqr import BANKS, VietQR
from tallystick.gateways.abilities import AccountPage, EntryPage, UnreadLine
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Notice,
    RawNotice,
    Reply,
    Standing,
    Verdict,
    Wire,
)
from tallystick.gateways.sepay import lines

_LARGEST_NOTICE: Final = 65_536
_LARGEST_REPLY: Final = 1_048_576
# Docs: reject where the timestamp is off by more than five minutes.
_DRIFT_S: Final = 300
_STAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"sha256=[0-9a-f]{64}")
_NUMBERS: Final = ("id", "transferAmount")
_PER_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class SePayAccount:
    """One bank account that SePay watches. All secrets and keys are accepted (rotation).

    `webhook_secrets` is HMAC mode, `webhook_api_keys` is `Apikey` mode. Without an `api_token` the
    notices count money themselves. `memo_words` stand before our code where the bank wants words
    there ("SEVQR" at VietinBank). `page_url` is a page that plays the payer's bank app; only the
    sandbox has one.
    """

    account_number: str
    bank_bin: str
    account_name: str = ""
    webhook_secrets: tuple[str, ...] = ()
    webhook_api_keys: tuple[str, ...] = ()
    api_token: str = ""
    base_url: str = "https://userapi.sepay.vn/v2"
    memo_words: str = ""
    page_url: str | None = None


class SePay:
    """The gateway "sepay"."""

    name = "sepay"

    def __init__(self, account: SePayAccount, wire: Wire) -> None:
        _check(account)
        self.account = account.account_number
        self.capabilities = Capabilities(
            title="Bank transfer (VietQR, SePay)",
            currencies=frozenset({"VND"}),
            verifies=Trust.FETCHED if account.api_token else Trust.SIGNED,
            refunds="manual",
            cancels=False,
            listens_for=timedelta(days=30),
            # An instant NAPAS transfer stays below 500 million dong.
            largest_minor=499_999_999,
            # SePay answers 3 requests a second. Half of that leaves room for what was saved up.
            calls_per_s=1.5,
            search_costs=2,
            lists=bool(account.api_token),
            # SePay knows no offers of ours: there is only the account.
            asks_alone=False,
        )
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """A memo code: the reference is what the payer's bank carries."""
        return memo_code()

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Draw the code. Nobody is asked: SePay only watches, so there is nothing to make there."""
        checkout = self._drawn(order.our_ref, order.amount.minor)
        page = self._settings.page_url
        if page is None or checkout.qr_code is None:
            return checkout
        back = {"return_url": order.return_url, "cancel_url": order.cancel_url}
        url = f"{page}?{urlencode({'qr': checkout.qr_code, **back})}"
        return replace(checkout, checkout_url=url)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Look through the account's transfers for our code, where the account was not read so far.

        SePay searches for the code as it stands. The newest hundred are looked through too, because
        banks split codes and put marks into them. Lines that we cannot read are left to the reader
        of the account. The ids here are not those of the notices: the bank's reference is what both
        have.
        """
        since = _local(attempt.created_at - lines.HEAD_START)
        found: dict[str, Credit] = {}
        own: list[bytes] = []
        for search in ({"q": attempt.our_ref}, {}):
            wish = {"transaction_date_from": since, "transfer_type": "in", **search}
            for line in lines.rows(await self._page(wish)):
                credit = lines.credit(line, self.account)
                if isinstance(credit, Credit) and attempt.our_ref in credit.refs:
                    own += [lines.raw(line)] if credit.row not in found else []
                    found.setdefault(credit.row, credit)
        enough = sum(credit.minor for credit in found.values()) >= attempt.amount.minor
        return Verdict(
            claim=Claim.SUCCEEDED if enough else Claim.PENDING,
            credits=tuple(sorted(found.values(), key=lambda credit: credit.at)),
            checkout=self._drawn(attempt.our_ref, attempt.amount.minor),
            raw=b"\n".join(own),
        )

    async def read_account(self, mark: str, since: datetime) -> AccountPage:
        """The next hundred lines behind the one that the mark names, the oldest first.

        The mark moves on when all that is behind it was read, so that a line which was entered
        late, among older ones, is not passed by. A few of the newest come again each time. Where
        SePay does not know the line any more, it is read on from its time. Lines that went out, or
        are another account's, are left out.
        """
        place = lines.Place.of(mark)
        by_date = {"transaction_date_from": _local(place.at or since)}
        wish = {"transaction_date_sort": "asc", "page": str(place.page)}
        behind = {"since_id": place.line} if place.line else by_date
        answer = await self._page({**wish, **behind})
        if answer is None:
            answer = await self._page({**wish, **by_date})
        listed = lines.rows(answer)
        credits, unread = [], []
        for line in listed:
            read = lines.credit(line, self.account)
            if isinstance(read, Credit):
                credits.append(read)
            elif read is not None:
                unread.append(UnreadLine(lines.line_name(line), read, lines.raw(line)))
        more = lines.has_more(answer)
        return AccountPage(tuple(credits), place.on(listed, more=more), more, tuple(unread))

    async def list_transactions(self, since: datetime, until: datetime, page: int) -> EntryPage:
        """The account's statement. Bank transfers go back by hand, so it knows of no refunds."""
        if not self._settings.api_token:
            raise GatewayUnavailable("SePay has no API token here, so its list cannot be read.")
        answer = await self._page(
            {"transaction_date_sort": "asc", "transaction_date_from": _local(since),
             "transaction_date_to": _local(until), "page": str(page)}
        )  # fmt: skip
        read = [lines.credit(line, self.account) for line in lines.rows(answer)]
        return EntryPage(
            tuple(
                Entry(credit.transaction_id, credit.money, credit.at, credit.refs, credit=credit)
                for credit in read
                if isinstance(credit, Credit) and since <= credit.at < until
            ),
            lines.has_more(answer),
        )

    def read_notice(self, raw: RawNotice) -> Notice:
        """One transfer. What went out, or is another account's, is about no payment and no money.

        Money that came without a code of ours is told all the same: a person has to find its owner.
        """
        if not (raw.proven or self._is_authentic(raw)):
            raise NoticeNotAuthentic("The SePay notice has no valid signature or key.")
        fields = Fields(_body(raw), _senseless)
        event_id = str(fields.whole("id"))
        content = fields.text("content")
        ours = fields.text("accountNumber") == self.account
        amount = fields.whole("transferAmount")
        if fields.text("transferType") != "in" or not ours or amount <= 0:
            return Notice(event_id, (), memo=content)
        at = fields.moment("transactionDate", lines.VIETNAM)
        credit = Credit(
            gateway=self.name,
            account=self.account,
            transaction_id=lines.optional(fields, "referenceCode")
            or lines.unnamed(at, amount, content),
            minor=amount,
            currency="VND",
            at=at,
            row=f"notice:{event_id}",
        )
        texts = (lines.optional(fields, "code"), content, lines.optional(fields, "description"))
        # One transfer is not the whole payment: only the sum says whether it is paid.
        return Notice(event_id, memo.candidates(texts), Claim.PENDING, (credit,), content)

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Older docs want this body, newer ones any 2xx."""
        return Answer(b'{"success":true}')

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Nobody can take a bank account's number back."""
        raise GatewayRefused("A bank transfer cannot be canceled: the account stays open.")

    def _drawn(self, code: str, amount: int) -> Checkout:
        content = f"{self._settings.memo_words} {code}".strip()
        qr = VietQR(self._settings.bank_bin, self.account, amount, content)
        return Checkout(
            qr_code=qr.payload(),
            bank_name=BANKS.get(self._settings.bank_bin),
            bank_bin=self._settings.bank_bin,
            account_number=self.account,
            account_name=self._settings.account_name or None,
            transfer_content=content,
        )

    async def _page(self, wish: dict[str, str]) -> Fields | None:
        """One page of the list; None where SePay does not know the line that we begin behind."""
        query = urlencode({"per_page": str(_PER_PAGE), **wish})
        reply = await self._ask(f"/transactions?{query}")
        if "since_id" in wish and reply.status in {404, 422}:
            return None
        return _open(reply)

    def _is_authentic(self, raw: RawNotice) -> bool:
        if self._settings.webhook_secrets and self._is_signed(raw):
            return True
        told = raw.headers.get("authorization", "").encode("utf-8", "replace")
        fits = [
            hmac.compare_digest(f"Apikey {key}".encode(), told)
            for key in self._settings.webhook_api_keys
        ]
        return any(fits)

    def _is_signed(self, raw: RawNotice) -> bool:
        stamp = raw.headers.get("x-sepay-timestamp", "")
        signature = raw.headers.get("x-sepay-signature", "")
        if not _STAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(signature):
            return False
        if abs(raw.received_at.timestamp() - int(stamp)) > _DRIFT_S:
            return False
        fits = [
            hmac.compare_digest(notice_signature(stamp, raw.body, secret), signature)
            for secret in self._settings.webhook_secrets
        ]
        return any(fits)

    async def _ask(self, path: str) -> Reply:
        headers = {"Authorization": f"Bearer {self._settings.api_token}"}
        url = self._settings.base_url.rstrip("/") + path
        return await self._wire.send("GET", url, headers=headers)


def notice_signature(stamp: str, body: bytes, secret: str) -> str:
    """Of a notice in HMAC mode: the time, a dot, and the body as it came."""
    return "sha256=" + hmac.digest(secret.encode(), f"{stamp}.".encode() + body, "sha256").hex()


def _check(account: SePayAccount) -> None:
    proofs = (*account.webhook_secrets, *account.webhook_api_keys)
    if not proofs or not all(proofs):
        raise NotConfigured(
            "SePay needs a webhook secret (HMAC) or a webhook API key: without one anyone could "
            "tell us of transfers."
        )
    if account.webhook_api_keys and not account.api_token:
        raise NotConfigured(
            "SePay's API key mode does not sign what it says, so it needs an API token to ask "
            "with; set one, or use HMAC mode."
        )
    try:
        VietQR(
            account.bank_bin, account.account_number, 1, f"{account.memo_words} TS0123456".strip()
        ).payload()
    except Invalid as error:
        raise NotConfigured(f"SePay's account cannot be drawn: {error.detail}") from None


def _body(raw: RawNotice) -> dict[str, object]:
    """The notice, which comes as JSON or, where that is chosen in the dashboard, as a form."""
    media = raw.headers.get("content-type", "")
    try:
        if media.lower().startswith("multipart/form-data"):
            return _typed(parse_form(media, raw.body, limit=_LARGEST_NOTICE))
        read = strict_json.parse(raw.body, limit=_LARGEST_NOTICE, floats=False)
    except MalformedJson as error:
        raise _senseless(error.detail) from None
    if not isinstance(read, dict):
        raise _senseless("it is not an object")
    return read


def _typed(form: dict[str, str]) -> dict[str, object]:
    """A form knows texts only."""
    whole = re.compile(r"[0-9]{1,15}")
    return {
        name: int(text) if name in _NUMBERS and whole.fullmatch(text) else text
        for name, text in form.items()
    }


def _local(at: datetime) -> str:
    return f"{at.astimezone(lines.VIETNAM):%Y-%m-%d %H:%M:%S}"


def _open(reply: Reply) -> Fields:
    if reply.status in {401, 403}:
        raise GatewayUnavailable(f"SePay rejects our API token (HTTP {reply.status}).")
    if reply.status == 200 and not reply.body:
        # The old API's way to reject a token; a base URL that still points there must not look
        # like an account without transfers.
        raise GatewayUnavailable("SePay rejects our API token (an empty answer).")
    if reply.status != 200:
        raise GatewayUnreachable(f"SePay cannot answer now (HTTP {reply.status}).")
    try:
        body = strict_json.parse(reply.body, limit=_LARGEST_REPLY)
    except MalformedJson:
        raise GatewayUnreachable("SePay's answer is not JSON that we read.") from None
    if not isinstance(body, dict) or body.get("status") != "success":
        raise GatewayUnreachable("SePay's answer does not say success.")
    return Fields(body, lines.unusable)


def _senseless(detail: str) -> HubError:
    return Invalid(f"The SePay notice is authentic and makes no sense: {detail}.")
