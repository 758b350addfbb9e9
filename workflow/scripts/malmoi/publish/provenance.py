"""Where a model comes from, for machines: fingerprints of settings, code and data, library versions."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import malmoi
from malmoi import fingerprint

#: Keys of the config's ``publish`` section that say where a package goes, not what it is.
TARGET_KEYS = ("target", "repo_id", "private", "endpoint")


def provenance(
    *,
    config: Mapping[str, Any],
    training: Mapping[str, Any],
    manifests: Mapping[str, Mapping[str, Any]],
    files: Sequence[Path],
    libraries: Mapping[str, str],
) -> dict[str, Any]:
    """Return the provenance of a package.

    ``config`` is shown without the keys that say where the package goes and with absolute paths cut to
    their last part, so that neither a repository name nor a home folder ends up in it. ``manifests`` are
    the instance manifests by phase; ``files`` are the other inputs, listed by name and sha256; ``libraries``
    are the versions that the stages' environments pin.
    """
    cleaned = _without_places(config)
    if isinstance(cleaned.get("publish"), dict):
        for key in TARGET_KEYS:
            cleaned["publish"].pop(key, None)
    return {
        "malmoi": malmoi.__version__,
        "config": cleaned,
        "config_fingerprint": fingerprint.of_value(cleaned),
        "code": _code(),
        "libraries": _versions(libraries),
        "python": platform.python_version(),
        "training": dict(training),
        "shards": {
            phase: {
                split: [
                    {"path": Path(shard["path"]).name, "sha256": shard["sha256"]}
                    for shard in content["shards"]
                ]
                for split, content in manifest["splits"].items()
            }
            for phase, manifest in manifests.items()
        },
        "inputs": [
            {"name": file.name, "sha256": fingerprint.of_file(file)}
            for file in sorted(files, key=lambda file: (file.name, str(file)))
        ],
    }


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_places(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_places(part) for part in value]
    if isinstance(value, str) and value.startswith(("/", "~")):
        return Path(value).name
    return value


def _code() -> dict[str, str]:
    """Return a sha256 for each room of the library, and one for the files below all rooms."""
    root = fingerprint.LIBRARY / "malmoi"
    rooms: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        room = relative.parts[0] if len(relative.parts) > 1 else "base"
        rooms.setdefault(room, []).append((relative.as_posix(), fingerprint.of_file(path)))
    return {room: fingerprint.of_value(files) for room, files in sorted(rooms.items())}


def _versions(pinned: Mapping[str, str]) -> dict[str, str]:
    """Return the versions installed here; of what only other stages' environments hold, those pinned."""
    versions = dict(pinned)
    for name in pinned:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
