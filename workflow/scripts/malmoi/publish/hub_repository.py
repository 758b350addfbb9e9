"""One repository on a Hub as it is now: who may write, what the branch holds, tags and pull requests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.checksums import PackageFile
from malmoi.publish.hub_calls import Calls
from malmoi.publish.hub_changes import HubFile, compare

BRANCH = "main"

#: Files a Hub makes by itself in a repository.
_HUB_FILES = frozenset({".gitattributes"})


@dataclass(frozen=True)
class PullRequest:
    """A pull request and the commit its branch is at."""

    revision: str
    url: str


def check_name(repo_id: str) -> None:
    """Raise InputError where ``repo_id`` cannot be the name of a repository in a namespace."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(f"publish.repo_id: {error}") from None
    if repo_id.count("/") != 1:
        raise InputError(f"publish.repo_id is {repo_id!r}; it must be namespace/name")


class Repository:
    """A repository that must be ``private`` or public, spoken to through ``calls``."""

    def __init__(self, calls: Calls, private: bool) -> None:
        self.calls = calls
        self._api = calls.api
        self._place: dict[str, Any] = dict(calls.place)
        self._private = private

    def user(self) -> str:
        """Return the name of the user whose token this is.

        Raises:
            InputError: the token is not known there or may only read.
        """
        user = self.calls.repeat(self._api.whoami, "asking who the token belongs to")
        role = ((user.get("auth") or {}).get("accessToken") or {}).get("role")
        if role == "read":
            raise InputError("HF_TOKEN may only read; make a token with write access")
        return str(user["name"])

    def create(self) -> None:
        """Make the repository where it is missing, and check who can see it."""
        self.calls.repeat(
            lambda: self._api.create_repo(**self._place, private=self._private, exist_ok=True),
            "creating the repository",
        )
        # An existing repository keeps its visibility, whatever create_repo was asked for.
        self.head()

    def head(self) -> str:
        """Return the commit the branch is at.

        Raises:
            InputError: the repository is not as visible as it should be.
        """
        info = self.calls.repeat(
            lambda: self._api.repo_info(**self._place, revision=BRANCH), "reading the branch"
        )
        if bool(info.private) != self._private:
            there, wanted = ("private", "false") if info.private else ("public", "true")
            raise InputError(
                f"{self.calls.name} exists and is {there}, but publish.private is {wanted}; it is not "
                "written to. Choose another publish.repo_id, or change one of the two"
            )
        return str(info.sha)

    def tree(self, revision: str) -> dict[str, HubFile]:
        """Return the files of a revision by path, without those a Hub makes by itself."""
        from huggingface_hub import RepoFile

        entries: Iterable[Any] = self.calls.repeat(
            lambda: list(
                self._api.list_repo_tree(**self._place, recursive=True, revision=revision)
            ),
            "listing files",
        )
        return {
            entry.path: HubFile(entry.lfs.sha256 if entry.lfs else entry.blob_id, entry.size)
            for entry in entries
            if isinstance(entry, RepoFile) and entry.path not in _HUB_FILES
        }

    def check_owned(self, revision: str, there: Mapping[str, HubFile]) -> None:
        """Raise InputError where a revision holds files that no package of malmoi listed."""
        earlier = {checksums.NAME}
        if checksums.NAME in there:
            with tempfile.TemporaryDirectory() as folder:
                path = self.download(checksums.NAME, revision, Path(folder))
                earlier |= set(checksums.parse(path.read_text(encoding="utf-8")))
        # A card alone is what a Hub's own "new model" page leaves behind.
        foreign = sorted(set(there) - earlier - {"README.md"})
        if foreign:
            raise InputError(
                f"{self.calls.name} holds files malmoi did not write ({', '.join(foreign[:5])}); nothing "
                "was uploaded. Remove them there or choose another publish.repo_id"
            )

    def download(self, path: str, revision: str, folder: Path) -> Path:
        """Download one file of a revision into ``folder``, never from a cache."""
        return Path(
            self.calls.repeat(
                lambda: self._api.hf_hub_download(
                    **self._place,
                    filename=path,
                    revision=revision,
                    local_dir=folder,
                    force_download=True,
                ),
                f"reading {path} back",
            )
        )

    def pull_request(
        self, user: str, package: Path, files: Sequence[PackageFile]
    ) -> PullRequest | None:
        """Return an open pull request of ``user`` that holds exactly ``files``, None where there is none."""
        requests: Iterable[Any] = self.calls.repeat(
            lambda: list(
                self._api.get_repo_discussions(
                    **self._place, author=user, discussion_type="pull_request"
                )
            ),
            "listing pull requests",
        )
        for request in sorted(requests, key=lambda request: -request.num):
            if request.author != user or request.status not in ("open", "draft"):
                continue
            revision = self._commit_of(request.git_reference)
            if not compare(self.tree(revision), package, files):
                return PullRequest(revision, request.url)
        return None

    def tag(self, name: str, revision: str, package: Path, files: Sequence[PackageFile]) -> None:
        """Tag ``revision``; a tag that is there already must stand for the same files.

        Raises:
            InputError: the tag stands for other files.
        """
        self.calls.repeat(
            lambda: self._api.create_tag(**self._place, tag=name, revision=revision, exist_ok=True),
            "tagging",
        )
        refs = self.calls.repeat(lambda: self._api.list_repo_refs(**self._place), "reading tags")
        target = next((ref.target_commit for ref in refs.tags if ref.name == name), None)
        if target != revision and (target is None or compare(self.tree(target), package, files)):
            raise InputError(
                f"tag {name} of {self.calls.name} stands for commit {target}, which holds other files; "
                "delete the tag and run again"
            )

    def _commit_of(self, reference: str) -> str:
        info = self.calls.repeat(
            lambda: self._api.repo_info(**self._place, revision=reference),
            "reading a pull request",
        )
        return str(info.sha)
