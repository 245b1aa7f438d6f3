"""An example for every operation: bodies that can be sent as they stand, and what is answered."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.web.example_bodies import BODIES

_ID: Final = "01M7XKCXT93S4VQH16M8MMYQFJ"
_AT: Final = "2026-11-20T09:00:00.000Z"
_DEPTH: Final = 8
# By the name of a member, the same everywhere.
_MEMBERS: Final[Mapping[str, Any]] = {
    "amount": 50_000, "received": 50_000, "currency": "VND", "gateway": "payos",
    "provider": "payos", "paymentProvider": "sepay", "email": "linh@example.com",
    "ownerId": "user-17", "userId": "user-17", "reference": "order-1042",
    "description": "Trà sen", "phase": "paid", "amountState": "exact", "currentStatus": "PAID",
    "state": "succeeded", "statusMessage": "Paid. Thank you.",
    "advice": "You can close this page.", "final": True, "version": 4, "limit": 50,
    "nextCursor": None, "hasMore": False, "shortCode": "HB7K2M9QX", "bankName": "BIDV",
    "bankBin": "970418", "accountNumber": "8845123456", "accountName": "CONG TY TRA SEN",
    "transferContent": "HB7K2M9QX", "memo": "HB7K2M9QX", "qrCode": "00020101021238570010A000000727",
    "checkoutUrl": "https://pay.example.com/pay/HB7K2M9QX", "clientToken": "tct_9mXk2…",
    "url": "https://shop.example.com/webhooks", "returnUrl": "https://shop.example.com/thanks",
    "callbackUrl": "https://shop.example.com/tasks", "transactionId": "FT26324118200",
    "bankReference": "FT26324118200", "reason": "The buyer asked for it.", "role": "operator",
    "by": "key_01M7XKCXT93S4VQH16M8MMYQFJ", "requestId": "req_5ab64998960b68b2",
    "type": "payment.paid", "code": "HOL-GIFT-7Q2K-9XMD-4RTA", "productType": "starter",
    "name": "Starter", "status": "ok", "instructions": "Transfer with this content.",
    "secret": "whsec_…", "timeZone": "Asia/Ho_Chi_Minh", "start": "2026-11-01",
    "end": "2026-11-30", "jobName": "expired-links", "taxId": "0312345678",
    "base": "USD", "source": "fetched", "field": "amount", "message": "is a whole number",
    "githubUsername": "linh-tran", "method": "api", "tx_ref": f"top_{_ID}", "txRef": f"top_{_ID}",
}  # fmt: skip
_PREFIXES: Final = {
    "paymentId": "pay", "attemptId": "att", "orderId": "order", "taskId": "task", "linkId": "plink",
    "refundId": "rf", "referrerId": "ref", "endpointId": "whe", "eventId": "evt", "cardId": "gc",
    "redemptionId": "red", "reconciliationId": "rec", "payment_id": "pay", "order_id": "order",
    "link_id": "plink", "task_id": "task", "refund_id": "rf", "event_id": "evt",
    "endpoint_id": "whe", "referrer_id": "ref", "commission_id": "com", "notice_id": "ntc",
    "credit_id": "cr", "coupon_id": "cpn", "effect_id": "job", "card_id": "gc", "hold_id": "hold",
    "difference_id": "dif", "tx_ref": "top",
}  # fmt: skip
_PLACES: Final = {
    "short_code": "HB7K2M9QX", "gateway": "payos", "provider": "govpay", "name": "expired-links",
    "owner_id": "user-17", "product_type": "starter", "code": "HOL-GIFT-7Q2K-9XMD-4RTA",
    "ticket": "tkt_7Q2K9XMD4RTA",
}  # fmt: skip
# Of what is not JSON; and what a gateway is thanked with, each in its own words.
_TEXTS: Final = {
    "text/html": "<!doctype html>…",
    "text/plain": 'tallystick_requests_total{status="2xx"} 42\n',
    "text/csv": "provider,currency,orderCount,amount\npayos,VND,3,150000\n",
    "text/event-stream": 'event: status\nid: 4\ndata: {"phase":"paid","version":4}\n\n',
}
_THANKS: Final = {"success": True}


def show_examples(document: dict[str, Any]) -> None:
    """Put an example beside every body, answer and part of a path."""
    maker = _Maker(document["components"]["schemas"])
    for methods in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in methods.values():
            for place in operation.get("parameters", ()):
                if place["in"] == "path" or place.get("required"):
                    place["example"] = _place(place["name"])
            maker.show(operation.get("requestBody", {}), BODIES)
            for status, answer in operation["responses"].items():
                if str(status).startswith("2"):
                    maker.show(answer, {})


def _place(name: str) -> str:
    prefix = _PREFIXES.get(name)
    return f"{prefix}_{_ID}" if prefix else _PLACES.get(name, name)


class _Maker:
    """Makes values that fit a shape, from the names of its members."""

    def __init__(self, shapes: Mapping[str, Any]) -> None:
        self._shapes = shapes

    def show(self, body: dict[str, Any], written: Mapping[str, Any]) -> None:
        """Put an example beside each form of a body: the written one where there is one."""
        for kind, content in body.get("content", {}).items():
            schema = content.get("schema") or {}
            name = schema.get("$ref", "").rpartition("/")[2]
            if kind in _TEXTS:
                content["example"] = _TEXTS[kind]
            elif name in written:
                content["example"] = written[name]
            else:
                content["example"] = self.value(schema, "") if schema else _THANKS

    def value(self, schema: Mapping[str, Any], name: str, depth: int = 0) -> Any:
        """One value that fits."""
        if "$ref" in schema:
            return self.value(self._shapes[schema["$ref"].rpartition("/")[2]], name, depth)
        if "anyOf" in schema:
            return self.value(schema["anyOf"][0], name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            likely = _MEMBERS.get(name)
            return likely if likely in schema["enum"] else schema["enum"][0]
        return self._of_type(schema, name, depth)

    def _of_type(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return [] if depth > _DEPTH else [self.value(schema["items"], name, depth + 1)]
        if kind == "null":
            return None
        if kind == "boolean":
            return bool(_MEMBERS.get(name, False))
        if kind in {"integer", "number"}:
            likely = _MEMBERS.get(name)
            return likely if type(likely) is int else schema.get("minimum", 0)
        return _text(schema, name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth > _DEPTH:
            return {}
        made = {name: self.value(one, name, depth + 1)
                for name, one in schema.get("properties", {}).items()}  # fmt: skip
        others = schema.get("additionalProperties")
        if not made and isinstance(others, Mapping):
            return {"VND": self.value(others, "amount", depth + 1)}
        return made


def _text(schema: Mapping[str, Any], name: str) -> str:
    if schema.get("format") == "date-time":
        return _AT
    if name in _PREFIXES:
        return f"{_PREFIXES[name]}_{_ID}"
    if "pattern" in schema and "[A-Z]{3}" in schema["pattern"]:
        return "VND"
    likely = _MEMBERS.get(name)
    return likely if isinstance(likely, str) else name or "…"
