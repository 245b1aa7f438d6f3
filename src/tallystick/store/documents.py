"""Credits as documents: how evidence and notices keep what a gateway said about money."""

from datetime import datetime
from typing import Any

from tallystick.domain.credit import Credit


def credit_document(item: Credit) -> dict[str, Any]:
    """The credit as it is kept."""
    return {
        "gateway": item.gateway,
        "account": item.account,
        "transactionId": item.transaction_id,
        "amount": item.minor,
        "currency": item.currency,
        "at": item.at.isoformat(),
    }


def credit(document: dict[str, Any]) -> Credit:
    """Read back what `credit_document` wrote."""
    return Credit(
        gateway=document["gateway"],
        account=document["account"],
        transaction_id=document["transactionId"],
        minor=document["amount"],
        currency=document["currency"],
        at=datetime.fromisoformat(document["at"]),
    )
