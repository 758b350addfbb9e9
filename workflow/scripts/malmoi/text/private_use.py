"""Private-use characters whose meaning is known: those of symbol fonts, and Hancom's own.

Word processors store the characters of fonts that are no Unicode fonts at U+F020 to U+F0FF, so that one code
is a letter in Symbol and a bullet in Wingdings. Where a bullet stands (at the beginning of a line, or by
itself) it is taken for Wingdings, elsewhere for Symbol. Hancom's word processor keeps its signs in plane 15;
the few given here are those that the projects rhwp and kordoc (both MIT) checked against printed documents.
Old Hangul of the Hanyang fonts (U+E0BC to U+F8F7) is not decoded.
"""

from __future__ import annotations

import re

_FONT = 0xF000

#: By the last two hexadecimal digits, as Microsoft's Wingdings has them, in the nearest common sign.
_WINGDINGS = {
    **{0x6C: "●", 0x6D: "❍", 0x6E: "■", 0x6F: "□", 0x70: "□", 0x71: "❑", 0x72: "❒", 0x73: "◆"},
    **{0x74: "◆", 0x75: "◆", 0x76: "❖", 0x77: "◆", 0x9E: "·", 0x9F: "•", 0xA0: "▪", 0xA1: "○"},
    **{0xA2: "○", 0xA3: "○", 0xA4: "◉", 0xA5: "◎", 0xA7: "▪", 0xA8: "□", 0xAB: "★", 0xD8: "➢"},
    **{0x45: "☜", 0x46: "☞", 0xDF: "←", 0xE0: "→", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨"},
}
#: Never taken for Symbol, whose signs there are pieces of tall brackets.
_MARKS = {0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}
#: By the same digits, as Adobe's Symbol has them: what prescriptions and patents write with it.
_SYMBOL = {
    **dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True)),
    **{0x2D: "−", 0x44: "Δ", 0x47: "Γ", 0x46: "Φ", 0x53: "Σ", 0x57: "Ω", 0x51: "Θ", 0x59: "Ψ"},
    **{0xA2: "′", 0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓"},
    **{0xB0: "°", 0xB1: "±", 0xB2: "″", 0xB3: "≥", 0xB4: "×", 0xB5: "∝", 0xB7: "•", 0xB8: "÷"},
    **{0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xBC: "…", 0xD6: "√", 0xD7: "·", 0xDE: "⇒"},
}
_HANCOM = {
    **{0xF003B: "↓", 0xF00DA: "▸", 0xF02EF: "·", 0xF02FC: "►", 0xF031C: "■", 0xF03C5: "□"},
    **{0xF080F: "━", 0xF0811: "┌", 0xF0817: "└", 0xF081A: "─", 0xF0827: "■"},
    **{0xF0854: "《", 0xF0855: "》", 0xF012B: "(인)"},
}


def meaning(match: re.Match[str]) -> str:
    """Return what the private-use character that was found stands for, the empty string if unknown."""
    code = ord(match[0])
    if code >= 0xF0000:
        return _HANCOM.get(code, "")
    if not 0x20 <= code - _FONT <= 0xFF:
        return ""
    low = code - _FONT
    bullet, letter = _WINGDINGS.get(low, ""), _SYMBOL.get(low, "")
    if bullet and letter:
        return bullet if _stands_alone(match) else letter
    return _MARKS.get(low) or bullet or letter


def _stands_alone(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(), match.end()
    # No more than an indentation, so that a line of a million of them takes no square of that.
    before = text[max(0, start - 40) : start].rpartition("\n")
    after = text[end : end + 1]
    begins_line = not before[2].strip() and (before[1] or start <= 40)
    return bool(begins_line) or (before[2][-1:].isspace() and (not after or after.isspace()))
