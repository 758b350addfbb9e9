"""How many real texts come back from the encodings of Korean files, and from being read in the wrong one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from malmoi.text import mojibake
from malmoi.text.charset import DecodeError, decode

from benchmarks.curation.corpus_text import large_archive, markdown_files

TEXTS = 300
#: Characters of a text before those go that an encoding lacks: 64 to 2,048, short ones more often.
SHORTEST, LONGEST = 6.0, 11.0
#: Bytes of a text, at least, in the encoding that needs the fewest.
LEAST_BYTES = 100
SEED = 20

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "CP949": lambda text: text.encode("cp949"),
    "EUC-KR": lambda text: text.encode("euc-kr"),
    "Johab": lambda text: text.encode("johab"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "UTF-16 LE with a mark": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "UTF-16 BE with a mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
}
_CODECS = {"CP949": "cp949", "EUC-KR": "euc-kr", "Johab": "johab"}
_SUFFIXES = (".md", ".txt", ".xml", ".json", ".jsonl", ".csv", ".fsh")


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the shares that come back; see the README of this folder for what each says."""
    texts = sample(data)
    found = encodings(texts) | wrong_encodings(texts)
    return found | false_alarms([*_files(data), *markdown_files(large_archive(data, work))])


def sample(data: Path) -> list[str]:
    """Return stretches of the files under ``data``, the same number from each kind of document."""
    chosen = random.Random(SEED)
    kinds: dict[str, list[Path]] = {}
    for path in _files(data):
        kinds.setdefault("/".join(path.relative_to(data).parts[:2]), []).append(path)
    texts: list[str] = []
    for name in cycle(sorted(kinds)):
        if len(texts) == TEXTS:
            break
        text = _read(chosen.choice(kinds[name]))
        size = round(2 ** chosen.uniform(SHORTEST, LONGEST))
        start = chosen.randrange(max(1, len(text) - size))
        text = text[start : start + size]
        if not text.isascii() and len(text.encode("euc-kr", "ignore")) >= LEAST_BYTES:
            texts.append(text)
    return texts


def encodings(texts: list[str]) -> dict[str, float]:
    """Return the share of texts that are decoded to what was encoded, whole, cut off and damaged."""
    chosen = random.Random(SEED)
    counts: Counter[str] = Counter()
    for text in texts:
        for name, encode in ENCODINGS.items():
            codec = _CODECS.get(name, "utf-8")
            held = text.encode(codec, "ignore").decode(codec)
            data = encode(held)
            counts["whole"] += 1
            counts["right"] += _decoded(data) == held
            if held[-1] > "\x7f":
                decoded = _decoded(data[:-1])
                counts["cut"] += 1
                counts["cut_right"] += decoded == held[:-1] + "\ufffd"
                counts["cut_silent"] += decoded is not None and "\ufffd" not in decoded
            at = chosen.randrange(4, len(data))
            damaged = data[:at] + b"\xff" + data[at + 1 :]
            decoded = _decoded(damaged)
            counts["damaged"] += 1
            counts["damaged_silent"] += (
                decoded is not None and "\ufffd" not in decoded and _apart(decoded, held) > 2
            )
    return {
        "encodings_right": counts["right"] / counts["whole"],
        "encodings_cut_right": counts["cut_right"] / counts["cut"],
        "encodings_cut_silent": counts["cut_silent"],
        "encodings_damaged_silent": counts["damaged_silent"] / counts["damaged"],
    }


def wrong_encodings(texts: list[str]) -> dict[str, float]:
    """Return the share of texts restored from Latin-1, and of lines read as CP949 that are found lost."""
    counts: Counter[str] = Counter()
    for text in texts:
        for inner in ("cp949", "utf-8"):
            held = text.encode(inner, "ignore").decode(inner)
            for outer in ("latin-1", "sloppy-windows-1252"):
                broken = held.encode(inner).decode(outer)
                counts[inner] += 1
                counts[f"{inner}_repaired"] += mojibake.repair_lines(broken)[0] == held
        for line in text.split("\n"):
            if sum("가" <= character <= "힣" for character in line) >= 8:
                for errors in ("replace", "ignore"):
                    broken = line.encode().decode("cp949", errors)
                    counts["lost"] += 1
                    counts["lost_found"] += mojibake.drop_lost_lines(broken)[1]
    return {
        "cp949_latin1_repaired": counts["cp949_repaired"] / counts["cp949"],
        "utf8_latin1_repaired": counts["utf-8_repaired"] / counts["utf-8"],
        "utf8_cp949_found": counts["lost_found"] / counts["lost"],
    }


def false_alarms(paths: list[Path]) -> dict[str, float]:
    """Return how many lines of real text are taken for mojibake of either sort; all are right as they are."""
    restored = lost = 0
    for path in paths:
        text = _read(path)
        restored += mojibake.repair_lines(text)[1]
        lost += mojibake.drop_lost_lines(text)[1]
    return {"mojibake_false_alarms": restored + lost}


def _files(data: Path) -> list[Path]:
    folders = (data / "legal", data / "medical", data / "eval", data / "gold")
    return [path for folder in folders for path in _texts_in(folder)]


def _texts_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.name not in ("README.md", "SOURCE.md"):
            yield path


def _read(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp949")


def _decoded(data: bytes) -> str | None:
    try:
        return decode(data)[0]
    except DecodeError:
        return None


def _apart(one: str, other: str) -> int:
    """Return how many characters of the longer text are not in the other's beginning or end."""
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if one[-1 - at] != other[-1 - at]), rest)
    return max(len(one), len(other)) - start - end
