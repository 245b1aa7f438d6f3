"""Products over HTTP: the catalogue for everybody, and the shelf for the merchant."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from tallystick.domain.errors import NotFound
from tallystick.flows.hub import Hub
from tallystick.products.orders import look_up
from tallystick.products.orders.answers import ProductAnswer
from tallystick.products.orders.change_products import add_product, change_product
from tallystick.products.orders.rules import Product
from tallystick.web.bodies import Body, Parsed, amounts, body, described
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating
from tallystick.web.idempotency import created, once_only
from tallystick.web.schema_parts import one, ref

router = APIRouter(tags=["products"])
TYPE: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Described(Body):
    """What is said of a product."""

    name: str = Field(min_length=1, max_length=200)
    prices: dict[str, int] = Field(
        min_length=1, max_length=50, description="Whole minor units per ISO 4217 currency."
    )
    description: str = Field(default="", max_length=2000)
    licensed: bool = Field(default=True, description="Whether each paid order gets a licence.")
    access: str | None = Field(
        default=None, max_length=200,
        description='What buyers are let into: "owner/repository" or "organization/teams/slug".',
    )  # fmt: skip
    active: bool = Field(default=True, description="Whether it is sold.")

    @field_validator("prices")
    @classmethod
    def _sane_prices(cls, value: dict[str, int]) -> dict[str, int]:
        return amounts(value)


class CreateProduct(Described):
    """A new product, and the name that orders call it by."""

    product_type: str = Field(pattern=TYPE)


@router.get(
    "/api/products", summary="What is sold",
    responses=answers({"type": "array", "items": ref("Product")}),
)  # fmt: skip
async def index(hub: HubDep, who: LimitedCaller) -> list[dict[str, Any]]:
    """For everybody. What is not sold any more is left out, except for the merchant."""
    found = await look_up.products(hub)
    return [{**shown(one)} for one in found if one.active or who.role is not None]


@router.post(
    "/api/products", status_code=201, openapi_extra=creating(CreateProduct),
    summary="Put a product on the shelf", responses=answers(one("Product"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateProduct], Depends(body(CreateProduct, "admin"))],
) -> Response:
    """409 where its productType is taken: change that one with PUT."""
    who.needs("admin")
    product = _product(hub, parsed.value.product_type, parsed.value)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: add_product(hub, product),
        lambda made: created({"data": shown(made)}),
    )


@router.put(
    "/api/products/{product_type}", summary="Change a product",
    openapi_extra=described(Described), responses=answers(one("Product")),
)  # fmt: skip
async def change(
    product_type: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Described], Depends(body(Described, "admin"))],
) -> dict[str, Any]:
    """Replaces all of it. Orders that are made keep the price that they were made at."""
    who.needs("admin")
    if not re.fullmatch(TYPE, product_type):
        raise NotFound("There is no product of this type.")
    return {"data": shown(await change_product(hub, _product(hub, product_type, parsed.value)))}


@router.get(
    "/api/products/{product_type}", summary="Read a product", responses=answers(one("Product"))
)
async def show(product_type: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """For everybody, while it is sold."""
    found = await look_up.product(hub, product_type) if re.fullmatch(TYPE, product_type) else None
    if found is None or not (found.active or who.role is not None):
        raise NotFound("There is no product of this type.")
    return {"data": shown(found)}


def shown(product: Product) -> ProductAnswer:
    """A product as everybody sees it."""
    return {
        "productType": product.type,
        "name": product.name,
        "prices": dict(product.prices),
        "description": product.description,
        "licensed": product.licensed,
        "access": product.access is not None,
        "active": product.active,
    }


def _product(hub: Hub, product_type: str, said: Described) -> Product:
    now = hub.now()
    return Product(
        product_type, said.name, said.prices, said.description, said.licensed, said.access,
        said.active, now, now,
    )  # fmt: skip
