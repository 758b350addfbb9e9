"""Quality filters: leave out what is not Korean prose.

The limits come from Korean court decisions, statutes and drug leaflets, not from English web text:
rules on word length or English stop words reject every Korean document. What tells Korean prose from what
merely looks like it is that its words end in particles and verb endings, that it keeps to some nine hundred
of the 11,172 syllables, and that it does not say the same thing all over again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from malmoi import documents, ledger
from malmoi.curate.contamination import Contamination
from malmoi.curate.korean import (
    EMPHASIS,
    ENDINGS,
    FURNITURE,
    LONG_ENDINGS,
    NATIVE,
    READINGS,
    WORDS,
)
from malmoi.progress import LOG, track

STAGE = "filter"

Settings = Mapping[str, float]

_SEGMENT = re.compile(r"[.!?]\s+|[\n|]+")

#: Repetition is looked for in stretches of so many syllables, at most so many of them, evenly spread.
_STRETCH = 500
_STRETCHES = 8
_PHRASE = 4

_RUN = 4
_HEAD = 1000
_HANGUL = 0xAC00
_SYLLABLES = 11_172


class Script(IntEnum):
    """What a character is, as far as the filters care; code points above U+FFFF count as symbols."""

    SPACE = 0
    COMMON = 1
    RARE = 2
    HANJA = 3
    KANA = 4
    LATIN = 5
    OTHER = 6
    SYMBOL = 7


class Text:
    """A text and what its filters count in it, each thing once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def codes(self) -> np.ndarray:
        """Its code points (uint32)."""
        return np.frombuffer(self.text.encode("utf-32-le"), dtype="<u4")

    @cached_property
    def scripts(self) -> np.ndarray:
        """The ``Script`` of each character (uint8)."""
        return _scripts()[np.minimum(self.codes, 0xFFFF)]

    @cached_property
    def counts(self) -> list[int]:
        """The number of characters of each ``Script``."""
        return np.bincount(self.scripts, minlength=len(Script)).tolist()

    @cached_property
    def syllables(self) -> np.ndarray:
        """Which characters are Hangul syllables (bool)."""
        return (self.scripts == Script.COMMON) | (self.scripts == Script.RARE)

    @cached_property
    def hangul(self) -> int:
        """The number of Hangul syllables."""
        return self.counts[Script.COMMON] + self.counts[Script.RARE]

    @cached_property
    def letters(self) -> int:
        """The number of letters of any script."""
        return self.visible - self.counts[Script.SYMBOL]

    @cached_property
    def visible(self) -> int:
        """The number of characters other than white space."""
        return len(self.codes) - self.counts[Script.SPACE]

    @cached_property
    def runs(self) -> tuple[int, int]:
        """How many letters, and how many symbols, stand in runs of four or more of the same."""
        same = self.codes[1:] == self.codes[:-1]
        fourth = same[2:] & same[1:-1] & same[:-2]
        if not fourth.any():
            return 0, 0
        ends = np.flatnonzero(fourth) + _RUN - 1
        first = np.append(True, np.diff(ends) > 1)
        sizes = np.where(first, _RUN, 1)
        scripts = self.scripts[ends]
        symbols = int(sizes[scripts == Script.SYMBOL].sum())
        return int(sizes[scripts != Script.SPACE].sum()) - symbols, symbols


Filter = Callable[[Text, Settings], str | None]


def length(text: Text, settings: Settings) -> str | None:
    """Return ``too_short`` or ``too_long`` for fewer or more characters than ``*_chars`` allow."""
    if len(text.text) < settings["min_chars"]:
        return "too_short"
    return "too_long" if len(text.text) > settings["max_chars"] else None


def language(text: Text, settings: Settings) -> str | None:
    """Return ``language`` and which when the text is Japanese, Chinese or in Latin letters.

    Old Korean decisions are half hanja, but their particles are Hangul; Japanese has kana, and Chinese
    nothing besides hanja.
    """
    counts = text.counts
    if counts[Script.KANA] > settings["max_kana_share"] * text.letters:
        return "language: Japanese"
    korean = text.hangul + counts[Script.HANJA]
    if counts[Script.HANJA] > settings["max_hanja_share"] * korean:
        return "language: Chinese"
    if counts[Script.LATIN] > (1 - settings["min_hangul_share"]) * text.letters:
        return "language: Latin letters"
    return None


def hangul_share(text: Text, settings: Settings) -> str | None:
    """Return ``hangul_share`` when too few of the letters are Hangul syllables or hanja.

    Single jamo are letters but not Korean text: they are what a Korean keyboard yields at random.
    """
    korean = text.hangul + text.counts[Script.HANJA]
    enough = settings["min_hangul_share"] * text.letters
    return "hangul_share" if not text.letters or korean < enough else None


