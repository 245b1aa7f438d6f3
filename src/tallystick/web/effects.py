"""Outside effects over HTTP: list those that could not be done, and have them done again."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Instant, Shown
from tallystick.domain.errors import Invalid
from tallystick.flows import retry_effects as flow
from tallystick.flows.effects import effects_of
from tallystick.flows.retry_effects import Effect
from tallystick.web import shapes
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, listing
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["effects"])
STATES: Final = ("ready", "done", "dead")


class EffectAnswer(TypedDict):
    """Something that is done outside, without its payload, which may name people."""

    id: str
    kind: str
    about: str
    state: Annotated[str, Shown(enum=list(STATES))]
    tries: Count
    error: str | None
    dueAt: Instant | None
    createdAt: Instant
    doneAt: Instant | None


@router.get(
    "/api/effects", summary="List outside effects, newest first", openapi_extra=listing(
        state=STATES, kind=""), responses=answers(several("Effect")),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: state, kind, createdAfter, createdBefore. `dead` ones wait for a person."""
    who.needs("reader")
    page = page_of(request, hub)
    state = request.query_params.get("state")
    kind, known = request.query_params.get("kind"), effects_of(hub)
    if kind is not None and kind not in known:
        words = f"is one of {', '.join(known)}"
        raise Invalid(f"kind {words}.", (("kind", words),))
    filters = {"state": state, "kind": kind}
    found = await flow.listing(
        hub, filters=filters, span=page.span, after=page.after, limit=page.limit
    )
    return page.answer(found, _shape, lambda effect: (effect.created_at, effect.id))


@router.post(
    "/api/effects/{effect_id}/retry", summary="Have an effect done again",
    responses=answers(one("Effect")),
)  # fmt: skip
async def retry(effect_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """At once, and then for three days more. Safe to repeat; 409 where it is done."""
    who.needs("operator")
    return {"data": _shape(await flow.retry(hub, effect_id))}


def _shape(effect: Effect) -> EffectAnswer:
    """Without its payload, which may name people."""
    return {
        "id": effect.id,
        "kind": effect.kind,
        "about": effect.dedupe_key,
        "state": effect.state,
        "tries": effect.tries,
        "error": effect.error,
        "dueAt": shapes.instant(effect.due_at),
        "createdAt": shapes.instant(effect.created_at),
        "doneAt": shapes.instant(effect.done_at),
    }
