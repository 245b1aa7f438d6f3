"""Plays SePay's older user API, which works on beside v2: strings for numbers, its own wrapper.

    GET /userapi/transactions/list, …/details/{id}, …/count
    GET /userapi/bankaccounts/list, …/details/{id}, …/count

A wrong token is answered with 200 and nothing. Sources: docs.sepay.vn (API), PyPI `sepay` 0.1.0.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick.domain.vietqr import BANKS

Row: TypeAlias = Mapping[str, Any]
_LARGEST_PAGE: Final = 5_000
# Dates are compared by their first characters: a day without a time is the whole day.
_TRANSACTION_FILTERS: Final[Mapping[str, Callable[[Row, str], bool]]] = {
    "account_number": lambda row, text: row["account_number"] == text,
    "transaction_date_min": lambda row, text: row["transaction_date"] >= text,
    "transaction_date_max": lambda row, text: row["transaction_date"][: len(text)] <= text,
    "since_id": lambda row, text: int(row["id"]) >= int(text),
    "reference_number": lambda row, text: row["reference_number"] == text,
    "amount_in": lambda row, text: float(row["amount_in"]) == float(text),
    "amount_out": lambda row, text: float(row["amount_out"]) == float(text),
}
_ACCOUNT_FILTERS: Final[Mapping[str, Callable[[Row, str], bool]]] = {
    "short_name": lambda row, text: row["bank_short_name"] == text,
    "since_id": lambda row, text: int(row["id"]) >= int(text),
}
_FOUNDED: Final = "2026-01-01 00:00:00"


class OldUserApi:
    """`rows` are the account's transfers, newest first, and `knows` says whose token is right."""

    def __init__(
        self,
        account: tuple[str, str],
        rows: Callable[[], list[Row]],
        knows: Callable[[Request], bool],
    ) -> None:
        self._bank_bin, self._account_number = account
        self._rows = rows
        self._knows = knows

    def routes(self, guard: Callable[[str, Any], Route]) -> list[BaseRoute]:
        """The routes, each behind the faults that are planned."""
        return [
            guard("/userapi/transactions/list", self._answer(self._transactions)),
            guard("/userapi/transactions/count", self._answer(self._count)),
            guard("/userapi/transactions/details/{id}", self._answer(self._transaction)),
            guard("/userapi/bankaccounts/list", self._answer(self._accounts)),
            guard("/userapi/bankaccounts/count", self._answer(self._count_accounts)),
            guard("/userapi/bankaccounts/details/{id}", self._answer(self._account)),
        ]

    def _answer(self, tell: Callable[[Request], Row | None]) -> Any:
        async def answered(request: Request) -> Response:
            if not self._knows(request):
                return Response(b"", media_type="text/html")
            told = tell(request)
            if told is None:
                wrong = {"status": 404, "error": "Not found", "messages": {"success": False}}
                return JSONResponse(wrong, 404)
            return JSONResponse(
                {"status": 200, "error": None, "messages": {"success": True}, **told}
            )

        return answered

    def _transactions(self, request: Request) -> Row:
        rows = _wanted(request, self._rows(), _TRANSACTION_FILTERS)
        limit = min(int(request.query_params.get("limit", _LARGEST_PAGE)), _LARGEST_PAGE)
        return {"transactions": rows[:limit]}

    def _count(self, request: Request) -> Row:
        return {"count_transactions": len(_wanted(request, self._rows(), _TRANSACTION_FILTERS))}

    def _transaction(self, request: Request) -> Row | None:
        wanted = request.path_params["id"]
        found = next((row for row in self._rows() if row["id"] == wanted), None)
        return found and {"transaction": found}

    def _accounts(self, request: Request) -> Row:
        return {"bankaccounts": _wanted(request, [self._own()], _ACCOUNT_FILTERS)}

    def _count_accounts(self, request: Request) -> Row:
        return {"count_bankaccounts": len(_wanted(request, [self._own()], _ACCOUNT_FILTERS))}

    def _account(self, request: Request) -> Row | None:
        own = self._own()
        return {"bankaccount": own} if request.path_params["id"] == own["id"] else None

    def _own(self) -> Row:
        rows, bank = self._rows(), BANKS[self._bank_bin]
        total = sum(float(row["amount_in"]) for row in rows)
        return {
            "id": "1", "account_holder_name": "TALLYSTICK DEMO",
            "account_number": self._account_number, "accumulated": f"{total:.2f}",
            "last_transaction": rows[0]["transaction_date"] if rows else _FOUNDED,
            "label": "", "active": "1", "created_at": _FOUNDED, "bank_short_name": bank,
            "bank_full_name": bank, "bank_bin": self._bank_bin, "bank_code": bank,
        }  # fmt: skip


def _wanted(
    request: Request, rows: list[Row], filters: Mapping[str, Callable[[Row, str], bool]]
) -> list[Row]:
    given = {name: text for name, text in request.query_params.items() if name in filters}
    return [row for row in rows if all(filters[name](row, text) for name, text in given.items())]


def old_row(row: Row, number: int) -> dict[str, Any]:
    """A transfer of the newer API as the older one tells it; the notices have this number."""
    return {
        "id": str(number), "bank_brand_name": row["bank_brand_name"],
        "account_number": row["account_number"], "transaction_date": row["transaction_date"],
        "amount_out": f"{row['amount_out']}.00", "amount_in": f"{row['amount_in']}.00",
        "accumulated": f"{row['accumulated']}.00",
        "transaction_content": row["transaction_content"],
        "reference_number": row["reference_number"], "code": row["code"], "sub_account": "",
        "bank_account_id": "1",
    }  # fmt: skip
