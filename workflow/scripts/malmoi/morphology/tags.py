"""Kiwi's part-of-speech tags as small integers."""

from __future__ import annotations

#: The Sejong-style tags of kiwipiepy 0.24; a tag's place in the tuple is what the segments store.
# fmt: off
TAGS: tuple[str, ...] = (
    "UN", "NNG", "NNP", "NNB", "NR", "NP", "VV", "VA", "VX", "VCP", "VCN", "MM", "MAG", "MAJ", "IC",
    "JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC",
    "EP", "EF", "EC", "ETN", "ETM",
    "XPN", "XSN", "XSV", "XSA", "XSM", "XR",
    "SF", "SP", "SS", "SSO", "SSC", "SE", "SO", "SW", "SL", "SH", "SN", "SB",
    "W_URL", "W_EMAIL", "W_HASHTAG", "W_MENTION", "W_SERIAL", "W_EMOJI", "Z_CODA", "Z_SIOT",
    "USER0", "USER1", "USER2", "USER3", "USER4",
)
# fmt: on

_NUMBERS = {tag: number for number, tag in enumerate(TAGS)}


def tag_number(tag: str) -> int:
    """Return the stored number of a Kiwi tag; regularity marks (``VV-I``) are left out.

    Tags this table does not know become ``UN`` (unknown).
    """
    return _NUMBERS.get(tag.split("-", 1)[0], 0)