def rare_syllable_share(text: Text, settings: Settings) -> str | None:
    """Return ``rare_syllables`` when too many Hangul syllables are such as Korean words hardly use.

    Misread scans, damaged encodings and keyboard noise have them.
    """
    limit = settings["max_rare_syllable_share"] * text.hangul
    return "rare_syllables" if text.counts[Script.RARE] > limit else None


def symbol_share(text: Text, settings: Settings) -> str | None:
    """Return ``symbol_share`` when too many characters other than spaces are no letters.

    Digits count as symbols, so that tables of numbers go too; a line of one symbol again and again, which
    is drawn under a heading, does not count.
    """
    drawn = text.runs[1]
    limit = settings["max_symbol_share"] * (text.visible - drawn)
    return "symbol_share" if text.counts[Script.SYMBOL] - drawn > limit else None


def repeated_line_share(text: Text, settings: Settings) -> str | None:
    """Return ``repeated_lines`` when too much of the text stands in lines that came before."""
    lines = Counter(line for line in map(str.strip, text.text.split("\n")) if line)
    total = sum(map(len, lines.elements()))
    repeated = total - sum(map(len, lines))
    return "repeated_lines" if repeated > settings["max_repeated_line_share"] * total else None


def repeated_character_share(text: Text, settings: Settings) -> str | None:
    """Return ``repeated_characters`` when too many letters stand in runs of four or more of the same."""
    limit = settings["max_repeated_character_share"] * text.letters
    return "repeated_characters" if text.runs[0] > limit else None


