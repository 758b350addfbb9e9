"""Leave out sections that repeat another section of the same document.

A court's decision says its holding (판시사항, 판결요지) in the words of its reasons, and all three stand in one
file: a model would see the sentence three times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np

from malmoi.curate.shingles import shingle_set, squeeze

#: A section of a text: name, start and end (code points, end exclusive).
Section = tuple[str, int, int]

# 8-grams that more sections share than this are a form's own words, as those of a statute's articles: they
# show no repetition, and counting them would take time by the square of the sections.
_FORM = 4

#: An article of a statute or contract: two that say the same in like words are two rules, not a repetition.
_ARTICLE = re.compile(r"제\s?\d+\s?조")

_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_LAST_LINE = re.compile(r"([^\n]*\S[^\n]*)\s*\Z")
_MARKS = "#*:【】[]〔〕<>()「」 \t"


def without_repeats(document: Mapping[str, str], containment: float) -> dict[str, str]:
    """Return a document without its repeated sections, the offsets in ``meta`` right for the new text.

    Articles of a statute or contract stay whatever they repeat.
    """
    given = dict(document)
    meta = json.loads(given["meta"]) if '"sections"' in given["meta"] else {}
    listed = meta.get("sections")
    # A source may have a field of that name: then it is a text.
    if not isinstance(listed, list):
        return given
    sections = [(name, start, end) for name, start, end in listed]
    texts = [_content(given["text"][start:end], name) for name, start, end in sections]
    removed = [
        number
        for number in repeated(texts, containment)
        if not _ARTICLE.match(sections[number][0].lstrip(_MARKS))
    ]
    if removed:
        given["text"], meta["sections"] = cut(given["text"], sections, removed)
        given["meta"] = json.dumps(meta, ensure_ascii=False, sort_keys=True)
    return given


def repeated(texts: Sequence[str], containment: float) -> list[int]:
    """Return the numbers, rising, of the sections to leave out.

    A section goes when at least ``containment`` of its different 8-grams, white space left out, are in one
    other that stays. Sections are taken by falling number of 8-grams, so that of two that repeat each other
    the larger stays. The longest section is the body and always stays, and so does one without an 8-gram.
    """
    if len(texts) < 2:
        return []
    squeezed = [squeeze(text) for text in texts]
    sets = [shingle_set(text) for text in squeezed]
    # Where a section is so large that its set is a sample, the others are sampled like it.
    limit = min(found.limit for found in sets)
    hashes = [found.below(limit) for found in sets]
    body = max(range(len(texts)), key=lambda number: (len(squeezed[number]), -number))
    order = sorted(
        range(len(texts)), key=lambda number: (number != body, -len(hashes[number]), number)
    )

    seen: set[bytes] = set()
    removed = []
    different = []
    for number in order:
        content = hashes[number].tobytes()
        if content in seen:
            removed.append(number)
        elif content:
            seen.add(content)
            different.append(number)
    removed += _contained(different, [hashes[number] for number in different], containment)
    return sorted(removed)


def _contained(numbers: list[int], hashes: list[np.ndarray], containment: float) -> list[int]:
    """Return those of ``numbers`` whose hashes are in one before them that stays; the first one stays."""
    sizes = np.array([len(found) for found in hashes], dtype=np.int64)
    ends = np.cumsum(sizes)
    merged = np.concatenate([*hashes, np.empty(0, dtype=np.uint64)])
    owners = np.repeat(np.arange(len(hashes)), sizes)
    order = np.argsort(merged, kind="stable")
    starts = np.flatnonzero(np.diff(merged[order], prepend=~merged[order][:1]))
    counts = np.diff(starts, append=len(merged))
    run = np.empty(len(merged), dtype=np.int64)
    run[order] = np.repeat(np.arange(len(starts)), counts)
    telling = (counts > 1) & (counts <= _FORM)
    shared = np.bincount(owners[telling[run]], minlength=len(hashes))
    owners = owners[order]

    staying = np.ones(len(hashes), dtype=bool)
    for place in np.flatnonzero(shared >= containment * sizes).tolist():
        if place == 0:
            continue
        own = run[ends[place] - sizes[place] : ends[place]]
        own = own[telling[own]]
        reach = np.cumsum(counts[own])
        at = np.arange(reach[-1]) + np.repeat(starts[own] - (reach - counts[own]), counts[own])
        holders = owners[at]
        holders = holders[(holders < place) & staying[holders]]
        _, held = np.unique(holders, return_counts=True)
        staying[place] = held.max(initial=0) < containment * sizes[place]
    return [numbers[place] for place in np.flatnonzero(~staying)]


def cut(
    text: str, sections: Sequence[Section], removed: Sequence[int]
) -> tuple[str, list[Section]]:
    """Return a text without some of its sections, and the others with their new offsets.

    The line before a removed section goes too where it is the section's name. Blank lines before it stay,
    those after it go.
    """
    gone = set(removed)
    parts: list[str] = []
    left: list[Section] = []
    size = 0
    starts = [start for _, start, _ in sections]
    between = text[: starts[0]]
    for number, (name, start, end) in enumerate(sections):
        following = text[end : starts[number + 1] if number + 1 < len(sections) else len(text)]
        if number in gone:
            between = _without_heading(between, name) + _BLANK_LINES.sub("", following, count=1)
            continue
        size += len(between)
        left.append((name, size, size + end - start))
        size += end - start
        parts += [between, text[start:end]]
        between = following
    if between.strip() or len(sections) - 1 not in gone:
        parts.append(between)
    return "".join(parts), left


def _without_heading(between: str, name: str) -> str:
    line = _LAST_LINE.search(between)
    return between[: line.start()] if line and _is_name(line[1], name) else between


def _content(section: str, name: str) -> str:
    """Return a section without the line at its beginning that names it."""
    first, _, rest = section.partition("\n")
    return rest if _is_name(first, name) else section


def _is_name(line: str, name: str) -> bool:
    return squeeze(line.strip(_MARKS)) == squeeze(name.strip(_MARKS))
