"""Sender: which account of a gateway a notice comes from, of those it has and those it had."""

from tallystick.domain.errors import HubError, Invalid, NotFound, NoticeNotAuthentic
from tallystick.flows.hub import Hub
from tallystick.gateways.base import Gateway, Notice, RawNotice


def recognised(hub: Hub, name: str, raw: RawNotice) -> tuple[Gateway, Notice]:
    """The account whose keys have signed it, and what it says.

    Two accounts may share a key (SePay signs for all bank accounts of a user with one): then the
    one that it tells something of. Raises NotFound (no such gateway), NoticeNotAuthentic, Invalid.
    """
    refused: HubError | None = None
    about_nothing: tuple[Gateway, Notice] | None = None
    for gateway in hub.accounts:
        if gateway.name != name:
            continue
        try:
            notice = gateway.read_notice(raw)
        except (NoticeNotAuthentic, Invalid) as error:
            # Where one account has signed it, that it makes no sense is the better answer.
            refused = error if refused is None or isinstance(error, Invalid) else refused
            continue
        if notice.refs or notice.credits:
            return gateway, notice
        about_nothing = about_nothing or (gateway, notice)
    if about_nothing is not None:
        return about_nothing
    raise refused or NotFound("There is no such gateway here.")
