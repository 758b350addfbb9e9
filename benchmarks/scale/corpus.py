"""Any number of megabytes of raw documents: the large archive, and edited copies of it."""

from __future__ import annotations

import io
import itertools
import json
import random
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import zstandard
from malmoi.atomic import write_text

from benchmarks.curation.corpus_text import body, markdown_files, without_front_matter

#: Share of words that are exchanged in a copy. An 8-gram of characters reaches over about three words, so well
#: under two thirds of them stay; near duplicates share four in five.
SHARE = 0.15
#: Bytes of text in each archive that is written.
ARCHIVE = 50_000_000
#: Bytes of text that words are drawn from.
_WORDS_FROM = 20_000_000

_WORD = re.compile(r"[가-힣]{2,}|\d{3,}")
_YEAR = re.compile(r"(?:19|20)\d\d")

#: Words by their length and last syllable, each as often as it occurs.
Words = Mapping[tuple[int, str], Sequence[str]]


@dataclass(frozen=True)
class Size:
    """How much text there is, front matter aside: documents, code points and bytes of UTF-8."""

    documents: int = 0
    characters: int = 0
    bytes: int = 0

    def plus(self, text: str) -> Size:
        """Return the size with one more document."""
        length = len(text.encode())
        return Size(self.documents + 1, self.characters + len(text), self.bytes + length)


def make(folder: Path, large: Path, size: int, seed: int = 20) -> Size:
    """Write archives of Markdown files with ``size`` bytes of text, up to the document that reaches it.

    ``large`` is the unpacked large archive. Its documents come in a random order, so that a small corpus is a
    sample of it, first as they are, then as ``edited`` for the first time, and so on. What is there already is
    not made again.
    """
    done = folder / "size.json"
    if done.is_file():
        return Size(**json.loads(done.read_text(encoding="utf-8")))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = Size()
    with ExitStack() as stack:
        archive: tarfile.TarFile | None = None
        for name, front, text in documents(large, seed):
            if made.bytes >= size:
                break
            path = folder / f"{made.bytes // ARCHIVE:04d}.tar.zst"
            if archive is None or not path.exists():
                stack.close()
                archive = stack.enter_context(_writing(path))
            content = (front + text).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
            made = made.plus(text)
    write_text(done, json.dumps(asdict(made)))
    return made


def documents(large: Path, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield name, front matter and text of documents without end, copy after copy of the archive."""
    files = markdown_files(large)
    random.Random(seed).shuffle(files)
    words = frequent_words(map(body, files))
    for copy in itertools.count():
        for path in files:
            whole = path.read_text(encoding="utf-8")
            text = without_front_matter(whole)
            front = whole.removesuffix(text)
            name = f"{copy}/{path.relative_to(large)}"
            if copy:
                front, text = edited(front, copy, {}), edited(text, copy, words)
            yield name, front, text


def read(folder: Path, every: int = 1, first: int = 0) -> Iterator[str]:
    """Yield the text of every ``every``-th document that ``make`` wrote, from the ``first`` on."""
    place = itertools.count()
    for path in sorted(folder.glob("*.tar.zst")):
        with (
            open(path, "rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for entry in archive:
                if next(place) % every == first:
                    file = archive.extractfile(entry)
                    assert file is not None, f"{path}: {entry.name} is no file"
                    yield without_front_matter(file.read().decode())


def frequent_words(texts: Iterator[str]) -> Words:
    """Return the words of the first texts by length and last syllable, each as often as it occurs there."""
    found: dict[tuple[int, str], list[str]] = {}
    size = 0
    for text in texts:
        for word in _WORD.findall(text):
            found.setdefault((len(word), word[-1]), []).append(word)
        size += len(text.encode())
        if size >= _WORDS_FROM:
            break
    return found


def edited(text: str, copy: int, words: Words) -> str:
    """Return a text with other numbers, earlier years, and other words in ``SHARE`` of all places.

    A word's place is taken by one of the same length and last syllable, hence mostly of the same ending, the
    more likely the more frequent. A line becomes the same in all documents of a copy, so that a copy repeats
    itself as the archive does, and another in each copy.
    """
    return "\n".join(_edited_line(line, copy, words) for line in text.split("\n"))


def _edited_line(line: str, copy: int, words: Words) -> str:
    draw = random.Random(f"{copy} {line}").random

    def other(match: re.Match[str]) -> str:
        word = match[0]
        if word.isdecimal():
            if _YEAR.fullmatch(word):
                return str(int(word) - copy)
            return word[:-1] + str((int(word[-1]) + copy) % 10)
        if draw() >= SHARE:
            return word
        choice = words.get((len(word), word[-1]), (word,))
        return choice[int(draw() * len(choice))]

    return _WORD.sub(other, line)


@contextmanager
def _writing(path: Path) -> Iterator[tarfile.TarFile]:
    with (
        open(path, "wb") as packed,
        zstandard.ZstdCompressor().stream_writer(packed) as stream,
        tarfile.open(fileobj=stream, mode="w|") as archive,
    ):
        yield archive
