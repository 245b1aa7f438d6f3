"""Where payers may be sent when they leave: to our own pages and the merchant's, nowhere else."""

from tallystick.domain.errors import Invalid
from tallystick.domain.origin import origin
from tallystick.flows.hub import Hub


def refuse_foreign(hub: Hub, **addresses: str | None) -> None:
    """Raises Invalid for an address at an origin that is not among TALLYSTICK_RETURN_ORIGINS.

    Anybody may order, and would send payers from our page to one that asks for their card again.
    A sandbox takes every address while the setting is empty.
    """
    known = hub.settings.return_origins
    if hub.sandbox and not known:
        return
    ours = origin(hub.settings.base_url)
    wrong = [
        (name, f"leads to {origin(address)}, which is not among TALLYSTICK_RETURN_ORIGINS")
        for name, address in addresses.items()
        if address is not None and origin(address) not in {ours, *known}
    ]
    if wrong:
        name, words = wrong[0]
        raise Invalid(f"{name} {words}: use a page of your shop, or add it there.", tuple(wrong))
