"""Origins: by which addresses are told apart, and how a person names them."""

import pytest

from tallystick.domain.origin import named_origin, origin


@pytest.mark.parametrize(("address", "told"), [
    ("https://shop.example.com/thanks?a=1#b", "https://shop.example.com"),
    ("https://SHOP.example.com:443", "https://shop.example.com"),
    ("http://shop.example.com:80/", "http://shop.example.com"),
    ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000"),
    ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443"),
    ("https://user@evil.example@shop.example.com/", "https://shop.example.com"),
])  # fmt: skip
def test_an_address_has_the_origin_that_a_browser_gives_it(address, told):
    assert origin(address) == told


@pytest.mark.parametrize("text", [
    "shop.example.com", "*", "https://*.example.com", "https://shop.example.com/path",
    "https://shop.example.com?x", "https://user@shop.example.com", "ftp://shop.example.com",
    "https://", "https://shop.example.com:port",
])  # fmt: skip
def test_an_origin_is_named_in_full_and_with_nothing_behind_it(text):
    with pytest.raises(ValueError, match=r"."):
        named_origin(text)


def test_a_slash_at_the_end_does_no_harm():
    assert named_origin("https://shop.example.com/") == "https://shop.example.com"
