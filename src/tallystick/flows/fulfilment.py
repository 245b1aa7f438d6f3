"""What every delivery has in common: once per payment, in the transaction that made it paid."""

from datetime import datetime
from typing import ClassVar, Self

from sqlalchemy import Connection

from tallystick.domain.ledger import (
    REVENUE,
    SHORTFALL,
    SUSPENSE,
    covered,
    earned,
    is_guarded,
)
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.sealing import Masters
from tallystick.settings import Settings
from tallystick.store import fulfilments, ledger


class Fulfilment:
    """What a payment is for. `purpose` is the name that the payment carries.

    A thing to deliver overrides what it needs; all methods run inside a transaction of a flow.
    What must happen outside the database is a job row, what merchants are told a row of the outbox.
    """

    purpose: ClassVar[str]

    @classmethod
    def make(cls, secret: Masters, settings: Settings) -> Self:  # noqa: ARG003 - for those with keys
        """One for this server. A delivery that needs keys derives them from the master secret."""
        return cls()

    def fulfil(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Note the delivery, deliver, and put the money where it belongs. At most once.

        What was sold is delivered in full, also where a little less than is due was enough.
        """
        if not fulfilments.add(tx, payment.id, payment.purpose, now):
            return
        self.deliver(tx, payment, now)
        if not payment.amount:
            # What costs nothing moves no money.
            return
        account = self.account(tx, payment)
        came = Money(min(payment.received, payment.amount), payment.currency)
        forgiven = 0 if account == SUSPENSE else payment.amount - came.minor
        short = Money(forgiven, payment.currency)
        ledger.post(tx, earned(payment.id, came, account, short), now)

    def cover(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """More money has come for what was delivered: what had been forgiven is lost no more."""
        lost = ledger.standing(tx, payment.id, SHORTFALL, payment.currency)
        loose = -ledger.standing(tx, payment.id, SUSPENSE, payment.currency)
        if min(lost, loose) > 0:
            amount = Money(min(lost, loose), payment.currency)
            ledger.post(tx, covered(payment.id, payment.received, amount), now)

    def account(self, tx: Connection, payment: Payment) -> str:
        """The account that the money goes to, and that refunds are taken from."""
        return REVENUE

    def superseded(self, tx: Connection, payment: Payment) -> bool:
        """Whether another payment has bought what this one is for; then a person looks at it."""
        return False

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Hand out what was paid for. The payment may be late: what was released may be gone."""

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The offer is over and not paid: release what was held for it. Money may still come."""

    def declined(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The payer's try failed at the gateway. The offer stays open: money may still come."""

    def refundable(self, tx: Connection, payment: Payment, left: Money) -> Money:
        """How much of what is `left` of the money may still go back; a spent part may not.

        Asked in the transaction that reserves a refund, about what was delivered for. Of a wallet
        or gift card it is what is still there.
        """
        account = self.account(tx, payment)
        if not is_guarded(account):
            return left
        there = ledger.balance(tx, account).get(left.currency, 0)
        return min(left, Money(there, left.currency))

    def hold(self, tx: Connection, payment: Payment, back: Money, now: datetime) -> None:
        """A refund is reserved: block what must not be used while the money is under way.

        The money itself has left `account` already, so a wallet or gift card can no longer spend
        it. Undone by `release`; `revoke` follows where the money has gone.
        """

    def release(self, tx: Connection, payment: Payment, back: Money, now: datetime) -> None:
        """The refund came to nothing, and its money stands on `account` again: undo `hold`."""

    def revoke(
        self, tx: Connection, payment: Payment, back: Money, now: datetime, *, keep_access: bool
    ) -> None:
        """Money has gone back: take back what it bought. The refund itself posts to the ledger.

        `back` is the part of this refund that something was delivered for, and `payment.refunded`
        counts it already. A surplus that goes back revokes nothing, so this is not called for it.
        """


class Plain(Fulfilment):
    """Money for something that the merchant's own system hands out, on the event."""

    purpose = "plain"


class PaymentLink(Fulfilment):
    """Money for what the link describes. The link's status follows its payment."""

    purpose = "payment_link"
