"""Reads a multipart form of plain text fields, strictly enough for a webhook (RFC 7578)."""

from email import policy
from email.parser import BytesParser

from tallystick.domain.errors import MalformedJson


def parse_form(content_type: str, raw: bytes, *, limit: int) -> dict[str, str]:
    """The fields by name. Raises MalformedJson for anything but distinct UTF-8 text fields."""
    if len(raw) > limit:
        raise MalformedJson(f"The body is larger than {limit} bytes; send less.")
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=policy.HTTP).parsebytes(head + raw)
    if not message.is_multipart() or message.defects:
        raise MalformedJson("The body is not a multipart form.")
    found: dict[str, str] = {}
    for part in message.iter_parts():
        name, value = (
            part.get_param("name", header="content-disposition"),
            part.get_payload(decode=True),
        )
        if not isinstance(name, str) or not isinstance(value, bytes) or name in found:
            raise MalformedJson("The form has a field without a name, or one name twice.")
        try:
            found[name] = value.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedJson("The form is not UTF-8.") from None
    return found
