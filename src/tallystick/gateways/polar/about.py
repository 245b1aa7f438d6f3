"""What an object of Polar is about: our reference in its metadata, its checkout, its amount."""

from datetime import UTC, datetime
from typing import Final

from tallystick.domain.fields import Fields
from tallystick.domain.ids import CROCKFORD
from tallystick.domain.money import Money
from tallystick.gateways.polar.calls import currency_of, metadata_of

REF: Final = "tallystick_ref"


def names(fields: Fields, our_ref: str, checkout_id: str | None) -> bool:
    """Whether this checkout or order is about our reference. Filters of lists prove nothing."""
    if metadata_of(fields).get(REF) == our_ref:
        return True
    return checkout_id is not None and fields.data.get("checkout_id") == checkout_id


def refs(data: Fields, checkout_field: str) -> tuple[str, ...]:
    """The names of our offer in an object, ours before Polar's."""
    found = (metadata_of(data).get(REF), data.data.get(checkout_field))
    return tuple(name for name in found if isinstance(name, str) and 0 < len(name) <= 128)


def is_for(fields: Fields, amount: Money) -> bool:
    """Whether a checkout asks for just this."""
    return (fields.whole("amount"), currency_of(fields)) == (amount.minor, amount.currency)


def born(our_ref: str) -> datetime:
    """When we made the reference: its first ten characters are milliseconds."""
    milliseconds = 0
    for character in our_ref.rpartition("_")[2][:10]:
        milliseconds = milliseconds << 5 | max(0, CROCKFORD.find(character))
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
