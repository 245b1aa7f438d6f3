"""What GovPay+ wants to hear: fields to show the payer, the receipt, and refusals."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tallystick.domain.money import Money
from tallystick.gateways.base import Answer
from tallystick.gateways.govpay.calls import Item

_SERVICE_FIELDS: Final = ("transactionID", "subinstId", "serviceid", "serviceName")


def plain(amount: Money) -> str:
    """A decimal without trailing zeros: "1500", "1499.99"."""
    text = f"{Decimal(amount.major()):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def presentment(ref: str, due: Money, context: Mapping[str, Any]) -> Answer:
    """What the bank app shows: the reference, the amount and the currency, none to be changed."""
    fields = (
        ("label", "Reference Number", ref, "text", 20, "refNo"),
        ("textBox", "Amount To Be Paid", plain(due), "decimal", 13, "amount"),
        ("label", "Currency", due.currency, "text", 8, "currency"),
    )
    marks = {"refNo": {"isPaymentReference": True}, "amount": {"isPaymentAmount": True}}
    rows = []
    for number, (kind, words, value, datatype, longest, name) in enumerate(fields, 1):
        row = _row(kind, number, str(number), (words, value, datatype, longest))
        row |= {"returned": "true", "returnedParam": name, **marks.get(name, {})}
        # In this order: the mark stands before the value that comes back.
        rows.append({**_without(row, "returnValue"), "returnValue": "", "objData": []})
    return _json({**_service(context), "message": "Success", "presentmentData": rows})


def receipt(items: Iterable[Item], context: Mapping[str, Any]) -> Answer:
    """Every value that was sent, then our receipt number and "Payment recorded"."""
    rows = [
        _row(
            "label", number, item.seq,
            (item.name, item.value, "decimal" if item.numeric else "text", 50),
        )
        for number, item in enumerate(items, 1)
    ]  # fmt: skip
    last = (("Receipt Number", f"REC-{context['transactionID']}"), ("Status", "Payment recorded"))
    for words, value in last:
        number = len(rows) + 1
        rows.append(_row("label", number, str(number), (words, value, "text", 50)))
    return _json({**_service(context), "message": "Success", "paymentData": rows})


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as GovPay+ knows them."""
    return _json({"error": code, "message": message}, status)


def token(text: str, life_s: int) -> Answer:
    """The answer of a token endpoint (RFC 6749, section 5.1)."""
    return _json(
        {"access_token": text, "scope": "default", "token_type": "Bearer", "expires_in": life_s}
    )


def said(document: Mapping[str, Any]) -> Answer:
    """Any other answer."""
    return _json(document)


def _row(kind: str, number: int, seq: str, shown: tuple[str, str, str, int]) -> dict[str, Any]:
    words, value, datatype, longest = shown
    return {
        "objType": kind, "seq": seq, "id": f"{number:03d}{number:04d}", "placeholder": words,
        "initialValue": value, "datatype": datatype, "maxLength": longest,
        "selectionType": "SINGLE", "mask": "", "notNull": "true", "enabled": "false",
        "returned": "false", "rows": 1, "cols": 1, "returnedParam": "", "returnValue": "",
    }  # fmt: skip


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _service(context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: context[name] for name in _SERVICE_FIELDS}


def _json(document: Mapping[str, Any], status: int = 200) -> Answer:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(body, status)
