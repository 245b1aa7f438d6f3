"""The port that every gateway implements, and the values that cross it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, Self, runtime_checkable

from tallystick.domain.credit import Credit
from tallystick.domain.errors import HubError
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.money import Money


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do, declared once; flows decide by this and never by a name.

    `currencies` empty means all. `verifies` is the trust that counts money: FETCHED where we can
    ask over our own connection, SIGNED where there is nobody to ask. `listens_for` is how long
    after the offer is over its money can still arrive. `calls_per_s` bounds our questions, and
    `search_costs` says how many of them it takes to look for one offer in a whole account.
    `smallest` names the currencies whose smallest amount is another than `smallest_minor`.
    `notice_methods` are the HTTP methods that its notices come by. `hears_outcome` is true where
    the answer to a notice has to say what came of it, so that it is settled before it is answered.
    `tells_parts` is false where a part payment is announced without its amount: nothing of it can
    be counted before the whole has come. `lists` is true where the whole account can be read (see
    ListsCredits), so that one answer serves all payments. `asks_alone` is false where that is the
    only question there is: nobody knows our offers there, and money is all that can be asked about.
    `shows_whole` is true where each answer about an offer has all of its transfers, so that one
    which was there before and is not has gone.
    """

    title: str
    currencies: frozenset[str]
    verifies: Trust
    refunds: Literal["api", "manual", "none"]
    cancels: bool
    webhooks: bool = True
    listens_for: timedelta = timedelta(hours=72)
    smallest_minor: int = 1
    smallest: Mapping[str, int] = field(default_factory=dict, hash=False)
    largest_minor: int | None = None
    tolerance_minor: int = 0
    calls_per_s: float = 5.0
    search_costs: int = 1
    notice_methods: frozenset[str] = frozenset({"POST"})
    hears_outcome: bool = False
    tells_parts: bool = True
    lists: bool = False
    asks_alone: bool = True
    shows_whole: bool = False

    @property
    def asks(self) -> bool:
        """Whether the gateway has an API that we can put our own question to."""
        return self.verifies >= Trust.FETCHED

    @property
    def asks_each(self) -> bool:
        """Whether we put a question about each single offer, and not only about the account."""
        return self.asks and (self.asks_alone or not self.lists)

    def takes(self, amount: Money) -> bool:
        """Whether this amount can be collected here."""
        largest = self.largest_minor
        return (
            (not self.currencies or amount.currency in self.currencies)
            and amount.minor >= self.smallest.get(amount.currency, self.smallest_minor)
            and (largest is None or amount.minor <= largest)
        )


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What we ask a gateway to collect. `our_ref` and `memo` were committed before the call.

    `form_url` is a page of ours that posts the gateway's `checkout_form` (see PostsForm).
    """

    attempt_id: str
    our_ref: str
    memo: str
    amount: Money
    description: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    form_url: str = ""


@dataclass(frozen=True, slots=True)
class CheckoutForm:
    """What the payer's browser has to POST, in this order, for a hosted page to open."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a payer needs to pay, whichever of it the gateway gives. `qr_code` is the raw payload.

    `provider_id` is the gateway's own name for the offer.
    """

    provider_id: str | None = None
    checkout_url: str | None = None
    qr_code: str | None = None
    bank_name: str | None = None
    bank_bin: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    transfer_content: str | None = None
    va_number: str | None = None
    instructions: str | None = None

    def document(self) -> dict[str, str]:
        """The fields that are set, for keeping with the attempt."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read back what `document` wrote."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """Which offer we ask about, by the names that we and the gateway gave it."""

    attempt_id: str
    our_ref: str
    provider_id: str | None
    amount: Money
    created_at: datetime
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gateway's answer to our own question.

    `known` is false where the gateway has never heard of the offer (its create never arrived).
    `credits` are all transfers that its books show for the offer. `checkout` is what could be
    recovered of it, for an attempt whose create answer was lost. `refunded_minor` is what the books
    say has gone back, in the offer's currency, where they say so.
    """

    claim: Claim
    credits: tuple[Credit, ...] = ()
    known: bool = True
    checkout: Checkout | None = None
    raw: bytes = b""
    refunded_minor: int | None = None


@dataclass(frozen=True, slots=True)
class RawNotice:
    """A knock on the door, exactly as it came. Header names are lower-case.

    `proven` is set for bytes of our own keeping alone: who sent them was checked when they came,
    and they are read again without their signature.
    """

    headers: Mapping[str, str]
    body: bytes
    query: str
    received_at: datetime
    method: str = "POST"
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """An authentic notice: who it is about and what it says. It is never acted on by itself.

    `event_id` is the same for every delivery of the same event. `refs` are names of offers, ours
    or the gateway's, the best first; empty where the notice is about none (a test ping). `memo` is
    what the payer wrote, for a person who has to find the owner of the money. `context` is what the
    acknowledgement has to repeat. `unreadable` is why it says nothing that we understand; no
    adapter sets it (see `read_notice`), but its `acknowledge` may be given such a notice.
    """

    event_id: str
    refs: tuple[str, ...]
    claim: Claim = Claim.PENDING
    credits: tuple[Credit, ...] = ()
    memo: str = ""
    context: Mapping[str, Any] = field(default_factory=dict, hash=False)
    unreadable: str = ""

    @property
    def about_nothing(self) -> bool:
        """Whether it names no offer and no money: a test ping, or an event of no concern to us."""
        return not (self.refs or self.credits or self.unreadable)


@dataclass(frozen=True, slots=True)
class Standing:
    """How our offer stands: what a gateway hears that asks us, or that wants to know the outcome.

    `payable` is true while we would take the money; `agrees` is false where a notice named another
    amount or currency than is due.
    """

    our_ref: str
    due: Money
    description: str
    payable: bool
    paid: bool
    agrees: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway wants to hear so that it stops repeating itself."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer from a gateway, already within our size limit."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire(Protocol):
    """Our own HTTP connection to a gateway."""

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """One request, one answer; redirects are not followed, 5xx and 429 come back as they are.

        Raises GatewayUnreachable: `sent=False` only where the request certainly did not leave.
        """
        ...


class Gateway(Protocol):
    """One way to take money. Implementations hold settings and a `Wire`, and no state."""

    name: str
    account: str
    capabilities: Capabilities

    def new_ref(self, now: datetime) -> str:
        """A fresh reference in the form that this gateway accepts, never given out before."""
        ...

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the offer at the gateway. Safe to repeat with the same `our_ref`.

        Raises GatewayRefused (a clear no), GatewayUnavailable (our keys are refused),
        GatewayUnreachable (no usable answer: the offer may exist).
        """
        ...

    def read_notice(self, raw: RawNotice) -> Notice:
        """Who sent it, and which payment to look at. Pure and quick: it stands on the hot path.

        Raises NoticeNotAuthentic, or Invalid for an authentic notice that makes no sense: that is
        kept too, and its sender thanked. Where `raw.proven`, only its form is checked.
        """
        ...

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """The gateway's own word for "received", also for duplicates and what is `unreadable`.

        `standing` is only given where `capabilities.hears_outcome`: how the offer that the notice
        is about stands now, or None where we know no such offer.
        """
        ...

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask the gateway about one offer. Raises GatewayUnavailable, GatewayUnreachable.

        Only called where `capabilities.asks`.
        """
        ...

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Take the offer back. Only called where `capabilities.cancels`; safe to repeat.

        Raises GatewayRefused where it is paid already, GatewayUnavailable, GatewayUnreachable.
        """
        ...


@runtime_checkable
class PostsForm(Protocol):
    """A gateway whose page opens only for a form that the payer's browser posts (SePay PG)."""

    def checkout_form(self, order: CheckoutOrder) -> CheckoutForm:
        """The signed form for an offer; the same for the same order. Raises Invalid."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What the other side asks before it moves money: about one offer, or (`ref` None) about none.

    `context` is what the answer has to repeat.
    """

    operation: str
    ref: str | None
    context: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class AnswersInquiries(Protocol):
    """A gateway that also calls us with questions (GovPay+ asks for a token, then for the bill).

    `desk_paths` maps each public path, below the server's root, to the operation it asks for.
    """

    desk_paths: Mapping[str, str]

    def read_question(self, operation: str, raw: RawNotice, now: datetime) -> Question:
        """Who asks, and about what. Raises NoticeNotAuthentic, Invalid, NotFound."""
        ...

    def answer_question(self, question: Question, standing: Standing | None) -> Answer:
        """The answer in the gateway's own form; `standing` is None where we know no such offer."""
        ...

    def refuse(self, error: HubError) -> Answer:
        """A refusal of a question or a notice in the gateway's own form and status."""
        ...
