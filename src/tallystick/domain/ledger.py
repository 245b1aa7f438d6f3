"""Double-entry transfers: every movement of money as postings that sum to zero."""

from dataclasses import dataclass

from tallystick.domain.errors import MoneyMismatch
from tallystick.domain.money import Money

SUSPENSE = "suspense"
"""Money that has come in and is not yet delivered for. Its balance is what we still owe."""

UNOWNED = "suspense:unowned"
"""The part of it of which nobody knows yet whose it is."""

REVENUE = "revenue"
"""What was earned by delivering. Credits are negative, as in every posting."""

REFUNDING = "refunding"
"""Money that is promised back and still here: nobody can spend it while a refund is under way."""

UNCOVERED = "uncovered"
"""Money that a gateway gave back although what it had bought was spent already: our loss."""

SHORTFALL = "shortfall"
"""What was delivered and not paid for, where less than was due was enough: our loss."""

UNDECIDED = "undecided"
"""Money for orders that are paid and wait for a person: neither owed nor earned yet."""

FEES = "fees"
"""What gateways keep for themselves, booked from their statements and invoices."""


def clearing(gateway: str) -> str:
    """The account of what a gateway holds for us or has paid out to us."""
    return f"clearing:{gateway}"


def wallet(owner_id: str) -> str:
    """The account of what we owe to one of the merchant's users."""
    return f"wallet:{owner_id}"


def gift_card(card_id: str) -> str:
    """The account of what is left on a gift card."""
    return f"gift_card:{card_id}"


def held(hold_id: str) -> str:
    """The account of a part of a gift card that is set aside."""
    return f"held:{hold_id}"


def is_guarded(account: str) -> bool:
    """Whether we owe this account to somebody, so that it has a balance and never overdraws."""
    return account.startswith(("wallet:", "gift_card:", "held:"))


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transfer: debit is positive, credit negative."""

    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """A balanced set of postings. `kind` and `subject` together are unique: made at most once."""

    kind: str
    subject: str
    payment_id: str | None
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        """Refuse what does not balance per currency."""
        if any(self.sums().values()) or len(self.postings) < 2:
            raise MoneyMismatch(f"Transfer {self.kind} of {self.subject} does not balance.")

    def sums(self) -> dict[str, int]:
        """The sum of the postings per currency; all zero in a transfer that exists."""
        totals: dict[str, int] = {}
        for posting in self.postings:
            currency = posting.amount.currency
            totals[currency] = totals.get(currency, 0) + posting.amount.minor
        return totals


def move(
    kind: str, subject: str, payment_id: str | None, amount: Money, *, debit: str, credit: str
) -> Transfer:
    """The usual transfer: `amount` from the credited account to the debited one."""
    taken = Money(-amount.minor, amount.currency)
    return Transfer(kind, subject, payment_id, (Posting(debit, amount), Posting(credit, taken)))


def received(receipt_id: str, payment_id: str, gateway: str, amount: Money) -> Transfer:
    """Money has arrived at a gateway; until something is delivered it stands in suspense."""
    return move("receipt", receipt_id, payment_id, amount, debit=clearing(gateway), credit=SUSPENSE)


def unowned(credit_id: str, gateway: str, amount: Money) -> Transfer:
    """Money has arrived, and nobody knows whose it is."""
    return move("credit", credit_id, None, amount, debit=clearing(gateway), credit=UNOWNED)


def owned(receipt_id: str, payment_id: str, amount: Money) -> Transfer:
    """Money that nobody owned has found its payment; it stands in suspense for that one now."""
    return move("receipt", receipt_id, payment_id, amount, debit=UNOWNED, credit=SUSPENSE)


def sent_back(credit_id: str, gateway: str, amount: Money) -> Transfer:
    """Money that never found an owner was given back: the gateway holds so much less of ours."""
    return move("credit_back", credit_id, None, amount, debit=UNOWNED, credit=clearing(gateway))


def fee(gateway: str, reference: str, amount: Money) -> Transfer:
    """A gateway keeps a part of what it holds for us; `reference` is its own name for that."""
    return move("fee", f"{gateway}/{reference}", None, amount, debit=FEES, credit=clearing(gateway))


def earned(
    payment_id: str, came: Money, account: str = REVENUE, short: Money | None = None
) -> Transfer:
    """What was paid for is delivered: the money is ours, or stands on the account delivered to.

    `short` is what was forgiven: what was sold is delivered in full, and the rest is our loss.
    """
    lost = (Posting(SHORTFALL, short),) if short is not None and short.minor else ()
    whole = came if short is None else came + short
    sold = Posting(account, Money(-whole.minor, whole.currency))
    return Transfer("fulfilment", payment_id, payment_id, (Posting(SUSPENSE, came), *lost, sold))


def covered(payment_id: str, received: int, amount: Money) -> Transfer:
    """The rest of what was accepted has come after all: so much less was lost."""
    subject = f"{payment_id}/{received}"
    return move("cover", subject, payment_id, amount, debit=SUSPENSE, credit=SHORTFALL)


def released(subject: str, payment_id: str, amount: Money) -> Transfer:
    """A person let go what waited for a decision: it is earned now."""
    return move("release", subject, payment_id, amount, debit=UNDECIDED, credit=REVENUE)


def refund_held(
    subject: str, payment_id: str, amount: Money, takings: tuple[tuple[str, int], ...]
) -> Transfer:
    """A refund is reserved: its money leaves the accounts that it stood on."""
    taken = (Posting(account, Money(minor, amount.currency)) for account, minor in takings if minor)
    promised = Posting(REFUNDING, Money(-amount.minor, amount.currency))
    return Transfer("refund_hold", subject, payment_id, (*taken, promised))


def refund_released(subject: str, payment_id: str, held: tuple[Posting, ...]) -> Transfer:
    """A refund came to nothing: its money goes back to just where it was taken from."""
    back = (Posting(one.account, Money(-one.amount.minor, one.amount.currency)) for one in held)
    return Transfer("refund_release", subject, payment_id, tuple(back))


def refunded(subject: str, payment_id: str, gateway: str, amount: Money) -> Transfer:
    """The money has gone back: the gateway holds so much less of ours."""
    return move("refund", subject, payment_id, amount, debit=REFUNDING, credit=clearing(gateway))


def refund_reversed(subject: str, payment_id: str, gateway: str, amount: Money) -> Transfer:
    """The money is here again; what it had bought is gone, so it is owed, in suspense."""
    return move(
        "refund_reversal", subject, payment_id, amount, debit=clearing(gateway), credit=SUSPENSE
    )
