"""Real texts to measure on: the folder of shared data, and the large archive in it, unpacked once."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.S)


def large_archive(data: Path, work: Path) -> Path:
    """Return the folder ``work``/large with ``data``/large/legal_190mb.tar.zst unpacked, once only.

    It holds 13 thousand decisions (``precedents_md``) and 0.8 thousand statutes (``statutes_md``): 190 MB.
    """
    folder = work / "large"
    if not folder.is_dir():
        partial = work / "large.partial"
        shutil.rmtree(partial, ignore_errors=True)
        with (
            open(data / "large" / "legal_190mb.tar.zst", "rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            archive.extractall(partial, filter="data")
        partial.rename(folder)
    return folder


def markdown_files(folder: Path) -> list[Path]:
    """Return the Markdown files at any depth of ``folder``, sorted by path."""
    return sorted(
        path for path in folder.rglob("*.md") if path.name not in ("SOURCE.md", "README.md")
    )


def body(path: Path) -> str:
    """Return a Markdown file's text without its front matter."""
    return without_front_matter(path.read_text(encoding="utf-8"))


def without_front_matter(text: str) -> str:
    """Return Markdown without the front matter it may begin with."""
    return _FRONT_MATTER.sub("", text)


def texts(folder: Path) -> Iterator[str]:
    """Yield the body texts of the decisions or statutes at any depth of ``folder``, in order of their paths."""
    yield from map(body, markdown_files(folder))


def leaflets(data: Path) -> Iterator[str]:
    """Yield the texts of the 1,500 drug leaflets: question and answer in turn."""
    for path in sorted((data / "medical" / "drug_easy_info").glob("*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                fields = json.loads(line)
                answers = [
                    (key, value) for key, value in fields.items() if key.endswith("?") and value
                ]
                yield "\n".join(f"{key}\n{value.strip()}" for key, value in answers)
