"""Letters really leave: to a mail server over SMTP, or as files into a folder."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from tallystick.domain.errors import Unavailable
from tallystick.mail import Email, Folder, MailServer, Sender, Smtp, mail_of
from tallystick.settings import Settings
from tests.store.rows import NOW

LETTER = Email(
    name="gift_card/gc_1", to="lan@example.com", subject="Thẻ quà tặng của bạn",
    text="Mã thẻ:\n\n    HOL-GIFT-7\n\nXin cảm ơn.\n", language="vi", at=NOW,
)  # fmt: skip
SENDER = Sender("shop@example.com", "Quán Trà")


@dataclass
class Postman:
    """A mail server's desk: what came in, and what it answers."""

    came: list[Any] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.came.append(envelope)
        return self.answer


@pytest.fixture
def postman() -> Postman:
    """The desk of this test's mail server."""
    return Postman()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def post_office(postman: Postman) -> Iterator[Controller]:
    """A mail server on a port of its own."""
    running = Controller(postman, hostname="0.0.0.0", port=free_port())  # noqa: S104
    running.start()
    yield running
    running.stop()


def smtp(office: Controller, **words: Any) -> Smtp:
    """Our side of the line to it."""
    server = MailServer("smtp", "127.0.0.1", office.port)
    return Smtp(replace(server, **words), SENDER, ssl.create_default_context())


async def test_a_letter_reaches_the_mail_server_as_it_was_written(post_office, postman):
    await smtp(post_office).send(LETTER)

    (envelope,) = postman.came
    came = email.message_from_bytes(envelope.content, policy=modern)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.com", ["lan@example.com"])
    assert came["From"] == "Quán Trà <shop@example.com>"
    assert (came["Subject"], came["Content-Language"]) == (LETTER.subject, "vi")
    assert came.get_content().replace("\r\n", "\n") == LETTER.text


async def test_the_same_letter_sent_again_has_the_same_message_id_and_another_has_not(
    post_office, postman
):
    for name in ("gift_card/gc_1", "gift_card/gc_1", "gift_card/gc_2"):
        await smtp(post_office).send(replace(LETTER, name=name))

    ids = [email.message_from_bytes(one.content)["Message-ID"] for one in postman.came]
    assert ids[0] == ids[1]
    assert ids[2] != ids[0]


async def test_a_mail_server_that_says_no_is_an_effect_to_try_again(post_office, postman):
    postman.answer = "451 Later"

    with pytest.raises(Unavailable, match="451"):
        await smtp(post_office).send(LETTER)


async def test_a_mail_server_that_is_not_there_is_an_effect_to_try_again():
    nobody = MailServer("smtp", "127.0.0.1", free_port())

    with pytest.raises(Unavailable, match="does not answer"):
        await Smtp(nobody, SENDER, ssl.create_default_context()).send(LETTER)


async def test_a_line_that_must_be_encrypted_is_not_used_where_the_server_cannot(
    post_office, postman
):
    with pytest.raises(Unavailable, match="no encryption"):
        await smtp(post_office, scheme="starttls").send(LETTER)

    assert postman.came == []


async def test_a_password_never_crosses_the_network_in_clear(post_office, postman):
    # By another name than the machine's own, as for a server elsewhere.
    with pytest.raises(Unavailable, match="no encryption"):
        await smtp(post_office, host="127.0.0.2", user="me", password="hush").send(LETTER)

    assert postman.came == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_who_sends_proves_it_where_the_server_asks(postman):
    seen: list[Any] = []

    def check(_server: Any, _session: Any, _envelope: Any, _way: str, data: Any) -> AuthResult:
        seen.append(data)
        known = data == LoginPassword(b"me", b"hush")
        # Unhandled, so that the server itself says its 535.
        return AuthResult(success=known, handled=False)

    office = Controller(
        postman, hostname="127.0.0.1", port=free_port(), authenticator=check, auth_required=True,
        auth_require_tls=False,
    )  # fmt: skip
    office.start()
    try:
        await smtp(office, user="me", password="hush").send(LETTER)
        with pytest.raises(Unavailable, match="535"):
            await smtp(office, user="me", password="wrong").send(LETTER)
    finally:
        office.stop()

    assert len(postman.came) == 1
    assert seen


async def test_without_a_mail_server_a_letter_is_a_file_for_its_owner_alone(tmp_path):
    folder = Folder(tmp_path / "mail", SENDER)

    await asyncio.gather(*(folder.send(LETTER) for _ in range(5)))
    await folder.send(replace(LETTER, name="gift_card/gc_2"))

    files = sorted((tmp_path / "mail").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700
    came = email.message_from_bytes(files[0].read_bytes(), policy=modern)
    assert came["To"] == "lan@example.com"


async def test_a_folder_that_cannot_be_written_is_an_effect_to_try_again(tmp_path):
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(Unavailable):
        await Folder(tmp_path / "mail", SENDER).send(LETTER)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("smtp", "mail.example.com", 25)),
        ("starttls://mail.example.com", MailServer("starttls", "mail.example.com", 587)),
        ("smtps://me%40x:a%2Fb@mail.example.com:466",
         MailServer("smtps", "mail.example.com", 466, "me@x", "a/b")),
    ],
)  # fmt: skip
def test_the_address_of_a_mail_server_is_read(url, server):
    assert MailServer.at(url) == server


def test_the_settings_choose_the_way_out_and_hide_the_password(tmp_path):
    settings = Settings(_env_file=None, mail_folder=str(tmp_path))
    served = settings.model_copy(update={"smtp_url": SecretStr("smtps://me:hush@mail.example")})
    wrong = settings.model_copy(update={"smtp_url": SecretStr("http://me:hush@mail.example")})

    assert isinstance(mail_of(settings), Folder)
    assert isinstance(mail_of(served), Smtp)
    assert "hush" not in repr(MailServer.at("smtps://me:hush@mail.example"))
    assert not [fault for fault in served.faults() if "SMTP" in fault]
    (fault,) = [fault for fault in wrong.faults() if "SMTP" in fault]
    assert "hush" not in fault
    assert Path(settings.mail_folder) == tmp_path
