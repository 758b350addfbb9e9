"""Send a finished package where the settings say and write the receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish import checksums, hub
from malmoi.publish.decisions import failed_gates, read_gates
from malmoi.publish.hub_client import Limits

TARGETS = ("none", "folder", "hub")


def publish(
    package: str | Path,
    receipt: str | Path,
    settings: Mapping[str, Any],
    limits: Limits | None = None,
) -> None:
    """Publish ``package`` and write ``receipt`` (JSON) last, so that a receipt means it was done.

    ``settings`` has ``target`` (``none``, ``folder``: the package is what is published, ``hub``),
    ``repo_id``, ``private``, ``endpoint``, ``pull_request`` (propose the commit, do not put it on the
    branch), ``max_hours`` (for all of it) and ``repo_type`` (``model``, ``dataset``). The receipt lists
    every file with sha256 and size; of a Hub it also names endpoint, repository, visibility, commit, tag
    and pull request.

    ``limits`` on waiting for a Hub are made of the settings where not given.

    Raises:
        InputError: the package is not whole, a gate failed, or the target refused it.
    """
    target = settings.get("target") or "none"
    if target not in TARGETS:
        raise InputError(f"publish.target is {target!r}; it can be {', '.join(TARGETS)}")
    package = Path(package)
    files = checksums.read(package)
    _check_gates(package)
    said: dict[str, Any] = {
        "target": target,
        "repo_id": settings.get("repo_id"),
        "revision": None,
        "tag": None,
        "pull_request": None,
        "fingerprint": files[-1].sha256,
        "files": [asdict(file) for file in files],
    }
    if target == "folder":
        said["folder"] = str(package)
    elif target == "hub":
        if not settings.get("repo_id"):
            raise InputError(
                "publish.target is hub but publish.repo_id is not set (namespace/name)"
            )
        said.update(
            hub.publish(
                package,
                files,
                repo_id=str(settings["repo_id"]),
                private=settings.get("private", True) is not False,
                endpoint=settings.get("endpoint") or None,
                pull_request=settings.get("pull_request") is True,
                repo_type=str(settings.get("repo_type") or "model"),
                limits=limits or _limits(settings),
            )
        )
    write_json(receipt, said)
    LOG.info("published %s: target %s", package, target)


def _limits(settings: Mapping[str, Any]) -> Limits:
    hours = settings.get("max_hours")
    return Limits(whole=float(hours) * 3600) if hours else Limits()


def _check_gates(package: Path) -> None:
    decided = read_gates(package)
    failed = failed_gates(decided)
    if failed or not decided:
        raise InputError(
            f"{package} did not pass its gates ({', '.join(failed) or 'none was run'}); "
            "run the package step again"
        )
