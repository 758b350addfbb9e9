"""The list of documents to leave out: what a person, a court or a contract took back.

Only the standard library is imported here, since the workflow itself reads this module before any
environment exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from malmoi.errors import InputError
from malmoi.fingerprint import shard_of

_DOCUMENT = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"(?P<source>[a-z][a-z0-9_]*):(?P<path>.*\S.*)")


@dataclass
class Takedown:
    """Ids of documents, and by source the raw files (or ``archive!member``) whose documents go."""

    documents: set[str] = field(default_factory=set)
    files: dict[str, set[str]] = field(default_factory=dict)

    def in_shard(self, shard: int, shards: int) -> list[str]:
        """Return the ids that belong to one of ``shards`` shards, sorted."""
        return sorted(each for each in self.documents if shard_of(each, shards) == shard)


def read(path: str | Path) -> Takedown:
    """Return what a list says: a line is a ``doc_id``, ``source:path`` of a raw file, empty or a ``#`` remark.

    Raises:
        InputError: the file is missing or not UTF-8, or a line is none of these.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist; write the list, or leave the key empty"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8; save it as UTF-8") from error
    found = Takedown()
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        if _DOCUMENT.fullmatch(line):
            found.documents.add(line)
        elif match := _FILE.fullmatch(line):
            found.files.setdefault(match["source"], set()).add(match["path"].strip())
        else:
            raise InputError(
                f"{path}, line {number}: {line[:60]!r} is neither a doc_id (32 hexadecimal digits) nor "
                "source:path; take it from results/ledger.csv"
            )
    return found
