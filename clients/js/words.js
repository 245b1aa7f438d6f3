// @ts-check
/** What the pay pages say of each state. Printed by `scripts/share_clients.py`. */

/** @type {Record<string, Record<string, [string, string]>>} */
export const WORDS = {
  "en": {
    "loading": [
      "Payment …",
      ""
    ],
    "draft": [
      "This payment is not open yet",
      "Ask the merchant to open it, then come back to this page."
    ],
    "waiting": [
      "Waiting for your payment",
      "Pay the exact amount before the time runs out."
    ],
    "partial": [
      "{received} of {due} has arrived",
      "Pay the rest, {rest}, before the time runs out."
    ],
    "processing": [
      "Your payment is being confirmed",
      "Please do not pay again."
    ],
    "paid": [
      "Paid",
      "Nothing more to do. Thank you."
    ],
    "paid_late": [
      "Paid, after the deadline",
      "The full amount has arrived. Nothing more to do."
    ],
    "paid_over": [
      "Paid, with more than was due",
      "{received} has arrived, {surplus} too much. The merchant has been told."
    ],
    "expired": [
      "The time to pay has run out",
      "Ask the merchant for a new link. If you have already sent the money, we will still notice it."
    ],
    "expired_partial": [
      "The time ran out: {received} of {due} has arrived",
      "The merchant has been told. Ask them about the money that has arrived."
    ],
    "canceled": [
      "This payment was canceled",
      "Please do not pay it any more."
    ],
    "canceled_money": [
      "Canceled, but {received} has arrived",
      "The merchant has been told. Ask them about the money, and please do not pay any more."
    ],
    "other_currency": [
      "Money arrived in another currency",
      "Please do not pay again. The merchant has been told; ask them about the money that has arrived."
    ],
    "missing": [
      "There is no payment here",
      "Check that the link is complete, or ask the merchant for a new one."
    ],
    "unreachable": [
      "We cannot answer right now",
      "Try again in a minute. A payment you have made is not lost."
    ]
  },
  "vi": {
    "loading": [
      "Thanh toán …",
      ""
    ],
    "draft": [
      "Khoản thanh toán này chưa được mở",
      "Hãy nhờ người bán mở rồi quay lại trang này."
    ],
    "waiting": [
      "Đang chờ bạn thanh toán",
      "Hãy trả đúng số tiền trước khi hết hạn."
    ],
    "partial": [
      "Đã nhận {received} trong tổng số {due}",
      "Hãy trả nốt {rest} trước khi hết hạn."
    ],
    "processing": [
      "Đang xác nhận thanh toán của bạn",
      "Vui lòng không thanh toán lại."
    ],
    "paid": [
      "Đã thanh toán",
      "Bạn không cần làm gì thêm. Xin cảm ơn!"
    ],
    "paid_late": [
      "Đã thanh toán, sau thời hạn",
      "Tiền đã đến đủ. Bạn không cần làm gì thêm."
    ],
    "paid_over": [
      "Đã thanh toán, nhiều hơn số phải trả",
      "Đã nhận {received}, thừa {surplus}. Người bán đã được báo."
    ],
    "expired": [
      "Đã hết thời hạn thanh toán",
      "Hãy xin người bán liên kết mới. Nếu bạn đã chuyển tiền, khoản tiền đó vẫn được ghi nhận khi đến nơi."
    ],
    "expired_partial": [
      "Đã hết hạn, đã nhận {received} trong tổng số {due}",
      "Người bán đã được báo. Hãy liên hệ với họ về số tiền đã nhận."
    ],
    "canceled": [
      "Khoản thanh toán này đã bị hủy",
      "Vui lòng không chuyển tiền nữa."
    ],
    "canceled_money": [
      "Đã hủy, nhưng đã nhận {received}",
      "Người bán đã được báo. Hãy liên hệ với họ về số tiền này và không chuyển thêm nữa."
    ],
    "other_currency": [
      "Đã nhận được tiền bằng loại tiền khác",
      "Vui lòng không thanh toán lại. Người bán đã được báo; hãy liên hệ với họ về số tiền đã nhận."
    ],
    "missing": [
      "Không tìm thấy khoản thanh toán",
      "Hãy kiểm tra xem liên kết đã đầy đủ chưa, hoặc xin người bán liên kết mới."
    ],
    "unreachable": [
      "Hiện chúng tôi chưa thể phản hồi",
      "Hãy thử lại sau một phút. Khoản bạn đã chuyển không bị mất."
    ]
  },
  "si": {
    "loading": [
      "ගෙවීම …",
      ""
    ],
    "draft": [
      "මෙම ගෙවීම තවම විවෘත කර නැත",
      "එය විවෘත කරන ලෙස වෙළෙන්දාගෙන් ඉල්ලා, නැවත මෙම පිටුවට පැමිණෙන්න."
    ],
    "waiting": [
      "ඔබේ ගෙවීම ලැබෙන තුරු බලා සිටිමු",
      "කාලය අවසන් වීමට පෙර නියම මුදලම ගෙවන්න."
    ],
    "partial": [
      "{received} ලැබී ඇත (මුළු මුදල {due})",
      "කාලය අවසන් වීමට පෙර ඉතිරි {rest} ගෙවන්න."
    ],
    "processing": [
      "ඔබේ ගෙවීම තහවුරු කරමින් පවතී",
      "කරුණාකර නැවත ගෙවන්න එපා."
    ],
    "paid": [
      "ගෙවීම සම්පූර්ණයි",
      "ඔබ තවත් කිසිවක් කළ යුතු නැත. ස්තුතියි."
    ],
    "paid_late": [
      "නියමිත කාලයෙන් පසු ගෙවීම සම්පූර්ණ විය",
      "සම්පූර්ණ මුදලම ලැබී ඇත. ඔබ තවත් කිසිවක් කළ යුතු නැත."
    ],
    "paid_over": [
      "ගෙවීම සම්පූර්ණයි; වැඩිපුර මුදලක් ලැබී ඇත",
      "{received} ලැබී ඇත; වැඩිපුර මුදල {surplus}. ඒ බව වෙළෙන්දාට දන්වා ඇත."
    ],
    "expired": [
      "ගෙවීමට නියමිත කාලය අවසන් වී ඇත",
      "වෙළෙන්දාගෙන් නව සබැඳියක් ඉල්ලන්න. ඔබ දැනටමත් මුදල් යවා ඇත්නම්, එය ලැබුණු විට සටහන් වේ."
    ],
    "expired_partial": [
      "කාලය අවසන්; {received} ලැබී ඇත (මුළු මුදල {due})",
      "ඒ බව වෙළෙන්දාට දන්වා ඇත. ලැබුණු මුදල ගැන ඔවුන්ගෙන් විමසන්න."
    ],
    "canceled": [
      "මෙම ගෙවීම අවලංගු කර ඇත",
      "කරුණාකර තවදුරටත් ගෙවන්න එපා."
    ],
    "canceled_money": [
      "අවලංගුයි; නමුත් {received} ලැබී ඇත",
      "ඒ බව වෙළෙන්දාට දන්වා ඇත. ලැබුණු මුදල ගැන ඔවුන්ගෙන් විමසන්න; තවදුරටත් ගෙවන්න එපා."
    ],
    "other_currency": [
      "වෙනත් මුදල් වර්ගයකින් මුදල් ලැබී ඇත",
      "කරුණාකර නැවත ගෙවන්න එපා. ඒ බව වෙළෙන්දාට දන්වා ඇත; ලැබුණු මුදල ගැන ඔවුන්ගෙන් විමසන්න."
    ],
    "missing": [
      "මෙහි ගෙවීමක් නැත",
      "සබැඳිය සම්පූර්ණදැයි බලන්න, නැතහොත් වෙළෙන්දාගෙන් නව එකක් ඉල්ලන්න."
    ],
    "unreachable": [
      "දැනට පිළිතුරු දිය නොහැක",
      "මිනිත්තුවකින් නැවත උත්සාහ කරන්න. ඔබ ගෙවූ මුදල් අහිමි නොවේ."
    ]
  },
  "ta": {
    "loading": [
      "கட்டணம் …",
      ""
    ],
    "draft": [
      "இந்தக் கட்டணம் இன்னும் திறக்கப்படவில்லை",
      "இதைத் திறக்கும்படி விற்பனையாளரிடம் கேளுங்கள்; பிறகு இந்தப் பக்கத்துக்குத் திரும்புங்கள்."
    ],
    "waiting": [
      "உங்கள் கட்டணத்துக்காகக் காத்திருக்கிறோம்",
      "நேரம் முடிவதற்குள் சரியான தொகையைச் செலுத்துங்கள்."
    ],
    "partial": [
      "{due} தொகையில் {received} வந்துள்ளது",
      "மீதமுள்ள {rest} தொகையை நேரம் முடிவதற்குள் செலுத்துங்கள்."
    ],
    "processing": [
      "உங்கள் கட்டணம் உறுதிசெய்யப்படுகிறது",
      "தயவுசெய்து மீண்டும் செலுத்த வேண்டாம்."
    ],
    "paid": [
      "கட்டணம் செலுத்தப்பட்டது",
      "நீங்கள் வேறெதுவும் செய்ய வேண்டியதில்லை. நன்றி."
    ],
    "paid_late": [
      "காலக்கெடுவுக்குப் பிறகு செலுத்தப்பட்டது",
      "முழுத் தொகையும் வந்துவிட்டது. நீங்கள் வேறெதுவும் செய்ய வேண்டியதில்லை."
    ],
    "paid_over": [
      "செலுத்தப்பட்டது; கூடுதல் தொகை வந்துள்ளது",
      "{received} வந்துள்ளது; இதில் {surplus} கூடுதல். விற்பனையாளருக்குத் தெரிவிக்கப்பட்டுள்ளது."
    ],
    "expired": [
      "செலுத்துவதற்கான நேரம் முடிந்துவிட்டது",
      "விற்பனையாளரிடம் புதிய இணைப்பைக் கேளுங்கள். நீங்கள் ஏற்கெனவே பணம் அனுப்பியிருந்தால், அது வந்ததும் பதிவு செய்யப்படும்."
    ],
    "expired_partial": [
      "நேரம் முடிந்துவிட்டது; {due} தொகையில் {received} வந்துள்ளது",
      "விற்பனையாளருக்குத் தெரிவிக்கப்பட்டுள்ளது. வந்துள்ள பணம் குறித்து அவர்களிடம் கேளுங்கள்."
    ],
    "canceled": [
      "இந்தக் கட்டணம் ரத்து செய்யப்பட்டது",
      "தயவுசெய்து இனி இதற்குப் பணம் செலுத்த வேண்டாம்."
    ],
    "canceled_money": [
      "ரத்து செய்யப்பட்டது; ஆனால் {received} வந்துள்ளது",
      "விற்பனையாளருக்குத் தெரிவிக்கப்பட்டுள்ளது. பணம் குறித்து அவர்களிடம் கேளுங்கள்; இனி செலுத்த வேண்டாம்."
    ],
    "other_currency": [
      "வேறு நாணயத்தில் பணம் வந்துள்ளது",
      "தயவுசெய்து மீண்டும் செலுத்த வேண்டாம். விற்பனையாளருக்குத் தெரிவிக்கப்பட்டுள்ளது; வந்துள்ள பணம் குறித்து அவர்களிடம் கேளுங்கள்."
    ],
    "missing": [
      "இங்கே கட்டணம் எதுவும் இல்லை",
      "இணைப்பு முழுமையாக உள்ளதா என்று பாருங்கள், அல்லது விற்பனையாளரிடம் புதியதைக் கேளுங்கள்."
    ],
    "unreachable": [
      "இப்போது பதிலளிக்க இயலவில்லை",
      "ஒரு நிமிடம் கழித்து மீண்டும் முயலுங்கள். நீங்கள் செலுத்திய பணம் தொலையாது."
    ]
  }
};

/** How the status of a link, which has no such phase, says that money is in flight. */
export const IN_FLIGHT = "The payment is being processed.";

/** How a status says that nobody should pay again, whatever the phase. */
export const OTHER_CURRENCY = "Money arrived in another currency.";
