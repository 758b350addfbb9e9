"""Texts for property tests: Korean, other scripts, and what tokenizers stumble over."""

from __future__ import annotations

from hypothesis import strategies as st

_KOREAN = st.sampled_from(
    "하였다했됐습니다피고에게는원고의을를이가각값뷁ㄱㅏㅋ\u1100\u1161\u11a8\u3164漢字民法學\uf900\U00020000"
)
_OTHER = st.sampled_from(
    "aBé"
    "\u0301\u200b\u200d\ufe0f\ufeff\ufffd\x0b\x0c\x1c\x85\xa0\u2028\u3000 \t\r\n.?!,()「」【】①㎎"
    "%0019-@#:/_~\u2581"
    "\U0001f600\U0001f468\U0001f1f0\U000f0041\U0010ffff\ue000"
)
_PHRASES = st.sampled_from(
    (
        "환자는 고혈압을 앓았다. ",
        "【주 문】 상고를 기각한다.\n",
        "2001. 2. 9. 선고 99다38613 판결",
        "http://example.com/가 ",
        "a@b.kr ",
        "#말모이 ",
        "010-1234-5678",
        "피 고 는 원 고 에 게 돈 을 갚 아 야 한 다.",
        "피고는원고에게손해를배상할책임이있고그금액은법원이정하는바에따른다고할것이다.",
    )
)

#: Any text that holds no NUL.
TEXTS = st.lists(
    st.text(
        _KOREAN | _OTHER | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        max_size=40,
    )
    | _PHRASES,
    max_size=4,
).map("".join)
