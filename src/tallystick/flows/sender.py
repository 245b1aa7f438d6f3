"""Sender: which account of a gateway a notice comes from, of those it has and those it had."""

from tallystick.domain.errors import HubError, Invalid, NotFound, NoticeNotAuthentic
from tallystick.flows.hub import Hub
from tallystick.flows.unreadable import unreadable
from tallystick.gateways.base import Gateway, Notice, RawNotice


def recognised(hub: Hub, name: str, raw: RawNotice) -> tuple[Gateway, Notice]:
    """The account whose keys have signed it, and what it says; also that we cannot read it.

    Two accounts may share a key (SePay signs for all bank accounts of a user with one): then the
    one that it tells something of. Raises NotFound (no such gateway), NoticeNotAuthentic.
    """
    refused: HubError = NotFound("There is no such gateway here.")
    about_nothing: tuple[Gateway, Notice] | None = None
    senseless: tuple[Gateway, Notice] | None = None
    for gateway in hub.accounts:
        if gateway.name != name:
            continue
        try:
            notice = gateway.read_notice(raw)
        except NoticeNotAuthentic as error:
            refused = error
        except Invalid as error:
            senseless = senseless or (gateway, unreadable(raw, error.detail))
        else:
            if notice.refs or notice.credits:
                return gateway, notice
            about_nothing = about_nothing or (gateway, notice)
    # Where one account has signed it, that it makes no sense is the better answer.
    known = about_nothing or senseless
    if known is None:
        raise refused
    return known
