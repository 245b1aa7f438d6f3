"""What every gateway must do, whatever it says on the wire; each adapter's tests subclass this."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.domain.errors import (
    Conflict,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    Invalid,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.money import Money
from tallystick.flows.notices import listing, show
from tallystick.flows.raw_bytes import KEPT_HEADERS
from tallystick.flows.receive import receive
from tallystick.gateways.base import AttemptRef, CheckoutOrder, Gateway, RawNotice, Reply, Wire
from tallystick.gateways.wire import HttpWire
from tallystick.store.connect import open_database
from tests.gateways.hub_stand_in import HubStandIn
from tests.infra.databases import fresh_file
from tests.store.house import House

NOW = datetime(2026, 11, 20, 9, 15, 7, tzinfo=UTC)
GARBAGE = [
    b"",
    b"<html>502 Bad Gateway</html>",
    b"null",
    b"[]",
    b'"00"',
    b"{}",
    b'{"code":"00"}',
    b'{"code":"00","data":null,"signature":null}',
    b'{"code":"00","data":{},"signature":"' + b"0" * 64 + b'"}',
    b'{"id":true,"reference":1,"amount":"1","currency":7}',
    b'{"a":1,"a":2}',
    b"[" * 5000,
    b'{"amount":1e999}',
    b"\xff\xfe",
    b'{"code":"00","data":' + b" " * 1_100_000 + b"{}}",
]

JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    10**400,
    "",
    "7",
    "1,500.00",
    "x" * 5000,
    "\ud800",
    [],
    [[]],
    {},
]


def spoiled(body: bytes) -> Iterator[bytes]:
    """The notice with each of its values in turn replaced by what makes no sense, or left out."""
    yield from (b"", body[: len(body) // 2], body + b"}", b"\xff" + body, b"a=1&a=2", b"{}", b"[]")
    try:
        whole = json.loads(body)
    except ValueError:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
        for number, (name, _) in enumerate(pairs):
            for text in ("", "x" * 5000, "-1", "1.5", "\0"):
                yield urlencode([*pairs[:number], (name, text), *pairs[number + 1 :]]).encode()
        return
    for place in places(whole):
        for junk in JUNK:
            yield json.dumps(with_junk(whole, place, junk)).encode()


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*at, name)
        if isinstance(one, dict | list):
            yield from places(one, (*at, name))


def with_junk(whole: Any, place: tuple[Any, ...], junk: Any) -> Any:
    """A copy with another value at one place."""
    copy = deepcopy(whole)
    within = copy
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = junk
    return copy


# Each gateway's class runs the same property with an executor of its own, on purpose.
inherited = settings(suppress_health_check=[HealthCheck.differing_executors], max_examples=60)


Test = TypeVar("Test", bound=Callable[..., Any])


def needs(what: str) -> Callable[[Test], Test]:
    """A test of something that not every gateway has; those without it declare so in `lacks`."""

    def marked(test: Test) -> Test:
        test.needs = what  # type: ignore[attr-defined]
        return test

    return marked


@dataclass
class CannedWire:
    """A gateway that gives one answer to everything."""

    reply: Reply

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """The one answer."""
        return self.reply


class GatewayConformance:
    """A subclass names the gateway and says how it is built; `secrets` are those of notices.

    `lacks` declares what the gateway does not have: "asks" (an API to put our question to),
    "cancels", "creates" (a call that makes the offer), "signs" (a signature over a notice's bytes),
    "grows" (references that sort by age). Tests of it do not exist there, and what its capabilities
    say must agree. `gives` are the fields of a checkout that a payer gets; `over_after_s` is when
    the gateway's own offer is over.
    """

    name: str
    amount = Money(50_000, "VND")
    secret: str
    lacks: frozenset[str] = frozenset()
    gives: tuple[str, ...] = ("checkout_url", "qr_code")
    over_after_s = 3600.0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Leave out the tests of what the gateway lacks."""
        super().__init_subclass__(**kwargs)
        for name in dir(cls):
            if getattr(getattr(cls, name), "needs", None) in cls.lacks:
                setattr(cls, name, None)

    def build(self, url: str, wire: Wire, *secrets: str) -> Gateway:
        """The adapter, talking to the simulator at this address, with these notice secrets."""
        raise NotImplementedError

    def with_wrong_keys(self, url: str, wire: Wire) -> Gateway:
        """The adapter with keys that the gateway does not know."""
        raise NotImplementedError

    def signed_part(self, body: bytes) -> range:
        """Where in a notice's body every single byte is under the signature."""
        return range(len(body))

    def unsigned(self, raw: RawNotice, signature: str | None) -> RawNotice:
        """The same notice with another signature, or with none at all."""
        raise NotImplementedError

    @pytest.fixture
    def gateway(self, hub: HubStandIn, wire: Wire) -> Gateway:
        """The adapter as it is configured in life; the hub's stand-in listens with it too."""
        gateway = self.build(hub.url, wire, self.secret)
        hub.gateways[self.name] = gateway
        return gateway

    def wish(self, gateway: Gateway) -> tuple[CheckoutOrder, AttemptRef]:
        """An order, and its attempt, that no simulator needs to hear of."""
        ref, url = gateway.new_ref(NOW), "https://shop.example/back"
        later = NOW + timedelta(minutes=15)
        order = CheckoutOrder("att_1", ref, "TS0123456", self.amount, "Tea", url, url, later)
        return order, AttemptRef("att_1", ref, None, self.amount, NOW)

    def senseless(self) -> RawNotice:
        """A notice that proves who sent it, received at NOW, in a form that nobody here reads."""
        raise NotImplementedError

    def telling(self, hub: HubStandIn) -> list[RawNotice]:
        """Of all that was heard, the notices that tell of money."""
        return hub.heard

    # Notices

    async def test_a_notice_names_its_payment_and_its_transfer(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        played = await hub.simulators.act(self.name, attempt.our_ref, "pay")

        [raw] = self.telling(hub)
        notice = gateway.read_notice(raw)
        [credit] = notice.credits
        assert {delivery["status"] for delivery in played["deliveries"]} == {200}
        assert attempt.our_ref in notice.refs
        assert credit.money == self.amount
        assert credit.transaction_id == played["transfers"][0]["reference"]
        # Who hears the outcome was answered by the stand-in, above, with how the order stands.
        assert gateway.capabilities.hears_outcome or gateway.acknowledge(notice).status == 200

    async def test_a_notice_with_a_wrong_signature_is_refused(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        played = await hub.simulators.act(self.name, attempt.our_ref, "forge_webhook")

        half = len(hub.heard) // 2 if gateway.capabilities.asks else 0
        forged, lies = hub.heard[: half or None], hub.heard[half:] if half else []
        told = [401] * len(forged) + [200] * len(lies)
        assert [d["status"] for d in played["deliveries"]] == told
        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(hub.heard[0])

    @needs("signs")
    async def test_one_changed_byte_anywhere_is_refused(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = self.telling(hub)
        genuine = gateway.read_notice(raw)

        for at in range(len(raw.body)):
            for bit in (0x01, 0x20):
                body = bytearray(raw.body)
                body[at] ^= bit
                changed = replace(raw, body=bytes(body))
                if at in self.signed_part(raw.body):
                    with pytest.raises(NoticeNotAuthentic):
                        gateway.read_notice(changed)
                else:
                    self.refused_or_the_same(gateway, changed, genuine)

    def refused_or_the_same(self, gateway, changed, genuine):
        """What is not signed must not matter."""
        try:
            assert gateway.read_notice(changed) == genuine
        except NoticeNotAuthentic:
            return

    @pytest.mark.parametrize(
        "signature", [None, "", "0" * 64, "t=1,v1=", "A" * 64, "é" * 32, "0" * 63, "\x00"]
    )
    async def test_a_notice_without_a_proper_signature_is_refused(self, hub, gateway, signature):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = self.telling(hub)

        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(self.unsigned(raw, signature))

    async def test_a_field_that_nobody_knows_is_accepted(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        played = await hub.simulators.act(self.name, attempt.our_ref, "unknown_field")

        assert played["deliveries"][0]["status"] == 200
        [raw] = self.telling(hub)
        assert b"zNewFlag" in raw.body
        assert gateway.read_notice(raw).credits[0].money == self.amount

    async def test_every_copy_of_a_notice_has_the_same_event_id(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, "repeat_webhook", times=5)

        told = self.telling(hub)
        assert len(told) == 5
        assert len({gateway.read_notice(raw).event_id for raw in told}) == 1

    async def test_two_transfers_have_two_event_ids_and_two_transaction_ids(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, "pay_twice")

        notices = [gateway.read_notice(raw) for raw in self.telling(hub)]
        assert len({notice.event_id for notice in notices}) == 2
        assert len({notice.credits[0].transaction_id for notice in notices}) == 2

    async def test_a_wrong_amount_can_be_seen(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, "underpay", amount=1234)

        less = Money(1234, self.amount.currency)
        assert gateway.read_notice(self.telling(hub)[0]).credits[0].money == less
        if not gateway.capabilities.asks:
            return
        verdict = await gateway.fetch_verdict(attempt)
        assert [credit.money for credit in verdict.credits] == [less]
        assert verdict.claim is not Claim.SUCCEEDED

    async def test_a_wrong_currency_can_be_seen_where_it_can_happen(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        pay = hub.simulators.act(
            self.name, attempt.our_ref, "wrong_currency", currency="USD", amount=1999
        )

        if gateway.capabilities.takes(Money(1999, "USD")):
            await pay
            verdict = await gateway.fetch_verdict(attempt)
            [raw] = self.telling(hub)
            assert [credit.money for credit in verdict.credits] == [Money(1999, "USD")]
            assert gateway.read_notice(raw).credits[0].money == Money(1999, "USD")
        else:
            with pytest.raises(Conflict):
                await pay

    async def test_a_notice_about_an_unknown_payment_is_authentic_all_the_same(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        stranger = self.build("http://127.0.0.1:9", CannedWire(Reply(500, b"")), self.secret)

        assert stranger.read_notice(self.telling(hub)[0]).refs

    async def test_both_secrets_are_valid_while_keys_are_rotated(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = self.telling(hub)
        wire = CannedWire(Reply(500, b""))

        rotating = self.build(hub.url, wire, "the-next-secret", self.secret)
        rotated = self.build(hub.url, wire, "the-next-secret")

        assert rotating.read_notice(raw) == gateway.read_notice(raw)
        with pytest.raises(NoticeNotAuthentic):
            rotated.read_notice(raw)

    @inherited
    @given(body=st.binary(max_size=300))
    def test_no_bytes_make_a_notice_fail_otherwise_than_not_authentic(self, body):
        gateway = self.build("http://127.0.0.1:9", CannedWire(Reply(500, b"")), self.secret)

        with pytest.raises(NoticeNotAuthentic):
            gateway.read_notice(RawNotice({}, body, "", NOW))

    async def test_an_authentic_notice_that_we_cannot_read_is_kept_and_thanked_for(self, tmp_path):
        database = open_database(fresh_file(tmp_path / "tallystick.db", migrated=True))
        house, raw = House(database), self.senseless()
        gateway = self.build("http://127.0.0.1:9", CannedWire(Reply(500, b"")), self.secret)
        house.hub.gateways = {self.name: gateway}
        house.clock.at = raw.received_at

        first = await receive(house.hub, self.name, raw)
        again = await receive(house.hub, self.name, raw)

        kept = await listing(house.hub, filters={}, span=(None, None), after=None, limit=5)
        shown = await show(house.hub, kept[0].id, raw=True)
        await database.close()
        assert first == again
        assert first.status == 200
        assert [notice.state for notice in kept] == ["unreadable"]
        assert kept[0].error
        assert shown.raw is not None
        assert (shown.raw.body, shown.raw.query) == (raw.body, raw.query)

    async def test_a_notice_that_was_proven_is_read_again_without_its_signature(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = self.telling(hub)
        genuine = gateway.read_notice(raw)
        headers = {name: raw.headers[name] for name in KEPT_HEADERS if name in raw.headers}

        again = gateway.read_notice(replace(raw, headers=headers, proven=True))

        assert again == genuine

    async def test_whatever_a_proven_notice_holds_it_is_read_or_senseless(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        [raw] = self.telling(hub)

        for body in spoiled(raw.body):
            with suppress(Invalid, NoticeNotAuthentic):
                assert gateway.read_notice(replace(raw, body=body, proven=True)).event_id

    # Offers

    async def test_an_offer_has_what_a_payer_needs(self, hub, gateway):
        checkout = await gateway.open_checkout(hub.order(gateway, self.amount))

        assert all(checkout.document().get(name) for name in self.gives)
        assert (checkout.checkout_url or hub.url).startswith(hub.url)

    @needs("creates")
    async def test_an_offer_is_in_the_gateways_books(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        checkout = await gateway.open_checkout(order)

        [kept] = hub.simulators.book(self.name).orders
        assert (kept.ref, kept.id) == (order.our_ref, checkout.provider_id)
        assert (kept.amount, kept.currency) == (self.amount.minor, self.amount.currency)

    @needs("creates")
    async def test_the_same_reference_again_gives_the_same_offer(self, hub, gateway):
        order = hub.order(gateway, self.amount)

        first = await gateway.open_checkout(order)
        again = await gateway.open_checkout(order)

        assert first.provider_id == again.provider_id
        assert first.checkout_url == again.checkout_url
        assert len(hub.simulators.book(self.name).orders) == 1

    @needs("creates")
    async def test_an_offer_whose_answer_was_lost_is_found_again(self, hub, gateway):
        order = hub.order(gateway, self.amount)
        await hub.simulators.act(self.name, order.our_ref, "time_out_after_success")

        with pytest.raises(GatewayUnreachable) as lost:
            await gateway.open_checkout(order)
        verdict = await gateway.fetch_verdict(hub.attempt(order))
        again = await gateway.open_checkout(order)

        [kept] = hub.simulators.book(self.name).orders
        assert lost.value.sent
        assert verdict.known
        assert verdict.checkout
        assert verdict.checkout.provider_id == kept.id == again.provider_id
        assert verdict.checkout.checkout_url == again.checkout_url

    @needs("creates")
    async def test_the_reference_of_another_amount_is_refused(self, hub, gateway):
        order = hub.order(gateway, self.amount)
        await gateway.open_checkout(order)

        with pytest.raises(GatewayRefused):
            await gateway.open_checkout(replace(order, amount=Money(1, self.amount.currency)))

    @needs("asks")
    async def test_an_offer_that_never_arrived_is_not_known(self, hub, gateway):
        verdict = await gateway.fetch_verdict(hub.attempt(hub.order(gateway, self.amount)))

        assert not verdict.known
        assert not verdict.credits

    @needs("cancels")
    async def test_cancel_is_safe_to_repeat(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        for _ in range(3):
            await gateway.cancel(attempt, "changed their mind")

        assert (await gateway.fetch_verdict(attempt)).claim is Claim.CANCELED

    @needs("cancels")
    async def test_what_is_paid_cannot_be_canceled(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        with pytest.raises(GatewayRefused):
            await gateway.cancel(attempt, "too late")

        assert (await gateway.fetch_verdict(attempt)).claim is Claim.SUCCEEDED

    @needs("cancels")
    async def test_an_offer_that_never_arrived_can_be_canceled(self, hub, gateway):
        await gateway.cancel(hub.attempt(hub.order(gateway, self.amount)), "gone")

    def test_references_never_repeat(self, hub, gateway):
        now = hub.simulators.clock.now()

        refs = [gateway.new_ref(now) for _ in range(5000)]

        assert len(set(refs)) == 5000
        assert len({len(ref) for ref in refs}) == 1

    @needs("grows")
    def test_references_grow(self, hub, gateway):
        now = hub.simulators.clock.now()

        refs = [gateway.new_ref(now) for _ in range(50)]
        later = gateway.new_ref(hub.simulators.clock.advance(3600))

        assert later > max(refs)

    # Money

    @needs("asks")
    @pytest.mark.parametrize("act", ["decline", "cancel", "forge_webhook"])
    async def test_no_money_is_no_money(self, hub, gateway, act):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, act)

        verdict = await gateway.fetch_verdict(attempt)
        assert verdict.credits == ()
        assert verdict.claim is not Claim.SUCCEEDED

    @needs("asks")
    @pytest.mark.parametrize(
        "acts",
        [
            ["pay"], ["underpay", "pay"], ["overpay"], ["pay_twice"], ["lose_webhook"],
            ["reorder_webhooks"], ["decline", "pay"], ["cancel", "pay_late"], ["pay", "pay"],
        ],
    )  # fmt: skip
    async def test_the_credits_are_those_in_the_gateways_books(self, hub, gateway, acts):
        attempt = await hub.open(gateway, self.amount)

        for act in acts:
            await hub.simulators.act(self.name, attempt.our_ref, act)

        verdict = await gateway.fetch_verdict(attempt)
        told = {(c.transaction_id, c.minor, c.currency) for c in verdict.credits}
        book = hub.simulators.book(self.name)
        assert told == {(t.reference, t.amount, t.currency) for _, t in book.transfers}
        assert sum(c.minor for c in verdict.credits) == book.total(self.amount.currency)
        assert all(c.name[:2] == (self.name, gateway.account) for c in verdict.credits)

    @needs("asks")
    async def test_money_after_expiry_is_told_in_notice_and_books(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        hub.simulators.clock.advance(self.over_after_s)
        before = await gateway.fetch_verdict(attempt)

        await hub.simulators.act(self.name, attempt.our_ref, "pay_late")

        after = await gateway.fetch_verdict(attempt)
        assert (before.claim, before.credits) == (Claim.EXPIRED, ())
        assert [credit.money for credit in after.credits] == [self.amount]
        assert gateway.read_notice(self.telling(hub)[0]).credits[0].money == self.amount

    @needs("asks")
    async def test_books_of_less_than_we_ask_about_never_say_that_it_is_paid(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "pay")
        more = Money(self.amount.minor + 1, self.amount.currency)

        # Where the answer names the offer's amount it is no answer; else its money is too little.
        with suppress(GatewayUnreachable):
            verdict = await gateway.fetch_verdict(replace(attempt, amount=more))
            assert verdict.claim is not Claim.SUCCEEDED
            assert sum(credit.minor for credit in verdict.credits) == self.amount.minor

    @needs("asks")
    async def test_a_notice_and_the_books_name_a_transfer_alike(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)

        await hub.simulators.act(self.name, attempt.our_ref, "pay")

        [told] = gateway.read_notice(self.telling(hub)[0]).credits
        [kept] = (await gateway.fetch_verdict(attempt)).credits
        assert (told.name, told.money) == (kept.name, kept.money)
        assert abs((told.at - kept.at).total_seconds()) < 1

    @needs("asks")
    async def test_what_is_kept_of_an_answer_is_about_this_offer_alone(self, hub, gateway):
        mine = await hub.open(gateway, self.amount)
        other = await hub.open(gateway, self.amount)
        for one in (mine, other):
            await hub.simulators.act(self.name, one.our_ref, "pay")

        verdict = await gateway.fetch_verdict(mine)

        names = [order.ref for order in hub.simulators.book(self.name).orders]
        assert {mine.our_ref, other.our_ref} <= set(names)
        assert verdict.credits
        assert verdict.raw
        assert other.our_ref.encode() not in verdict.raw

    # Troubles

    def calls(self, gateway, order, attempt):
        """One of every call that this gateway has."""
        yield gateway.open_checkout(order)
        yield gateway.fetch_verdict(attempt)
        if "cancels" not in self.lacks:
            yield gateway.cancel(attempt, "why not")

    @needs("asks")
    async def test_no_answer_in_time_may_have_taken_effect(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        order = hub.order(gateway, self.amount)
        hasty = HttpWire(timeout_s=0.1)
        impatient = self.build(hub.url, hasty, self.secret)
        await hub.simulators.act(self.name, order.our_ref, "hang", times=3)

        for call in self.calls(impatient, order, attempt):
            with pytest.raises(GatewayUnreachable) as silence:
                await call
            assert silence.value.sent
        await hasty.close()

    @needs("asks")
    async def test_an_error_of_theirs_is_unreachable_and_passes(self, hub, gateway):
        attempt = await hub.open(gateway, self.amount)
        await hub.simulators.act(self.name, attempt.our_ref, "error_500", times=2)

        for _ in range(2):
            with pytest.raises(GatewayUnreachable):
                await gateway.fetch_verdict(attempt)

        assert (await gateway.fetch_verdict(attempt)).known

    @needs("creates")
    async def test_nobody_there_means_the_request_did_not_leave(self, hub, wire):
        gateway = self.build("http://127.0.0.1:9", wire, self.secret)

        with pytest.raises(GatewayUnreachable) as nobody:
            await gateway.open_checkout(hub.order(gateway, self.amount))

        assert not nobody.value.sent

    @needs("asks")
    async def test_rejected_keys_are_ours_to_mend(self, hub, wire):
        gateway = self.with_wrong_keys(hub.url, wire)
        order = hub.order(gateway, self.amount)

        for call in self.calls(gateway, order, hub.attempt(order)):
            with pytest.raises(GatewayUnavailable) as rejected:
                await call
            assert not isinstance(rejected.value, GatewayUnreachable)

    @needs("asks")
    @pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
    async def test_a_senseless_answer_is_no_answer(self, body):
        for status in (200, 201, 302, 404, 429, 500, 503):
            wire = CannedWire(Reply(status, body))
            gateway = self.build("http://127.0.0.1:9", wire, self.secret)
            order, attempt = self.wish(gateway)

            for call in (gateway.open_checkout(order), gateway.fetch_verdict(attempt)):
                with pytest.raises(GatewayUnreachable):
                    await call

    @needs("asks")
    @inherited
    @given(status=st.integers(200, 599), body=st.binary(max_size=200))
    def test_whatever_comes_back_only_our_own_errors_leave(self, status, body):
        gateway = self.build("http://127.0.0.1:9", CannedWire(Reply(status, body)), self.secret)
        _, attempt = self.wish(gateway)

        async def ask() -> None:
            verdict = await gateway.fetch_verdict(attempt)
            assert not verdict.credits

        with suppress(GatewayUnavailable):
            asyncio.run(ask())

    def test_it_says_what_it_can_do(self, hub, gateway):
        capabilities = gateway.capabilities

        assert gateway.name == self.name
        assert capabilities.takes(self.amount)
        assert capabilities.asks is ("asks" not in self.lacks)
        assert capabilities.verifies is (Trust.FETCHED if capabilities.asks else Trust.SIGNED)
        assert capabilities.cancels is ("cancels" not in self.lacks)
        assert not capabilities.takes(Money(0, self.amount.currency))
