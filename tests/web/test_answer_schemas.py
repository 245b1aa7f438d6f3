"""The API description of answers is made from the types that their builders return."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from enum import StrEnum
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

import tallystick
from tallystick.domain.answer_types import Amount, Shown
from tallystick.products import PRODUCTS
from tallystick.web.answer_schemas import Schemas
from tallystick.web.event_schemas import EVENT_SCHEMAS
from tallystick.web.schemas import SCHEMAS


class Colour(StrEnum):
    """Of a leaf."""

    GREEN = "green"
    RED = "red"


class Vein(TypedDict):
    """A line of a leaf."""

    width: int


class TreeAnswer(TypedDict):
    """What leaves grow on."""

    title: str


class LeafAnswer(Amount):
    """A leaf, and what it is worth."""

    colour: Colour | None
    veins: list[Vein]
    tree: TreeAnswer | None
    torn: NotRequired[Annotated[bool, Shown(description="Since autumn.")]]


def test_a_type_is_described_by_its_name_its_docstring_and_its_members():
    leaf = Schemas(LeafAnswer)["Leaf"]

    assert leaf["description"] == "A leaf, and what it is worth."
    assert set(leaf["required"]) == {"amount", "currency", "colour", "veins", "tree"}
    assert leaf["properties"]["amount"] == {
        "type": "integer", "minimum": 0, "description": "Whole minor units.",
    }  # fmt: skip
    assert leaf["properties"]["torn"] == {"type": "boolean", "description": "Since autumn."}


def test_words_and_parts_stand_where_they_are_used_and_answers_by_their_name():
    members = Schemas(LeafAnswer)["Leaf"]["properties"]

    assert members["colour"] == {
        "anyOf": [{"type": "string", "enum": ["green", "red"]}, {"type": "null"}]
    }
    assert members["veins"]["items"] == {
        "type": "object", "required": ["width"], "properties": {"width": {"type": "integer"}},
    }  # fmt: skip
    assert members["tree"]["anyOf"][0] == {"$ref": "#/components/schemas/Tree"}


def test_a_member_may_be_called_title():
    assert Schemas(TreeAnswer)["Tree"]["properties"] == {"title": {"type": "string"}}


def test_no_answer_is_left_out_of_the_description():
    described = {*SCHEMAS, *EVENT_SCHEMAS, *(name for one in PRODUCTS for name in one.schemas)}
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(tallystick.__path__, "tallystick.")
        if found.name.startswith(("tallystick.web.", "tallystick.products.", "tallystick.domain."))
    ]

    types = {
        thing.__name__
        for module in modules
        for thing in vars(module).values()
        if inspect.isclass(thing) and hasattr(thing, "__total__")
    }

    named = {name.removesuffix("Answer") for name in types if name.endswith("Answer")}
    assert named | {name for name in types if name.endswith("News")} <= described
