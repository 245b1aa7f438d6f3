"""A paid top-up: the money stands in its owner's wallet."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.answer_types import Amount
from tallystick.domain.errors import NotFound
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.flows.fulfilment import Fulfilment
from tallystick.products.wallets import topup_rows
from tallystick.products.wallets.rules import PURPOSE, TopupStatus
from tallystick.store import ledger, outbox
from tallystick.store.outbox import News


class TopupNews(Amount):
    """A top-up as merchants' systems are told of it."""

    tx_ref: str | None
    status: str
    ownerId: str | None
    paymentId: str


class WalletTopup(Fulfilment):
    """Money that the owner spends later. Late money fills the wallet all the same."""

    purpose = PURPOSE

    def account(self, tx: Connection, payment: Payment) -> str:
        """The wallet of the payment's owner."""
        if payment.owner_id is None:
            raise NotFound("A top-up without an owner cannot be; there is no wallet to fill.")
        return accounts.wallet(payment.owner_id)

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The posting is the delivery; the merchant's system is told of it."""
        tx_ref = topup_rows.of_payment(tx, payment.id)
        data: TopupNews = {
            "tx_ref": tx_ref,
            "status": TopupStatus.CONFIRMED,
            "ownerId": payment.owner_id,
            "amount": payment.amount,
            "currency": payment.currency,
            "paymentId": payment.id,
        }
        subject = tx_ref or payment.id
        outbox.tell(tx, News("topup.confirmed", subject, subject, data, payment.id), now)

    def refundable(self, tx: Connection, payment: Payment, left: Money) -> Money:
        """What is still in the wallet; what was spent may not go back.

        The ledger refuses more than that anyhow, also where two ask at once.
        """
        kept = ledger.balance(tx, self.account(tx, payment)).get(left.currency, 0)
        return min(left, Money(kept, left.currency))
