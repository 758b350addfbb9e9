"""What a small Hub for tests keeps: repositories with commits, tags and pull requests, all in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property


def git_blob(content: bytes) -> str:
    """Return Git's sha1 (hexadecimal) of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class StoredFile:
    """A file of a commit; ``lfs`` says whether its content lies in the object store."""

    content: bytes
    lfs: bool

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def blob(self) -> str:
        """Git's sha1 of what Git itself holds: the content, or the pointer to it."""
        if not self.lfs:
            return git_blob(self.content)
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}")
        return git_blob("\n".join((*lines, f"size {len(self.content)}", "")).encode())

    @property
    def oid(self) -> str:
        return self.sha256 if self.lfs else self.blob


@dataclass
class Commit:
    """One revision: all files of the tree by path, and the paths it changed."""

    oid: str
    title: str
    files: dict[str, StoredFile]
    changed: frozenset[str] = frozenset()


@dataclass
class PullRequest:
    """A proposed commit."""

    number: int
    author: str
    title: str
    commit: Commit
    status: str = "open"


@dataclass
class Repository:
    """A repository with the single branch ``main``."""

    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    pull_requests: list[PullRequest] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch, tag, pull request or hash names."""
        if revision == "main":
            return self.head
        proposed = {f"refs/pr/{each.number}": each.commit for each in self.pull_requests}
        if revision in proposed:
            return proposed[revision]
        oid = self.tags.get(revision, revision)
        known = [*self.commits, *proposed.values()]
        return next((commit for commit in known if commit.oid == oid), None)

    def add(self, title: str, files: dict[str, StoredFile]) -> Commit:
        """Append a commit to the branch."""
        self.commits.append(self._commit(title, files))
        return self.head

    def propose(self, author: str, title: str, files: dict[str, StoredFile]) -> PullRequest:
        """Open a pull request with one commit on top of the branch."""
        number = len(self.pull_requests) + 1
        commit = self._commit(f"{title} #{number}", files)
        self.pull_requests.append(PullRequest(number, author, title, commit))
        return self.pull_requests[-1]

    def merge(self, number: int) -> Commit:
        """Put what a pull request proposes on the branch."""
        request = self.pull_requests[number - 1]
        request.status = "merged"
        return self.add(f"Merge #{number}", request.commit.files)

    def _commit(self, title: str, files: dict[str, StoredFile]) -> Commit:
        """Return a commit whose hash follows from its place, title and tree."""
        tree = sorted((path, file.oid) for path, file in files.items())
        named = json.dumps([len(self.commits), title, tree]).encode()
        before = self.commits[-1].files if self.commits else {}
        changed = {
            path
            for path in before.keys() | files.keys()
            if path not in files or path not in before or before[path].oid != files[path].oid
        }
        return Commit(hashlib.sha1(named).hexdigest(), title, dict(files), frozenset(changed))
