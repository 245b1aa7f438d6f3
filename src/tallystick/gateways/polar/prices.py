"""Which amounts Polar takes, in which currencies."""

from typing import Final

LARGEST_MINOR: Final = 99_999_999
USUAL_SMALLEST: Final = 50

# Polar's own table (server, kit/currency.py, 2026-08): the smallest charge in minor units, about
# half a dollar. Left out are ISK, MGA and UGX, whose minor unit at Polar is not that of ISO 4217.
SMALLEST: Final[dict[str, int]] = {
    "USD": 50, "AED": 200, "ALL": 5000, "AMD": 20000, "AOA": 50000, "ARS": 75000, "AUD": 70,
    "AWG": 100, "AZN": 100, "BAM": 100, "BBD": 200, "BDT": 7000, "BIF": 2000, "BMD": 100,
    "BND": 100, "BOB": 500, "BRL": 250, "BSD": 100, "BWP": 1000, "BZD": 200, "CAD": 70,
    "CDF": 200000, "CHF": 50, "CLP": 500, "CNY": 500, "COP": 200000, "CRC": 30000, "CVE": 5000,
    "CZK": 1500, "DJF": 100, "DKK": 320, "DOP": 4000, "DZD": 7000, "EGP": 3000, "ETB": 8000,
    "EUR": 50, "FJD": 200, "FKP": 100, "GBP": 40, "GEL": 200, "GNF": 5000, "GIP": 100,
    "GMD": 4000, "GTQ": 500, "GYD": 20000, "HKD": 400, "HNL": 2000, "HTG": 7000, "HUF": 17500,
    "IDR": 900000, "ILS": 150, "INR": 6000, "JMD": 8000, "JPY": 80, "KES": 7000, "KGS": 5000,
    "KHR": 300000, "KMF": 500, "KRW": 800, "KYD": 100, "KZT": 30000, "LAK": 2000000,
    "LKR": 20000, "LRD": 10000, "LSL": 1000, "MAD": 500, "MDL": 1000, "MKD": 5000,
    "MNT": 200000, "MOP": 500, "MUR": 5000, "MVR": 800, "MXN": 900, "MWK": 100000, "MYR": 200,
    "MZN": 5000, "NAD": 1000, "NGN": 70000, "NIO": 2000, "NOK": 500, "NPR": 8000, "NZD": 90,
    "PAB": 100, "PEN": 200, "PGK": 300, "PHP": 3500, "PKR": 20000, "PLN": 200, "PYG": 4000,
    "QAR": 200, "RON": 250, "RSD": 6000, "RWF": 1000, "SAR": 200, "SBD": 400, "SCR": 800,
    "SEK": 500, "SGD": 70, "SHP": 100, "SOS": 50000, "SRD": 2000, "SZL": 1000, "THB": 2000,
    "TJS": 500, "TOP": 200, "TRY": 3000, "TTD": 400, "TWD": 2000, "TZS": 200000, "UAH": 3000,
    "UYU": 2000, "UZS": 700000, "VND": 20000, "VUV": 100, "WST": 200, "XAF": 500, "XCD": 200,
    "XCG": 100, "XOF": 500, "XPF": 100, "YER": 20000, "ZAR": 900, "ZMW": 1000,
}  # fmt: skip


def net_part(amount: int, net_minor: int, tax_minor: int) -> int | None:
    """The part before tax of a refund that gives back `amount` in all, or None if there is none.

    Polar is told the amount before tax and adds the tax in proportion, rounded (server,
    `calculate_refunded_tax_from_subtotal`), so that some sums cannot be reached.
    """
    if tax_minor == 0:
        return amount
    if net_minor <= 0 or tax_minor < 0:
        return None
    near = amount * net_minor // (net_minor + tax_minor)
    for net in (near, near + 1, near - 1):
        if net > 0 and net + round_half_even(net * tax_minor, net_minor) == amount:
            return net
    return None


def first_part(amount: int, net_minor: int, tax_minor: int) -> int | None:
    """The part before tax of the first of at most two refunds that give back `amount` in all.

    A sum that Polar's rounding leaves out, such as 5.00 with 10 % tax, is the sum of two that it
    does not. None where there are no two such sums.
    """
    whole = net_part(amount, net_minor, tax_minor)
    if whole is not None:
        return whole
    for rest in range(amount // 2, 0, -1):
        first = net_part(amount - rest, net_minor, tax_minor)
        if first is not None and net_part(rest, net_minor, tax_minor) is not None:
            return first
    return None


def round_half_even(dividend: int, divisor: int) -> int:
    """The quotient of two whole numbers above 0, rounded to the nearest, exactly."""
    whole, rest = divmod(dividend, divisor)
    up = 2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1)
    return whole + up
