"""Sealed bytes open only with their key, at their place, and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import Invalid
from tallystick.domain.sealing import derived, fingerprint, same, seal, unseal

KEY = derived(b"a master secret of 32 characters", "test")
PLACE = "idempotency.answer/pay_1"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_is_opened_at_its_place(plain, where):
    assert unseal(KEY, where, seal(KEY, where, plain)) == plain


@given(st.binary(max_size=100), st.data())
def test_one_changed_byte_is_refused(plain, data):
    sealed = bytearray(seal(KEY, PLACE, plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Invalid, match="cannot be opened"):
        unseal(KEY, PLACE, bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27])
def test_what_is_cut_short_is_refused(length):
    sealed = seal(KEY, PLACE, b"secret")

    with pytest.raises(Invalid):
        unseal(KEY, PLACE, sealed[:length])


def test_another_place_or_another_key_does_not_open_it():
    sealed = seal(KEY, PLACE, b"secret")

    with pytest.raises(Invalid):
        unseal(KEY, PLACE + "2", sealed)
    with pytest.raises(Invalid):
        unseal(derived(b"another master secret", "test"), PLACE, sealed)


def test_the_same_bytes_are_sealed_differently_each_time():
    assert seal(KEY, PLACE, b"secret") != seal(KEY, PLACE, b"secret")
    assert b"secret" not in seal(KEY, PLACE, b"secret")


def test_no_two_uses_share_a_key():
    assert derived(b"master", "one") != derived(b"master", "two")
    assert derived(b"master", "one") == derived(b"master", "one")
    assert len(derived(b"", "one")) == 32


def test_of_a_secret_only_its_hash_is_kept():
    # RFC 6234's first example of SHA-256.
    assert fingerprint("abc").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "aa", False),
        ("aa", "a", False),
        ("ă", "ă", True),
        ("", "", True),
    ],
)
def test_secrets_are_compared_whole_in_any_script(left, right, equal):
    assert same(left, right) is equal
