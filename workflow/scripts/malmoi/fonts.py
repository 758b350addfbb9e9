"""Fonts of plots, so that a name in Hangul is never drawn as empty boxes."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

from matplotlib import font_manager

#: Fonts with Hangul of the systems malmoi runs on, in the order they are tried, with how their files begin.
HANGUL_FONTS = {
    "NanumGothic": "NanumGothic.",
    "Noto Sans CJK KR": "NotoSansCJK-Regular.",
    "Noto Sans KR": "NotoSansKR-Regular.",
    "Malgun Gothic": "malgun.",
    "AppleGothic": "AppleGothic.",
}

#: Matplotlib's own font. It comes first, so that plots without Hangul are the same on every machine.
LATIN_FONT = "DejaVu Sans"


def families() -> list[str]:
    """Return the value of Matplotlib's ``font.family`` for plots that may show Hangul."""
    return [LATIN_FONT, *_installed()]


def drawable(text: str) -> str:
    """Return text that the fonts here can draw: without one for Hangul, each syllable in Latin letters."""
    return text if _installed() else "".join(map(_romanised, text))


@functools.cache
def _installed() -> tuple[str, ...]:
    if not _known():
        # Matplotlib keeps a list of the fonts that there were when it first ran.
        for path in font_manager.findSystemFonts():
            if Path(path).name.startswith(tuple(HANGUL_FONTS.values())):
                font_manager.fontManager.addfont(path)
    return _known()


def _known() -> tuple[str, ...]:
    found = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in HANGUL_FONTS if name in found)


def _romanised(character: str) -> str:
    name = unicodedata.name(character, "")
    return name.removeprefix("HANGUL SYLLABLE ").lower() if "HANGUL" in name else character
