"""Publish through a random sequence of faults, and see what the repository holds after it.

Whatever goes wrong, each revision is the old package or the whole new one, and publishing again ends in the
new one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.hub_publisher import Published, Publisher
from tools.hub_routes import LFS_SUFFIXES
from tools.hub_server import HubServer
from tools.hub_store import Commit, Repository, StoredFile

REPO = "writer/tiny-bert"

#: Routes a publish goes through; those named twice are met more often.
ROUTES = (
    *("whoami", "create", "info", "tree", "preupload", "preupload", "batch", "batch", "verify"),
    *(
        "upload",
        "upload",
        "part",
        "part",
        "part",
        "complete",
        "commit",
        "commit",
        "commit",
        "commit",
    ),
    *("validate_yaml", "tag", "tag", "refs", "resolve", "resolve", "discussions"),
)

#: Routes whose requests have a body worth cutting.
_WITH_BODY = frozenset({"preupload", "batch", "upload", "part", "complete", "commit"})

#: Routes that a publish goes through several times, so that a fault may spare the first of them.
_SEVERAL = frozenset({"info", "tree", "upload", "part", "complete", "verify", "resolve"})

_PASSING = (408, 429, 500, 500, 502, 503, 504)
_REFUSING = (400, 401, 402, 403, 413, 507)


@dataclass(frozen=True)
class Outcome:
    """What a sequence led to; all but ``faults``, ``met`` and ``failed`` should be nothing.

    ``faults``: what was injected; ``met``: requests that met one of them; ``failed``: the first publish
    ended in an error; ``half``: revisions that hold neither the old nor the new package; ``unfinished``:
    why the rerun is not the new package, empty where it is; ``repeated``: commits more than one;
    ``noop_commits``: commits of a publish with nothing changed; ``leaks``: places where the token was found.
    """

    faults: list[str]
    met: int
    failed: bool
    half: int
    unfinished: str
    repeated: int
    noop_commits: int
    leaks: list[str]


def run_sequence(
    hub: HubServer, publisher: Publisher, packages: tuple[Path, Path], token: str, seed: int
) -> Outcome:
    """Publish the second package over the first, or over nothing, with faults drawn from ``seed``."""
    chance = random.Random(seed)
    old, new = packages
    hub.clear()
    hub.part_size = chance.choice([None, 700])
    start = chance.choice(["missing", "empty", "old", "old"])
    if start != "missing":
        repository = hub.create(REPO, private=True)
        if start == "old":
            put(hub, repository, old)
    known = [_content(old), _content(new), {}]
    settings: dict[str, Any] = {
        "repo_id": REPO,
        "private": True,
        "pull_request": chance.random() < 0.25,
    }
    before = _commits(hub)
    faults = [_inject(hub, publisher, chance, token) for _ in range(chance.randint(1, 4))]
    first = publisher.publish(new, settings, token, silence=0.5)
    half = _half(hub, known)
    hub.faults.clear()
    second = publisher.publish(new, settings, token)
    half = max(half, _half(hub, known))
    made = _commits(hub) - max(before, 1)
    third = publisher.publish(new, settings, token)
    return Outcome(
        faults=faults,
        met=hub.met,
        failed=bool(first.error),
        half=half,
        unfinished=_unfinished(hub, second, _content(new), settings["pull_request"]),
        repeated=max(0, made - 1),
        noop_commits=_commits(hub) - max(before, 1) - made + bool(third.error),
        leaks=_leaks(token, publisher.folder, first, second, third),
    )


def put(hub: HubServer, repository: Repository, package: Path) -> Commit:
    """Put a package on a repository's branch as if it had been published."""
    files = {".gitattributes": repository.head.files[".gitattributes"]}
    for path in package.iterdir():
        files[path.name] = StoredFile(path.read_bytes(), path.name.endswith(LFS_SUFFIXES))
    hub.objects |= {file.sha256: file.content for file in files.values() if file.lfs}
    return repository.add("earlier", files)


def _inject(hub: HubServer, publisher: Publisher, chance: random.Random, token: str) -> str:
    route = chance.choice(ROUTES)
    ways: list[Mapping[str, Any]] = [
        {"status": chance.choice(_PASSING), "headers": {"Retry-After": chance.choice("013")}},
        {"status": chance.choice(_PASSING), "done": True},
        {"status": chance.choice(_REFUSING), "headers": {"X-Error-Message": f"not by {token}"}},
        {"status": 429, "headers": {"Retry-After": "86400"}},
        {"status": 503, "page": True},
        {"drop": "before"},
        {"drop": "after"},
        {"truncate": True},
        {"corrupt": True},
    ]
    if route in _WITH_BODY:
        ways += [{"cut": chance.random()}] * 3
    rare = chance.random()
    if rare < 0.03:
        ways = [{"before": publisher.kill}]
    elif rare < 0.05:
        ways = [{"delay": 0.8}]
    way = dict(chance.choice(ways))
    if "delay" not in way and "before" not in way:
        way["times"] = chance.choice([1, 1, 1, 2, 3, 6, 40])
    if route in _SEVERAL:
        way["skip"] = chance.choice([0, 0, 0, 1, 2, 5])
    hub.fail(route, **way)
    return f"{route} {way}"


def _content(package: Path) -> dict[str, str]:
    return {path.name: StoredFile(path.read_bytes(), True).sha256 for path in package.iterdir()}


def _held(commit: Commit) -> dict[str, str]:
    return {path: file.sha256 for path, file in commit.files.items() if path != ".gitattributes"}


def _revisions(hub: HubServer) -> list[Commit]:
    repository = hub.repositories.get(REPO)
    if repository is None:
        return []
    return [*repository.commits, *(request.commit for request in repository.pull_requests)]


def _commits(hub: HubServer) -> int:
    return len(_revisions(hub))


def _half(hub: HubServer, known: list[dict[str, str]]) -> int:
    return sum(_held(commit) not in known for commit in _revisions(hub))


def _unfinished(hub: HubServer, done: Published, wanted: dict[str, str], proposed: bool) -> str:
    """Return what is missing after a publish without faults, nothing where it is complete."""
    if done.error or not done.receipt:
        return f"error: {done.error}"
    repository = hub.repositories[REPO]
    commit = repository.at(done.receipt["revision"])
    if commit is None or _held(commit) != wanted:
        return f"the receipt's revision {done.receipt['revision']} is not the package"
    if proposed:
        return "" if done.receipt["pull_request"] else "no pull request"
    if commit is not repository.head:
        return "the branch is at another commit"
    return "" if repository.tags.get(done.receipt["tag"]) == commit.oid else "no tag"


def _leaks(token: str, folder: Path, *published: Published) -> list[str]:
    texts = {
        f"{number}: {name}": str(getattr(done, name))
        for number, done in enumerate(published)
        for name in ("receipt", "error", "log", "output")
    }
    for path in folder.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    return [where for where, text in texts.items() if token in text or "signature=" in text]
