"""Double-entry transfers: every movement of money as postings that sum to zero."""

from dataclasses import dataclass

from tallystick.domain.errors import MoneyMismatch
from tallystick.domain.money import Money

SUSPENSE = "suspense"
"""Money that has come in and is not yet delivered for, also where nobody knows yet whose it is.

Its balance is what we still owe.
"""

REVENUE = "revenue"
"""What was earned by delivering. Credits are negative, as in every posting."""

REFUNDING = "refunding"
"""Money that is promised back and still here: nobody can spend it while a refund is under way."""

UNCOVERED = "uncovered"
"""Money that a gateway gave back although what it had bought was spent already: our loss."""

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
    return move("credit", credit_id, None, amount, debit=clearing(gateway), credit=SUSPENSE)


def owned(receipt_id: str, payment_id: str, amount: Money) -> Transfer:
    """Money that stood in suspense has found its payment; it stands there for that one now."""
    return move("receipt", receipt_id, payment_id, amount, debit=SUSPENSE, credit=SUSPENSE)


def sent_back(credit_id: str, gateway: str, amount: Money) -> Transfer:
    """Money that never found an owner was given back: the gateway holds so much less of ours."""
    return move("credit_back", credit_id, None, amount, debit=SUSPENSE, credit=clearing(gateway))


def fee(gateway: str, reference: str, amount: Money) -> Transfer:
    """A gateway keeps a part of what it holds for us; `reference` is its own name for that."""
    return move("fee", f"{gateway}/{reference}", None, amount, debit=FEES, credit=clearing(gateway))


def earned(payment_id: str, amount: Money, account: str = REVENUE) -> Transfer:
    """What was paid for is delivered: the money is ours, or stands on the account delivered to."""
    return move("fulfilment", payment_id, payment_id, amount, debit=SUSPENSE, credit=account)


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
