"""Bodies that can be sent as they stand, by the name of their shape."""

from typing import Any, Final

_BANK: Final = "FT26324118200"
_PAYMENT: Final = "pay_01M7XKCXT93S4VQH16M8MMYQFJ"
_PRICES: Final = {"USD": 1999, "VND": 490_000}
_WHY: Final = {"reason": "Agreed with the buyer by telephone."}

BODIES: Final[dict[str, dict[str, Any]]] = {
    "CreatePayment": {
        "amount": 50_000, "currency": "VND", "gateway": "payos", "description": "Trà sen",
        "reference": "order-1042", "ownerId": "user-17",
        "returnUrl": "https://shop.example.com/thanks", "metadata": {"table": "7"},
    },
    "Decide": _WHY,
    "Release": _WHY,
    "Revoke": _WHY,
    "MarkPaid": {**_WHY, "amount": 50_000, "bankReference": _BANK},
    "ClosePayment": {**_WHY, "as": "expired"},
    "CreateLink": {"amount": 50_000, "currency": "VND", "description": "Trà sen",
                   "gateways": ["payos", "sepay"]},
    "StartAttempt": {"gateway": "payos"},
    "Assign": {**_WHY, "paymentId": _PAYMENT},
    "Close": _WHY,
    "Resolve": _WHY,
    "CreateRefund": {"amount": 20_000, "reason": "One cup was cold."},
    "CloseRefund": {"bankReference": _BANK},
    "Reconcile": {"gateway": "payos", "from": "2026-11-19T17:00:00Z", "to": "2026-11-20T17:00:00Z"},
    "BuyGiftCard": {"email": "linh@example.com", "amount": 200_000, "language": "vi"},
    "ResendGiftCard": {"email": "linh.tran@example.com"},
    "Redeem": {"amount": 50_000, "reference": "order-1042"},
    "HoldPart": {"amount": 50_000, "reference": "order-1042", "expiresIn": 900},
    "Capture": {"amount": 45_000},
    "OrderName": {"onePayOrderId": "ONEPAY-7Q2K9XMD4RTA"},
    "StartTopup": {"amount": 100_000, "ownerId": "user-17"},
    "SpendFromWallet": {"amount": 30_000, "currency": "VND", "reference": "ride-88"},
    "CreateTask": {"amount": 150_000, "currency": "LKR", "serviceType": "licence-renewal",
                   "callbackUrl": "https://portal.example.com/payments", "reference": "case-2231"},
    "Act": {"action": "INITIATE_PAYMENT", "gateway": "govpay"},
    "CreateProduct": {"productType": "starter-plus", "name": "Starter plus", "prices": _PRICES,
                      "licensed": True},
    "Described": {"name": "Starter", "prices": _PRICES, "licensed": True},
    "CreateOrder": {"email": "linh@example.com", "productType": "starter", "gateway": "sepay",
                    "currency": "VND", "quantity": 1},
    "Name": {"githubUsername": "linh-tran"},
    "CreateCoupon": {"code": "TET2027", "type": "percent", "percent": 20, "maxRedemptions": 100},
    "Check": {"key": "TSL1.eyJ2IjoxfQ.c2ln"},
    "CreateReferrer": {"email": "an@example.com", "code": "ANTEA", "buyerDiscountPercent": 5},
    "BookFee": {"gateway": "payos", "amount": 1_100, "currency": "VND", "reference": "bill-11"},
    "Resend": {},
    "ResendSince": {"since": "2026-11-20T09:00:00Z"},
    "CreateEndpoint": {"url": "https://shop.example.com/webhooks", "events": ["payment.*"]},
    "ChangeEndpoint": {"events": ["payment.paid", "refund.*"]},
    "Rotate": {"overlap": 3600},
    "Invite": {"role": "operator"},
    "Play": {"paymentId": _PAYMENT, "act": "pay"},
    "Advance": {"advance": 60},
    "Market": {"rates": {"VND": "25412.37"}},
}  # fmt: skip
