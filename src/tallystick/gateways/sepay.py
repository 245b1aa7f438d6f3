"""SePay: watches a Vietnamese bank account and tells of every transfer; the code is our own.

Sources: developer.sepay.vn and docs.sepay.vn (webhooks, user API v2, command line), read 2026-11.
The text that is signed in HMAC mode is from public repositories only, five of which agree.
"""

import asyncio
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlencode

from tallystick.domain import memo, strict_json
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
from tallystick.domain.evidence import Claim, Credit, Trust
from tallystick.domain.fields import Fields, spelled
from tallystick.domain.ids import memo_code
from tallystick.domain.multipart import parse_form
from tallystick.domain.reconciliation import Entry
from tallystick.domain.vietqr import BANKS, VietQR
from tallystick.gateways.abilities import StatementLine
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

_LARGEST_NOTICE: Final = 65_536
_LARGEST_REPLY: Final = 1_048_576
_VIETNAM: Final = timezone(timedelta(hours=7))
# Docs: reject where the timestamp is off by more than five minutes.
_DRIFT_S: Final = 300
_STAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"sha256=[0-9a-f]{64}")
_NUMBERS: Final = ("id", "transferAmount")
_PER_PAGE: Final = 100
# A transfer whose memo the bank split is found by reading on; this bounds how far.
_MOST_PAGES: Final = 5
_LONGEST_STATEMENT: Final = 50
# SePay answers three times a second.
_UNHURRIED: Final = 2
_PAUSE_S: Final = 0.4
_HEAD_START: Final = timedelta(minutes=10)


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
            # SePay answers 3 requests a second; one question of ours is one or two of them.
            calls_per_s=1.5,
            # SePay's last try to tell us is 33 minutes after the transfer.
            states_after=timedelta(minutes=40) if account.api_token else None,
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
        """Look through the account's transfers for our code.

        SePay searches for the code as it stands. The newest transfers are read too, because banks
        split codes and put marks into them, also in a second transfer beside one that was found.
        The ids here are not those of the notices: the bank's reference is what both have.
        """
        since = attempt.created_at - _HEAD_START
        heard: list[Fields] = []
        lines = await self._lines(since, 1, {"q": attempt.our_ref}, heard)
        more = await self._lines(since, _MOST_PAGES, {}, heard)
        found = self._about(attempt, [*lines, *more])
        enough = sum(credit.minor for credit in found) >= attempt.amount.minor
        return Verdict(
            claim=Claim.SUCCEEDED if enough else Claim.PENDING,
            credits=found,
            checkout=self._drawn(attempt.our_ref, attempt.amount.minor),
            raw=spelled(self._rows_about(attempt, heard)),
        )

    async def statement(self, since: datetime, until: datetime) -> tuple[StatementLine, ...]:
        """Every incoming transfer in between, the newest first, with the codes that may be in it.

        Raises GatewayUnavailable and GatewayUnreachable, also where there are more than can be
        read at once; safe to repeat.
        """
        filters = {"transaction_date_to": _local(until)}
        heard: list[Fields] = []
        lines = await self._lines(since, _LONGEST_STATEMENT, filters, heard)
        if len(heard) == _LONGEST_STATEMENT:
            raise GatewayUnreachable("SePay's statement has more pages than are read at once.")
        return lines

    async def list_transactions(self, since: datetime, until: datetime) -> tuple[Entry, ...]:
        """The account's statement. Bank transfers go back by hand, so it knows of no refunds."""
        if not self._settings.api_token:
            raise GatewayUnavailable("SePay has no API token here, so its list cannot be read.")
        lines = await self.statement(since, until)
        return tuple(
            Entry(line.credit.transaction_id, line.credit.money, line.credit.at, line.refs)
            for line in lines
            if since <= line.credit.at < until
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
        credit = Credit(
            gateway=self.name,
            account=self.account,
            transaction_id=_optional(fields, "referenceCode") or event_id,
            minor=amount,
            currency="VND",
            at=fields.moment("transactionDate", _VIETNAM),
        )
        texts = (_optional(fields, "code"), content, _optional(fields, "description"))
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

    def _about(self, attempt: AttemptRef, lines: Sequence[StatementLine]) -> tuple[Credit, ...]:
        found: dict[str, Credit] = {}
        for line in lines:
            if attempt.our_ref in line.refs:
                credit = found.setdefault(line.credit.transaction_id, line.credit)
                if credit.minor != line.credit.minor:
                    raise GatewayUnreachable("SePay tells two things about one transfer.")
        return tuple(sorted(found.values(), key=lambda credit: credit.at))

    def _rows_about(self, attempt: AttemptRef, pages: Sequence[Fields]) -> Iterator[Fields]:
        """Other people's transfers are in the answers too, and are not ours to keep."""
        for row in (row for page in pages for row in page.parts("data")):
            line = self._line(row)
            if line is not None and attempt.our_ref in line.refs:
                yield row

    async def _lines(
        self, since: datetime, most_pages: int, filters: dict[str, str], heard: list[Fields]
    ) -> tuple[StatementLine, ...]:
        wish = {
            "transfer_type": "in",
            "transaction_date_from": _local(since),
            "per_page": str(_PER_PAGE),
            **filters,
        }
        lines: list[StatementLine] = []
        for page in range(1, most_pages + 1):
            if page > _UNHURRIED:
                await asyncio.sleep(_PAUSE_S)
            reply = await self._ask(f"/transactions?{urlencode({**wish, 'page': page})}")
            answer = _open(reply)
            heard.append(answer)
            lines.extend(filter(None, map(self._line, answer.parts("data"))))
            if answer.part("meta").part("pagination").data.get("has_more") is not True:
                break
        return tuple(lines)

    def _line(self, row: Fields) -> StatementLine | None:
        incoming = row.text("transfer_type") == "in" and row.whole("amount_in") > 0
        if not incoming or row.text("account_number") != self.account:
            return None
        content = row.text("transaction_content")
        credit = Credit(
            gateway=self.name,
            account=self.account,
            transaction_id=_optional(row, "reference_number") or row.name("id"),
            minor=row.whole("amount_in"),
            currency="VND",
            at=row.moment("transaction_date", _VIETNAM),
        )
        return StatementLine(memo.candidates([_optional(row, "code"), content]), credit, content)

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
    return f"{at.astimezone(_VIETNAM):%Y-%m-%d %H:%M:%S}"


def _optional(fields: Fields, name: str) -> str | None:
    """A name that may be missing, null or empty."""
    return None if fields.data.get(name) in (None, "") else fields.text(name)[:_LARGEST_NOTICE]


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
    return Fields(body, _unusable)


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"SePay's answer makes no sense: {detail}.")


def _senseless(detail: str) -> HubError:
    return Invalid(f"The SePay notice is authentic and makes no sense: {detail}.")
