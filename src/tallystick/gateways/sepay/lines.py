"""SePay's list of an account: its lines, read one by one, and the place where we read on."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Final, Self

from tallystick.domain import memo
from tallystick.domain.credit import Credit
from tallystick.domain.errors import GatewayUnreachable, HubError
from tallystick.domain.fields import Fields

GATEWAY: Final = "sepay"
VIETNAM: Final = timezone(timedelta(hours=7))
HEAD_START: Final = timedelta(minutes=10)
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
# So many of the newest lines are read again each time: banks enter some a little late, and nobody
# says how those of one second are ordered.
_AGAIN: Final = 20
_LONGEST: Final = 500


def credit(line: object, account: str) -> Credit | str | None:
    """What one line credits; None where it is no money of ours, or why we cannot read it."""
    try:
        return _credit(Fields(line if isinstance(line, dict) else {}, unusable), account)
    except GatewayUnreachable as error:
        return error.detail


def _credit(row: Fields, account: str) -> Credit | None:
    if row.text("account_number") != account:
        return None
    kind, amount = row.text("transfer_type"), row.whole("amount_in")
    if kind == "out" or (kind == "in" and amount <= 0):
        return None
    if kind != "in":
        raise unusable(f"nobody knows the transfer type {kind[:32]!r}")
    content = optional(row, "transaction_content") or ""
    at = row.moment("transaction_date", VIETNAM)
    return Credit(
        gateway=GATEWAY,
        account=account,
        transaction_id=optional(row, "reference_number") or unnamed(at, amount, content),
        minor=amount,
        currency="VND",
        at=at,
        memo=content[:_LONGEST],
        refs=memo.candidates([optional(row, "code"), content]),
        row=f"list:{row.name('id')}",
    )


def rows(answer: Fields | None) -> list[object]:
    """The lines of one page, whatever they are. Raises GatewayUnreachable."""
    rows = None if answer is None else answer.data.get("data")
    if not isinstance(rows, list):
        raise unusable("data is not a list")
    return rows


def has_more(answer: Fields | None) -> bool:
    """Whether another page follows."""
    if answer is None:
        return False
    return answer.part("meta").part("pagination").data.get("has_more") is True


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list we are: behind which line, entered when, and on which page behind it."""

    line: str = ""
    at: datetime | None = None
    page: int = 1

    @classmethod
    def of(cls, mark: str) -> Self:
        """Read back what `on` wrote."""
        if not mark:
            return cls()
        line, at, page = mark.split()
        return (
            cls(line, datetime.fromisoformat(at), int(page)) if line != "-" else cls(page=int(page))
        )

    def on(self, lines: Sequence[object], *, more: bool) -> str:
        """The next mark: the page behind this one, or a line a little way back from the end."""
        if more:
            return replace(self, page=self.page + 1)._text()
        named = [one for line in lines if (one := _named(line)) is not None]
        if len(named) > _AGAIN:
            return named[-_AGAIN - 1]._text()
        return named[0]._text() if named and self.page > 1 else replace(self, page=1)._text()

    def _text(self) -> str:
        at = "-" if self.at is None else self.at.isoformat()
        return f"{self.line or '-'} {at} {self.page}"


def _named(line: object) -> Place | None:
    """The place of a line that can be named."""
    if not isinstance(line, dict):
        return None
    name, at = line.get("id"), _moment(line)
    fits = isinstance(name, str) and _NAME.fullmatch(name)
    return Place(str(name), at) if fits and at is not None else None


def _moment(line: dict[str, object]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(line.get("transaction_date")))
    except ValueError:
        return None
    return at.replace(tzinfo=VIETNAM) - HEAD_START


def line_name(line: object) -> str:
    """What a line that cannot be read is called: by its id, or by what it says."""
    name = line.get("id") if isinstance(line, dict) else None
    digest = hashlib.sha256(raw(line)).hexdigest()[:32]
    return name[:64] if isinstance(name, str) and name else digest


def raw(line: object) -> bytes:
    """The line alone, as it is kept."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def unnamed(at: datetime, amount: int, content: str) -> str:
    """A name for a transfer that its bank gave none: the same in a notice and in the list."""
    facts = f"{at.isoformat()} {amount} {memo.bare(content)}"
    return f"unnamed-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"


def optional(fields: Fields, name: str) -> str | None:
    """A name that may be missing, null or empty."""
    return None if fields.data.get(name) in (None, "") else fields.text(name)


def unusable(detail: str) -> HubError:
    """What SePay answered cannot be read."""
    return GatewayUnreachable(f"SePay's answer makes no sense: {detail}.")
