"""Hashes that say whether two runs are the same run: of settings, of files and of code.

Only the standard library is imported here, since the workflow itself reads this module before any
environment exists.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

#: The folder that holds the ``malmoi`` package.
LIBRARY = Path(__file__).resolve().parent.parent


def canonical(value: Any) -> str:
    """Return JSON text that is equal for equal values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def of_value(value: Any) -> str:
    """Return the sha256 (hexadecimal) of a JSON-like value."""
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def of_file(path: str | Path) -> str:
    """Return the sha256 (hexadecimal) of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_weights(folder: str | Path) -> str:
    """Return the sha256 (hexadecimal) of a model folder's weights: names and bytes of its safetensors files."""
    return of_value({path.name: of_file(path) for path in Path(folder).glob("*.safetensors")})


def shard_of(doc_id: str, shards: int) -> int:
    """Return the shard, 0 to ``shards`` - 1, that a document belongs to, from its id alone."""
    return int(doc_id[:8], 16) % shards


def of_code(*files: str | Path) -> str:
    """Return the sha256 of files together with every malmoi module the Python ones import, at any depth.

    Comments and docstrings count: the hash is of the files' bytes.
    """
    paths = with_imports(*files)
    return of_value(sorted((str(path.relative_to(LIBRARY)), of_file(path)) for path in paths))


def with_imports(*files: str | Path) -> set[Path]:
    """Return files together with every malmoi module the Python ones import, at any depth.

    Other files, such as a template, stand for themselves. Imports are read from the syntax tree, so nothing
    is executed.
    """
    found: set[Path] = set()
    names: set[str] = set()
    waiting = [Path(file).resolve() for file in files]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            new = _imported_names(path.read_bytes(), str(path)) - names
            names |= new
            waiting.extend(file for name in new for file in _module_files(name))
    return found


# Most rules run the same modules, and the workflow is read anew for each job.
@functools.cache
def _imported_names(source: bytes, filename: str) -> frozenset[str]:
    found: list[str] = []
    for node in _statements(ast.parse(source, filename=filename).body):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return frozenset(name for name in found if name.split(".")[0] == "malmoi")


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    # Expressions, nine in ten of a tree's nodes, hold no import.
    for node in body:
        yield node
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            yield from _statements(getattr(node, part, ()))


def _module_files(name: str) -> Iterable[Path]:
    path = LIBRARY
    for part in name.split("."):
        path = path / part
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if candidate.is_file():
                yield candidate
