"""The e-mail with the code of a gift card; the code is opened only when the e-mail is written."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.ids import made_at
from tallystick.domain.money import Money
from tallystick.flows.emails import ENGLISH, Words, written
from tallystick.flows.hub import Hub
from tallystick.mail import Email
from tallystick.products.gift_cards import rows
from tallystick.products.gift_cards.codes import Mint
from tallystick.products.gift_cards.rules import CardState

WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        "Your gift card for {amount}",
        "Thank you. Your gift card is paid, and this is its code:\n\n    {code}\n\n"
        "It is worth {amount}. You can spend it in parts. Whoever has the code can spend it, so "
        "keep it like cash.\n\n{merchant}\n",
    ),
    "vi": Words(
        "Thẻ quà tặng {amount} của bạn",
        "Xin cảm ơn. Thẻ quà tặng của bạn đã được thanh toán. Mã thẻ:\n\n    {code}\n\n"
        "Thẻ trị giá {amount} và có thể dùng nhiều lần cho đến khi hết. Ai có mã cũng dùng được "
        "thẻ, vì vậy hãy giữ mã như tiền mặt.\n\n{merchant}\n",
    ),
    "si": Words(
        "ඔබේ {amount} තෑගි කාඩ්පත",
        "ස්තුතියි. ඔබේ තෑගි කාඩ්පතට ගෙවා ඇත. එහි කේතය මෙයයි:\n\n    {code}\n\n"
        "එහි වටිනාකම {amount} වේ. එය කොටස් වශයෙන් වියදම් කළ හැකිය. කේතය ඇති ඕනෑම කෙනෙකුට එය වියදම් "
        "කළ හැකි බැවින්, එය මුදල් මෙන් ආරක්ෂා කරගන්න.\n\n{merchant}\n",
    ),
    "ta": Words(
        "உங்கள் {amount} பரிசு அட்டை",
        "நன்றி. உங்கள் பரிசு அட்டைக்குப் பணம் செலுத்தப்பட்டது. அதன் குறியீடு:\n\n    {code}\n\n"
        "அதன் மதிப்பு {amount}. அதைப் பகுதி பகுதியாகச் செலவிடலாம். குறியீடு உள்ள எவரும் அதைச் "
        "செலவிட முடியும்; எனவே அதைப் பணம் போலப் பாதுகாத்து வைக்கவும்.\n\n{merchant}\n",
    ),
}  # fmt: skip


def gift_card(tx: Connection, hub: Hub, about: str) -> Email | None:
    """The letter with the code; none for a card whose money went back before it could be sent.

    `about` is the card; one that is sent again is named too, by an id that was made then.
    """
    card_id, _, again = about.partition("/")
    card = rows.find(tx, card_id)
    if card is None or card.state is CardState.REVOKED or card.code_sealed is None:
        return None
    mint = Mint.of(hub.secret, hub.settings.gift_card_prefix)
    words = WORDS.get(card.language, WORDS[ENGLISH])
    amount = written(Money(card.amount, card.currency), card.language)
    code = mint.unseal(card.id, "code_sealed", card.code_sealed)
    merchant = hub.settings.merchant_name or hub.settings.base_url
    return Email(
        name=f"gift_card/{about}",
        to=mint.unseal(card.id, "email_sealed", card.email_sealed),
        subject=words.subject.format(amount=amount),
        text=words.text.format(amount=amount, code=code, merchant=merchant),
        language=card.language,
        at=made_at(again) if again else card.issued_at or card.created_at,
    )
