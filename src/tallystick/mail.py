"""Sends letters: through a mail server, or as files in a folder where none is set."""

import asyncio
import hashlib
import os
import secrets
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from tallystick.domain.errors import Unavailable
from tallystick.mail_address import MAIL_SCHEMES
from tallystick.settings import Settings

STEP_S: Final = 10.0
"""How long the mail server may take for each step of the conversation."""

_NEARBY: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Email:
    """One e-mail. The same `name` is the same letter, however often it is sent.

    Mail programs show two with one Message-ID once.
    """

    name: str
    to: str
    subject: str
    text: str = field(repr=False)
    language: str
    at: datetime


class Mail(Protocol):
    """The port that letters leave by."""

    async def send(self, email: Email) -> None:
        """Hand the letter over for delivery; safe to repeat. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom letters are from: an address, and the merchant's name where it is known."""

    address: str
    name: str = ""

    def envelope(self, email: Email) -> EmailMessage:
        """The letter as RFC 5322 has it."""
        message = EmailMessage()
        message["From"] = formataddr((self.name, self.address))
        message["To"] = email.to
        message["Subject"] = email.subject
        message["Date"] = format_datetime(email.at)
        message["Message-ID"] = self.message_id(email)
        # Out-of-office programs do not answer what a program has written (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(email.text, cte="quoted-printable")
        message["Content-Language"] = email.language
        return message

    def message_id(self, email: Email) -> str:
        """The same for the same letter."""
        name = hashlib.sha256(email.name.encode()).hexdigest()[:32]
        return f"<{name}@{self.address.rpartition('@')[2]}>"


class Folder:
    """Puts each letter into a folder, as one file that only its owner can read."""

    def __init__(self, folder: Path, sender: Sender) -> None:
        self._folder, self._sender = folder, sender

    async def send(self, email: Email) -> None:
        """Write the file in one step; the same letter again replaces itself."""
        await asyncio.to_thread(self._write, email)

    def _write(self, email: Email) -> None:
        name = hashlib.sha256(email.name.encode()).hexdigest()[:32]
        fresh = self._folder / f".{name}.{secrets.token_hex(4)}.new"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(bytes(self._sender.envelope(email)))
            fresh.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise Unavailable(f"The mail folder cannot be written to: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a mail server is, and who we are to it.

    `smtp` is encrypted where the server offers it, and always where a password is sent to another
    machine; `starttls` insists on it; `smtps` is encrypted from the first byte.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def at(cls, url: str) -> "MailServer":
        """Read from an address whose form the settings have checked."""
        parts = urlsplit(url)
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or MAIL_SCHEMES[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


class Smtp:
    """Hands letters to a mail server, each over a connection of its own."""

    def __init__(self, server: MailServer, sender: Sender, tls: ssl.SSLContext) -> None:
        self._server, self._sender, self._tls = server, sender, tls

    async def send(self, email: Email) -> None:
        """Talk to the server in a thread, with a limit for each step."""
        await asyncio.to_thread(self._send, email)

    def _send(self, email: Email) -> None:
        try:
            with self._connect() as line:
                self._introduce(line)
                line.send_message(self._sender.envelope(email))
        except smtplib.SMTPRecipientsRefused as error:
            raise Unavailable("The mail server refuses the address of the letter.") from error
        except smtplib.SMTPNotSupportedError as error:
            raise Unavailable("The mail server offers no encryption; it is not used so.") from error
        except smtplib.SMTPResponseException as error:
            raise Unavailable(f"The mail server says no ({error.smtp_code}).") from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(
                f"The mail server does not answer ({type(error).__name__})."
            ) from error

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.scheme == "smtps":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=STEP_S, context=self._tls)
        return smtplib.SMTP(server.host, server.port, timeout=STEP_S)

    def _introduce(self, line: smtplib.SMTP) -> None:
        server = self._server
        line.ehlo()
        must = server.scheme == "starttls" or (server.password and server.host not in _NEARBY)
        if server.scheme != "smtps" and (must or line.has_extn("starttls")):
            line.starttls(context=self._tls)
            line.ehlo()
        if server.user:
            line.login(server.user, server.password)


def mail_of(settings: Settings) -> Mail:
    """The way out that the settings name."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    sender = Sender(settings.mail_from or f"no-reply@{host}", settings.merchant_name or "")
    if settings.smtp_url is None:
        return Folder(Path(settings.mail_folder), sender)
    url = settings.smtp_url.get_secret_value()
    return Smtp(MailServer.at(url), sender, ssl.create_default_context())
