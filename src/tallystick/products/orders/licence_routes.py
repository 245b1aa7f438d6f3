"""Licences over HTTP: the key to verify them with, and whether one is still good."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from tallystick.products.orders import licence, look_up
from tallystick.products.orders.answers import LicenceKeyAnswer, LicenceStandingAnswer
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, body, described
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers
from tallystick.web.schema_parts import one

router = APIRouter(tags=["licences"])


class Check(Body):
    """A licence key, as its holder has it."""

    key: str = Field(min_length=1, max_length=2000)


@router.get(
    "/api/licences/key", summary="What licences are verified with",
    responses=answers(one("LicenceKey")),
)  # fmt: skip
async def public_key(hub: HubDep, _: LimitedCaller) -> dict[str, Any]:
    """Put it into your product: with it, a licence is verified without a server."""
    raw = base64.urlsafe_b64encode(licence.public_key(hub.secret)).rstrip(b"=").decode()
    told: LicenceKeyAnswer = {
        "format": licence.FORMAT,
        "algorithm": "Ed25519",
        "publicKey": raw,
        "pem": licence.public_pem(hub.secret),
    }
    return {"data": told}


@router.post(
    "/api/licences/check", summary="Whether a licence is still good",
    openapi_extra=described(Check), responses=answers(one("LicenceStanding")),
)  # fmt: skip
async def check(
    hub: HubDep, _: LimitedCaller, parsed: Annotated[Parsed[Check], Depends(body(Check, None))]
) -> dict[str, Any]:
    """Offline nobody hears of a refund: who wants to know asks here now and then."""
    key = parsed.value.key
    claims = licence.read(licence.public_key(hub.secret), key)
    known = await look_up.licence(hub, key)
    told: LicenceStandingAnswer = {
        "valid": False, "productType": None, "seats": None, "revokedAt": None,
    }  # fmt: skip
    if claims is not None and known is not None:
        told = {
            "valid": known.revoked_at is None,
            "productType": claims["product"],
            "seats": known.seats,
            "revokedAt": shapes.instant(known.revoked_at),
        }
    return {"data": told}
