"""Quality filters: leave out what is not Korean prose.

The limits come from Korean court decisions, statutes and drug leaflets, not from English web text:
rules on word length or English stop words reject every Korean document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.progress import track

Settings = Mapping[str, float]
Filter = Callable[[str, Settings], str | None]

#: Last syllables of words that end in a particle (josa) or a verb ending (eomi), without those on which
#: nouns end just as often (이, 가, 과, 지, 서). Korean prose has one on a third of its words or more;
#: menus, name lists and keyboard noise have few.
ENDINGS = frozenset("은는을를의에로와도며고면여한된할던다요함")

_RUN = re.compile(r"(\S)\1{3,}")
_LAST_SYLLABLE = re.compile(r"([가-힣])(?![가-힣])")


def length(text: str, settings: Settings) -> str | None:
    """Return ``too_short`` or ``too_long`` for fewer or more characters than ``*_chars`` allow."""
    if len(text) < settings["min_chars"]:
        return "too_short"
    return "too_long" if len(text) > settings["max_chars"] else None


def hangul_share(text: str, settings: Settings) -> str | None:
    """Return ``hangul_share`` when too few of the letters are Hangul syllables or hanja.

    Single jamo are letters but not Korean text: they are what a Korean keyboard yields at random.
    """
    letters = {char: count for char, count in _characters(text).items() if char.isalpha()}
    korean = sum(count for char, count in letters.items() if _is_korean(char))
    enough = settings["min_hangul_share"] * sum(letters.values())
    return "hangul_share" if not letters or korean < enough else None


def symbol_share(text: str, settings: Settings) -> str | None:
    """Return ``symbol_share`` when too many characters other than spaces are no letters.

    Digits count as symbols, so that tables of numbers go too.
    """
    visible = {char: count for char, count in _characters(text).items() if not char.isspace()}
    symbols = sum(count for char, count in visible.items() if not char.isalpha())
    limit = settings["max_symbol_share"] * sum(visible.values())
    return "symbol_share" if symbols > limit else None


def repeated_line_share(text: str, settings: Settings) -> str | None:
    """Return ``repeated_lines`` when too much of the text stands in lines that came before."""
    lines = Counter(line for line in map(str.strip, text.split("\n")) if line)
    total = sum(len(line) * count for line, count in lines.items())
    repeated = sum(len(line) * (count - 1) for line, count in lines.items())
    return "repeated_lines" if repeated > settings["max_repeated_line_share"] * total else None


def repeated_character_share(text: str, settings: Settings) -> str | None:
    """Return ``repeated_characters`` when too much of the text is one character four or more times.

    Spaces are left out of both sides.
    """
    visible = sum(count for char, count in _characters(text).items() if not char.isspace())
    repeated = sum(len(run[0]) for run in _RUN.finditer(text))
    limit = settings["max_repeated_character_share"] * visible
    return "repeated_characters" if repeated > limit else None


def ending_share(text: str, settings: Settings) -> str | None:
    """Return ``ending_share`` when too few Hangul words end in a particle or a verb ending."""
    last = Counter(_LAST_SYLLABLE.findall(text))
    endings = sum(count for syllable, count in last.items() if syllable in ENDINGS)
    return "ending_share" if endings < settings["min_ending_share"] * sum(last.values()) else None


#: In the order they are asked: the first reason is the one the ledger gets.
FILTERS: tuple[Filter, ...] = (
    length,
    hangul_share,
    symbol_share,
    repeated_line_share,
    repeated_character_share,
    ending_share,
)


def reason_to_drop(text: str, settings: Settings) -> str | None:
    """Return the reason of the first filter that objects to ``text``, or None to keep it."""
    return next((reason for ask in FILTERS if (reason := ask(text, settings))), None)


def filter_documents(
    input_path: str | Path,
    settings: Settings,
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Write the documents that pass every filter, in the order read, and a ledger row for each one read.

    ``settings`` holds ``min_chars``, ``max_chars`` (characters) and, each between 0 and 1,
    ``min_hangul_share``, ``max_symbol_share``, ``max_repeated_line_share``,
    ``max_repeated_character_share`` and ``min_ending_share``.
    """
    given = pq.read_table(input_path, schema=documents.SCHEMA)
    columns = [given[name].to_pylist() for name in ("doc_id", "source", "raw_path", "text")]
    rows, kept = [], []
    for doc_id, source, raw_path, text in track(
        zip(*columns, strict=True), "filter", total=len(given)
    ):
        reason = reason_to_drop(text, settings)
        kept.append(reason is None)
        rows.append(
            ledger.row(
                "filter",
                source,
                doc_id=doc_id,
                raw_path=raw_path,
                status="filtered" if reason else "kept",
                reason=reason or "",
                chars_in=len(text),
                chars_out=0 if reason else len(text),
            )
        )
    write_parquet(output_path, given.filter(pa.array(kept, pa.bool_())))
    ledger.write(ledger_path, rows)


# Several filters in turn ask about the same text.
@lru_cache(maxsize=1)
def _characters(text: str) -> Counter[str]:
    return Counter(text)


def _is_korean(char: str) -> bool:
    return "가" <= char <= "힣" or "㐀" <= char <= "鿿" or "\uf900" <= char <= "\ufaff"