def repeated_phrase_share(text: Text, settings: Settings) -> str | None:
    """Return ``repeated_phrases`` when too many 4-grams of syllables came shortly before.

    They are counted within stretches of 500 syllables, so that length alone makes no text repetitive.
    """
    syllables = text.codes[text.syllables]
    grams = len(syllables) - _PHRASE + 1
    if grams < 2:
        return None
    size = min(_STRETCH, grams)
    starts = np.linspace(0, grams - size, min(_STRETCHES, grams // size)).astype(np.int64)
    places = starts[:, None] + np.arange(size + _PHRASE - 1)
    stretches = syllables[places].astype(np.uint64)
    phrases = stretches[:, :size]
    for later in range(1, _PHRASE):
        phrases = phrases << np.uint64(16) | stretches[:, later : later + size]
    phrases.sort(axis=1)
    repeated = (phrases[:, 1:] == phrases[:, :-1]).mean()
    return "repeated_phrases" if repeated > settings["max_repeated_phrase_share"] else None


def emphasis_share(text: Text, settings: Settings) -> str | None:
    """Return ``emphasis`` when too many characters are stars, hearts, exclamation marks or laughter."""
    limit = settings["max_emphasis_share"] * text.visible
    marks = int(np.count_nonzero(_emphasis()[np.minimum(text.codes, 0xFFFF)]))
    return "emphasis" if marks > limit else None


def ending_share(text: Text, settings: Settings) -> str | None:
    """Return ``ending_share`` when too few Hangul words end in a particle or a verb ending."""
    syllable = text.syllables
    ends = np.flatnonzero(syllable & ~np.append(syllable[1:], False))
    last = text.codes[ends].astype(np.int64) - _HANGUL
    single, words, second, pairs = _endings()
    grammar = single[last]
    others = np.flatnonzero(~grammar & second[last])
    before = np.maximum(ends[others] - 1, 0)
    inside = syllable[before] & (ends[others] > 0)
    pair = (text.codes[before].astype(np.int64) - _HANGUL) * _SYLLABLES + last[others]
    found = pairs[np.minimum(np.searchsorted(pairs, pair), len(pairs) - 1)] == pair
    grammar[others] = np.where(inside, found, words[last[others]])
    enough = settings["min_ending_share"] * len(ends)
    return "ending_share" if int(grammar.sum()) < enough else None


def page_furniture_share(text: Text, settings: Settings) -> str | None:
    """Return ``page_furniture`` when too much of the text is what web pages say of themselves.

    Cookie notices, footers and log-in hints are good Korean; only their words give them away.
    """
    limit = settings["max_page_furniture_share"]
    # Furniture has one of its words in every 200 characters or less, from the first line on.
    head = text.text[:_HEAD]
    if sum(1 for _ in FURNITURE.finditer(head)) * 200 <= limit * len(head):
        return None
    segments = [segment for segment in map(str.strip, _SEGMENT.split(text.text)) if segment]
    furniture = sum(len(segment) for segment in segments if FURNITURE.search(segment))
    return "page_furniture" if furniture > limit * sum(map(len, segments)) else None


#: In the order they are asked, each with its settings: the first reason is the one the ledger gets.
FILTERS: dict[Filter, tuple[str, ...]] = {
    length: ("min_chars", "max_chars"),
    language: ("max_kana_share", "max_hanja_share", "min_hangul_share"),
    hangul_share: ("min_hangul_share",),
    rare_syllable_share: ("max_rare_syllable_share",),
    symbol_share: ("max_symbol_share",),
    repeated_line_share: ("max_repeated_line_share",),
    repeated_character_share: ("max_repeated_character_share",),
    repeated_phrase_share: ("max_repeated_phrase_share",),
    emphasis_share: ("max_emphasis_share",),
    ending_share: ("min_ending_share",),
    page_furniture_share: ("max_page_furniture_share",),
}


def objection(text: Text, settings: Settings) -> tuple[Filter, str] | None:
    """Return the first filter that objects to ``text`` and its reason, or None to keep the text."""
    for ask in FILTERS:
        if reason := ask(text, settings):
            return ask, reason
    return None


def filter_documents(
    input_path: str | Path,
    settings: Mapping[str, Any],
    evaluation_sets: Sequence[Mapping[str, Any]],
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Write the documents that pass every filter and hold no evaluation item, in the order read.

    The ledger gets a row for each document read: ``filtered`` with a filter's reason, or ``contaminated``
    with the name of the set and of the item. ``settings`` holds ``min_chars``, ``max_chars`` (characters),
    the shares of ``FILTERS``, each between 0 and 1, and, where there are ``evaluation_sets``, ``ngram`` and
    ``share`` as ``Contamination`` takes them.

    Raises:
        InputError: an evaluation set cannot be read.
    """
    sets = (
        Contamination(evaluation_sets, settings["ngram"], settings["share"])
        if evaluation_sets
        else None
    )
    documents_of: Counter[str] = Counter()
    characters_of: Counter[str] = Counter()
    with documents.writing(output_path) as keep, ledger.writing(ledger_path) as note:
        for document in track(documents.read([input_path]), STAGE):
            text = Text(document["text"])
            size = len(text.text)
            status, reason, cause = "kept", "", "kept"
            if objected := objection(text, settings):
                status, reason, cause = "filtered", objected[1], objected[0].__name__
            elif sets and (item := sets.item_of(document)):
                status, reason, cause = "contaminated", item, "contaminated"
            else:
                keep(document)
            documents_of[cause] += 1
            characters_of[cause] += size
            note(
                ledger.row(
                    STAGE,
                    document["source"],
                    doc_id=document["doc_id"],
                    raw_path=document["raw_path"],
                    status=status,
                    reason=reason,
                    chars_in=size,
                    chars_out=size if status == "kept" else 0,
                )
            )
    _log(settings, documents_of, characters_of)


def _log(settings: Settings, documents_of: Counter[str], characters_of: Counter[str]) -> None:
    total, characters = max(1, documents_of.total()), max(1, characters_of.total())
    limits = {
        ask.__name__: ", ".join(f"{name} {settings[name]:g}" for name in names)
        for ask, names in FILTERS.items()
    }
    for cause in (*limits, "contaminated", "kept"):
        LOG.info(
            "%s%s: %.2f %% of the documents, %.2f %% of the characters",
            cause,
            f" ({limits[cause]})" if cause in limits else "",
            100 * documents_of[cause] / total,
            100 * characters_of[cause] / characters,
        )


@lru_cache(maxsize=1)
def _scripts() -> np.ndarray:
    """Return the ``Script`` of each code point of the basic plane (uint8)."""
    table = np.full(0x10000, Script.SYMBOL, dtype=np.uint8)
    for code in range(0xFFFF):
        char = chr(code)
        if char.isspace():
            table[code] = Script.SPACE
        elif char.isalpha():
            table[code] = Script.LATIN if code < 0x250 or 0x1E00 <= code < 0x1F00 else Script.OTHER
    for first, last in ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)):
        table[first : last + 1] = Script.KANA
    # Two middle dots that Unicode takes for letters.
    table[[0x30FB, 0x318D]] = Script.SYMBOL
    for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)):
        table[first : last + 1] = Script.HANJA
    table[_HANGUL : _HANGUL + _SYLLABLES] = Script.RARE
    table[[ord(char) for char in READINGS + NATIVE]] = Script.COMMON
    return table


@lru_cache(maxsize=1)
def _emphasis() -> np.ndarray:
    """Return which code points of the basic plane are ``EMPHASIS`` (bool)."""
    return _table(EMPHASIS, 0, 0x10000)


@lru_cache(maxsize=1)
def _endings() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which syllables end a word, which are words, which may be either, and the pairs that end one.

    The first three are bool, by syllable; a pair is the number of its two syllables, and they rise.
    """
    single, words, second = (
        _table(syllables, _HANGUL, _SYLLABLES)
        for syllables in (ENDINGS, WORDS, WORDS + LONG_ENDINGS[1::2])
    )
    firsts, lasts = (
        np.array([ord(char) - _HANGUL for char in LONG_ENDINGS[half::2]]) for half in (0, 1)
    )
    return single, words, second, np.unique(firsts * _SYLLABLES + lasts)


def _table(characters: str, first: int, size: int) -> np.ndarray:
    table = np.zeros(size, dtype=bool)
    table[[ord(char) - first for char in characters]] = True
    return table
