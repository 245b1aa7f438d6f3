"""VietQR payloads: the examples of NAPAS, and of a package that many shops use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import Invalid
from tallystick.domain.vietqr import BANKS, TO_ACCOUNT, TO_CARD, VietQR, checksum

# NAPAS "Technical Specifications on NAPAS QR Switching" 1.5.2; npm vietnam-qr-pay 1.5.1.
ACCOUNT = "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA5303704"
DYNAMIC = "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA5303704"
LIB = "0010A0000007270123000697041601092576788590208QRIBFTTA5303704"
HUB = "00020101021238540010A00000072701240006970422011001234567890208QRIBFTTA5303704"
VIRTUAL = "00020101021238570010A000000727012700069704220113VQRQABCDE12340208QRIBFTTA5303704"
VECTORS = {
    "napas-static-account": (
        VietQR("970403", "0011012345678"),
        f"{ACCOUNT}5802VN63049E6F",
    ),
    "napas-dynamic-account": (
        VietQR("970403", "0011012345678", 180_000, memo="thanh toan don hang", bill="NPS6869"),
        f"{DYNAMIC}54061800005802VN62340107NPS68690819thanh toan don hang63042E2E",
    ),
    "lib-static": (
        VietQR("970416", "257678859"),
        f"0002010102113853{LIB}5802VN6304AE9F",
    ),
    "lib-dynamic": (
        VietQR("970416", "257678859", 10_000, memo="Chuyen tien"),
        f"0002010102123853{LIB}5405100005802VN62150811Chuyen tien630453E6",
    ),
    "lib-hub": (
        VietQR("970422", "0123456789", 150_000, memo="HB7K2M9QX"),
        f"{HUB}54061500005802VN62130809HB7K2M9QX63041174",
    ),
    "payos-sdk-virtual-account": (
        VietQR("970422", "VQRQABCDE1234", 150_000, memo="HB7K2M9QX"),
        f"{VIRTUAL}54061500005802VN62130809HB7K2M9QX6304277A",
    ),
}
PAYLOAD = VECTORS["lib-hub"][1]
TEXT = st.text("ABCXYZ abc0189-./", min_size=1, max_size=25)


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_payloads_are_drawn_and_read(name):
    wish, payload = VECTORS[name]

    assert wish.payload() == payload
    assert VietQR.parse(payload) == wish


def test_the_checksum_is_the_published_one():
    assert checksum("123456789") == "29B1"


WISHES = st.builds(
    VietQR,
    bank_bin=st.sampled_from(sorted(BANKS)),
    account=st.text("0123456789ABCXYZ", min_size=1, max_size=19),
    amount=st.none() | st.integers(1, 10**13 - 1),
    memo=st.none() | TEXT,
    bill=st.none() | TEXT,
    reference=st.none() | TEXT,
    service=st.sampled_from([TO_ACCOUNT, TO_CARD]),
    name=st.none() | TEXT,
)


@given(wish=WISHES)
def test_what_is_drawn_is_read_back(wish):
    assert VietQR.parse(wish.payload()) == wish


@given(at=st.integers(0, len(PAYLOAD) - 1), character=st.characters())
def test_one_changed_character_is_noticed(at, character):
    changed = PAYLOAD[:at] + character + PAYLOAD[at + 1 :]

    if changed != PAYLOAD:
        with pytest.raises(Invalid):
            VietQR.parse(changed)


@pytest.mark.parametrize(
    "wrong",
    [
        VietQR("97042", "1"), VietQR("９70422", "1"), VietQR("970422", ""),
        VietQR("970422", "1" * 20), VietQR("970422", "1-2"), VietQR("970422", "1", 0),
        VietQR("970422", "1", -1), VietQR("970422", "1", 10**13),
        VietQR("970422", "1", memo="x" * 26), VietQR("970422", "1", memo="đ"),
        VietQR("970422", "1", memo=""), VietQR("970422", "1", memo="a\nb"),
        VietQR("970422", "1", name="x" * 26), VietQR("970422", "1", city="x" * 16),
        VietQR("970422", "1", service="QRPUSH"),
        VietQR("970422", "1", memo="x" * 25, bill="x" * 25, reference="x" * 25, terminal="x" * 25),
    ],
)  # fmt: skip
def test_what_a_bank_cannot_read_is_not_drawn(wrong):
    with pytest.raises(Invalid, match="cannot be drawn"):
        wrong.payload()


def test_a_longer_memo_is_read_as_live_codes_carry_it():
    wish = VietQR("970422", "LOCCASS000333026", 5000, memo="CS62H9BJD45 Payment for Custom Order")

    with pytest.raises(Invalid):
        wish.payload()
    assert VietQR.parse(wish.payload(longest_memo=36)) == wish


def with_checksum(text: str) -> str:
    """The text with a checksum that fits."""
    return text + checksum(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "6304", "63049E6F", PAYLOAD.lower(), PAYLOAD + " ", PAYLOAD[:-1],
        with_checksum("0002016304"),
        with_checksum("00020153037046304"),
        with_checksum("00020101021138140010A00000072753037045802VN6304"),
        with_checksum(PAYLOAD[:-8] + "5802VN6304"),
        with_checksum(PAYLOAD[:-8].replace("53037", "53998") + "6304"),
        with_checksum(PAYLOAD[:-8].replace("5303704", "5303840") + "6304"),
        with_checksum(PAYLOAD[:-8].replace("5406150000", "540615000O") + "6304"),
        with_checksum(PAYLOAD[:-8].replace("5406150000", "5406050000") + "6304"),
        with_checksum(PAYLOAD[:-8].replace("A000000727", "A000000728") + "6304"),
    ],
)  # fmt: skip
def test_what_is_no_napas_transfer_is_refused(text):
    with pytest.raises(Invalid):
        VietQR.parse(text)


@given(text=st.text(max_size=60))
def test_no_text_raises_anything_else(text):
    for candidate in (
        text,
        text + "6304" + (checksum(text + "6304") if text.isascii() else "0000"),
    ):
        try:
            VietQR.parse(candidate)
        except Invalid:
            continue
