"""Short words for telling a story of evidence: who said what, at which minute."""

from datetime import UTC, datetime, timedelta

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim, Evidence, Source, State, Trust, fold
from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, Phase, Review, Terms

OPENED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DUE = 50_000
TERMS = Terms(due=Money(DUE, "VND"), expires_at=OPENED_AT + timedelta(hours=1))
OPENED = Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.OPENED, OPENED_AT)


def minute(number: float) -> datetime:
    """Minutes after the opening; the offer ends with the 60th."""
    return OPENED_AT + timedelta(minutes=number)


def money(name: str, amount: int, at: float, currency: str = "VND") -> Credit:
    """A transfer that the gateway has in its books."""
    return Credit("payos", "shop", name, amount, currency, minute(at))


def answer(at: float, claim: Claim, *told: Credit, attempt: str = "att_1") -> Evidence:
    """What the gateway answered to our own question."""
    return Evidence(
        Source.FETCH, Trust.FETCHED, claim, minute(at), attempt_id=attempt, credits=told,
        counts=True,
    )  # fmt: skip


def notice(at: float, claim: Claim, *told: Credit, trust: Trust = Trust.SIGNED) -> Evidence:
    """A notice that does not count, because we can ask."""
    source = Source.RETURN if trust is Trust.HINT else Source.WEBHOOK
    return Evidence(source, trust, claim, minute(at), attempt_id="att_1", credits=told)


def canceled(at: float) -> Evidence:
    """The merchant takes the offer back."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.CANCELED, minute(at))


def resolved(at: float) -> Evidence:
    """A person closes the review."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.RESOLVED, minute(at))


def deadline(at: float = 60) -> Evidence:
    """Our clock says that it is over."""
    return Evidence(Source.CLOCK, Trust.OPERATOR, Claim.DEADLINE, minute(at))


def story(*said: Evidence, terms: Terms = TERMS) -> State:
    """The state after the opening and all of this."""
    return fold(terms, [OPENED, *said])


def axes(state: State) -> tuple[Phase, AmountState, bool, Review | None]:
    """The four axes."""
    return state.phase, state.amount_state, state.late, state.review
