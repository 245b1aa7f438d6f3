"""`tallystick pay`: ask a running server for a payment, and show how to pay it."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer import Argument, Option

from tallystick.cli.options import Key, Url

if TYPE_CHECKING:
    from tallystick.domain.money import Money

_LONGEST: Final = 18


def pay(
    amount: Annotated[
        str,
        Argument(
            metavar="AMOUNT",
            help="As people write it: 50.000 VND, 19.99 USD. Digits alone are minor units, as in "
            "the API: 1999 USD is $19.99 too.",
        ),
    ],
    currency: Annotated[str, Argument(metavar="CURRENCY", help="ISO 4217, for example VND.")],
    gateway: Annotated[str, Option(help="Through which gateway.", show_default=False)],
    description: Annotated[str, Option(help="What it is for; the payer sees it.")] = "",
    url: Url = None,
    key: Key = None,
) -> None:
    """Open a payment at a running server; show its QR code."""
    from tallystick.cli.server import find_server
    from tallystick.cli.terminal import program

    money = _money(amount, currency.upper())
    wish = {"amount": money.minor, "currency": money.currency, "gateway": gateway}
    if description:
        wish["description"] = description
    server = find_server(url, key)
    payment = server.post("/api/payments", wish)["data"]
    for line in _lines(payment):
        typer.echo(line)
    typer.echo(f"\nSee what becomes of it: {program()} watch {payment['id']}")


def _money(text: str, currency: str) -> "Money":
    """Raises BadParameter."""
    from tallystick.domain.errors import HubError
    from tallystick.domain.money import Money
    from tallystick.domain.typed_amount import typed_amount

    try:
        if text.isascii() and text.isdecimal() and len(text) <= _LONGEST and int(text):
            return Money(int(text), currency)
        return typed_amount(text, currency)
    except HubError as error:
        raise typer.BadParameter(error.detail) from error


def _lines(payment: dict[str, Any]) -> list[str]:
    from tallystick.cli.terminal import qr
    from tallystick.domain.money import Money

    checkout = payment["checkout"] or {}
    money = Money(payment["amount"], payment["currency"])
    named = {
        "Account": (checkout.get("accountNumber"), checkout.get("bankName")),
        "Memo": (checkout.get("transferContent"),),
        "Checkout": (checkout.get("checkoutUrl"),),
    }
    lines = [f"{payment['id']}: {money} through {payment['gateway']}, {payment['phase']}"]
    if checkout.get("qrCode"):
        lines += ["", qr(checkout["qrCode"]), ""]
    for name, values in named.items():
        given = [value for value in values if value]
        lines += [f"{name:<9} {', '.join(given)}"] if given else []
    if not any(checkout.values()):
        lines.append("The gateway has not answered yet; the server asks again by itself.")
    return lines
