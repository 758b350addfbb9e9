"""Publish a package to a Hugging Face Hub in one commit and believe only what is read back.

The order is: token, repository and its visibility, what is there, one commit, what is there now, tag,
read back. A commit whose answer is lost may have been made, so the branch is read before any second try.
``HF_ENDPOINT`` counts only when ``huggingface_hub`` is imported, so nothing here imports it early.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish import checksums
from malmoi.publish.checksums import PackageFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Answer = TypeVar("Answer")

PUBLIC_HUB = "https://huggingface.co"

#: Seconds between tries of a call that failed in passing; one more try than there are waits.
WAITS = (1.0, 2.0, 4.0, 8.0)

#: The longest wait, in seconds, that a server may ask for by Retry-After.
LONGEST_WAIT = 60.0

#: Seconds without an answer, or without progress of an upload, after which a call is given up.
SILENCE = 120.0

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

#: Files a Hub makes by itself in a repository.
_HUB_FILES = frozenset({".gitattributes"})

BRANCH = "main"


def publish(
    package: Path,
    files: Sequence[PackageFile],
    *,
    repo_id: str,
    private: bool,
    endpoint: str | None,
) -> dict[str, Any]:
    """Bring the repository to exactly ``files``, tag it, read it back and return the receipt's part.

    ``files`` is the checked list of the package, ``SHA256SUMS`` last; its sha256 names the tag. The
    token is ``HF_TOKEN`` of the environment. A repository that already holds the same files gets no
    commit.

    Returns:
        ``endpoint``, ``repo_id``, ``private``, ``revision`` (commit hash) and ``tag``.

    Raises:
        InputError: no token or right, a visibility other than ``private`` says, files malmoi did not
            write, a server that fails or changes content; the message says which.
    """
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        raise InputError("HF_TOKEN is not set; export a token that may write to the repository")
    api = connect(endpoint, token)
    repository = _Repository(api, repo_id, token)
    repository.prepare(private)
    revision = repository.commit(package, files)
    tag = repository.tag(files[-1].sha256[:12], revision, package, files)
    repository.read_back(files, revision)
    LOG.info("%s is at commit %s, tag %s", repo_id, revision, tag)
    return {
        "endpoint": api.endpoint,
        "repo_id": repo_id,
        "private": private,
        "revision": revision,
        "tag": tag,
    }


def connect(endpoint: str | None, token: str) -> HfApi:
    """Return a client of ``endpoint`` (None: ``HF_ENDPOINT`` or the public Hub) with time limits.

    A Hub of one's own is taken to speak plain Git LFS, since the client has no way back from Xet.

    Raises:
        InputError: the process already imported the client for another endpoint.
    """
    endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
    os.environ["HF_ENDPOINT"] = endpoint
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if endpoint != PUBLIC_HUB:
        os.environ["HF_HUB_DISABLE_XET"] = "1"

    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars, httpx, logging
    from huggingface_hub.utils._http import hf_request_event_hook

    if constants.ENDPOINT.rstrip("/") != endpoint:
        raise InputError(
            f"huggingface_hub was loaded for {constants.ENDPOINT} before publish.endpoint {endpoint} "
            "was known; set HF_ENDPOINT to it before starting"
        )

    def client() -> Any:
        return httpx.Client(
            event_hooks={"request": [hf_request_event_hook]},
            follow_redirects=True,
            timeout=httpx.Timeout(SILENCE, connect=15.0),
        )

    huggingface_hub.set_client_factory(client)
    # Its warnings print whole URLs, signed upload addresses among them.
    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    return huggingface_hub.HfApi(endpoint=endpoint, token=token)


class _Repository:
    """One model repository on a Hub, spoken to with patience."""

    def __init__(self, api: HfApi, repo_id: str, token: str) -> None:
        self.api = api
        self.repo_id = repo_id
        self._token = token

    def prepare(self, private: bool) -> None:
        """Check the token, make the repository where it is missing, and check who can see it."""
        from huggingface_hub.utils import HFValidationError, validate_repo_id

        try:
            validate_repo_id(self.repo_id)
        except HFValidationError as error:
            raise InputError(f"publish.repo_id: {error}") from None
        if self.repo_id.count("/") != 1:
            raise InputError(f"publish.repo_id is {self.repo_id!r}; it must be namespace/name")
        user = self._try(self.api.whoami, "asking who the token belongs to")
        role = ((user.get("auth") or {}).get("accessToken") or {}).get("role")
        if role == "read":
            raise InputError("HF_TOKEN may only read; make a token with write access")
        self._try(
            lambda: self.api.create_repo(self.repo_id, private=private, exist_ok=True),
            "creating the repository",
        )
        # An existing repository keeps its visibility, whatever create_repo was asked for.
        seen = self._try(
            lambda: self.api.model_info(self.repo_id), "reading the repository"
        ).private
        if bool(seen) != private:
            there, wanted = ("private" if seen else "public"), ("true" if private else "false")
            raise InputError(
                f"{self.repo_id} exists and is {there}, but publish.private is {wanted}; nothing was "
                "uploaded. Choose another publish.repo_id, or change one of the two"
            )

    def commit(self, package: Path, files: Sequence[PackageFile]) -> str:
        """Make at most one commit that brings the branch to ``files``; return the commit hash."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        head = self._head()
        there = self._tree(head)
        if self._same(there, package, files):
            LOG.info("%s already holds this package; no commit", self.repo_id)
            return head
        gone = self._gone(head, there, files)
        for wait in (*WAITS, None):
            # The client marks operations as used, so each try gets its own.
            operations: list[Any] = [
                CommitOperationAdd(file.path, str(package / file.path)) for file in files
            ]
            for operation, file in zip(operations, files, strict=True):
                if operation.upload_info.sha256.hex() != file.sha256:
                    raise InputError(f"{package / file.path} changed while it was being published")
            operations += [CommitOperationDelete(path, is_folder=False) for path in gone]
            try:
                return self.api.create_commit(
                    self.repo_id,
                    operations,
                    commit_message=f"Publish package {files[-1].sha256[:12]}",
                    revision=BRANCH,
                    parent_commit=head,
                ).oid
            except Exception as error:
                now = self._head()
                if now != head and self._same(self._tree(now), package, files):
                    LOG.info("the answer to the commit was lost, but the commit was made")
                    return now
                if now != head:
                    raise InputError(
                        f"{self.repo_id} moved to commit {now} while this package was on its way, by "
                        "somebody else; nothing of it was published. Look at that commit, then run again"
                    ) from None
                if wait is None or not _is_passing(error):
                    raise self._told(error, "committing") from None
                self._wait(wait, error, "committing")
        raise AssertionError("the last try returns or raises")

    def tag(self, name: str, revision: str, package: Path, files: Sequence[PackageFile]) -> str:
        """Tag ``revision``; a tag that is there already must stand for the same files."""
        self._try(
            lambda: self.api.create_tag(self.repo_id, tag=name, revision=revision, exist_ok=True),
            "tagging",
        )
        refs = self._try(lambda: self.api.list_repo_refs(self.repo_id), "reading tags")
        target = next((ref.target_commit for ref in refs.tags if ref.name == name), None)
        if target != revision and (
            target is None or not self._same(self._tree(target), package, files)
        ):
            raise InputError(
                f"tag {name} of {self.repo_id} stands for commit {target}, which holds other files; "
                "delete the tag and run again"
            )
        return name

    def read_back(self, files: Sequence[PackageFile], revision: str) -> None:
        """Download the revision into an empty folder and compare every checksum."""
        with tempfile.TemporaryDirectory() as folder:
            self._try(
                lambda: self.api.snapshot_download(
                    self.repo_id, revision=revision, local_dir=folder, force_download=True
                ),
                "reading back",
            )
            for file in files:
                copy = Path(folder) / file.path
                if not copy.is_file() or fingerprint.of_file(copy) != file.sha256:
                    raise InputError(
                        f"{file.path} of {self.repo_id} at {revision} is not what was uploaded; no "
                        "receipt is written. Run again, and if it stays so ask who runs the Hub"
                    )

    def _head(self) -> str:
        info = self._try(
            lambda: self.api.model_info(self.repo_id, revision=BRANCH), "reading the branch"
        )
        return str(info.sha)

    def _tree(self, revision: str) -> dict[str, str]:
        """Return checksum by path: sha256 of a file in LFS, Git's sha1 of any other."""
        from huggingface_hub import RepoFile

        entries = self._try(
            lambda: list(self.api.list_repo_tree(self.repo_id, recursive=True, revision=revision)),
            "listing files",
        )
        return {
            entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
            for entry in entries
            if isinstance(entry, RepoFile) and entry.path not in _HUB_FILES
        }

    @staticmethod
    def _same(there: Mapping[str, str], package: Path, files: Sequence[PackageFile]) -> bool:
        from huggingface_hub.utils.sha import git_hash

        if set(there) != {file.path for file in files}:
            return False
        return all(
            there[file.path] == file.sha256
            or (
                len(there[file.path]) == 40
                and there[file.path] == git_hash((package / file.path).read_bytes())
            )
            for file in files
        )

    def _gone(self, head: str, there: Mapping[str, str], files: Sequence[PackageFile]) -> list[str]:
        """Return the files an earlier package left and this one has not.

        Raises:
            InputError: the repository holds files that no package of malmoi listed.
        """
        earlier: set[str] = {checksums.NAME}
        if checksums.NAME in there:
            with tempfile.TemporaryDirectory() as folder:
                path = self._try(
                    lambda: self.api.hf_hub_download(
                        self.repo_id, checksums.NAME, revision=head, local_dir=folder
                    ),
                    "reading the earlier package",
                )
                earlier |= set(checksums.parse(Path(path).read_text(encoding="utf-8")))
        # A card alone is what a Hub's own "new model" page leaves behind.
        foreign = sorted(set(there) - earlier - {"README.md"})
        if foreign:
            raise InputError(
                f"{self.repo_id} holds files malmoi did not write ({', '.join(foreign[:5])}); nothing "
                "was uploaded. Remove them there or choose another publish.repo_id"
            )
        return sorted(set(there) - {file.path for file in files})

    def _try(self, call: Callable[[], Answer], doing: str) -> Answer:
        """Call something that may safely be called twice, again after errors that pass."""
        for wait in (*WAITS, None):
            try:
                return call()
            except Exception as error:
                if wait is None or not _is_passing(error):
                    raise self._told(error, doing) from None
                self._wait(wait, error, doing)
        raise AssertionError("the last try returns or raises")

    def _wait(self, wait: float, error: Exception, doing: str) -> None:
        wait = min(max(wait, _asked_wait(error)), LONGEST_WAIT)
        LOG.warning("%s failed, next try in %.0f s: %s", doing, wait, self._said(error))
        time.sleep(wait)

    def _told(self, error: Exception, doing: str) -> Exception:
        """Return the error as the user should read it, or itself where it is a fault of malmoi."""
        status = _status(error)
        cure = {
            401: "HF_TOKEN is not accepted there, or the repository is not yours to see",
            402: "the quota or the plan does not allow it",
            403: "HF_TOKEN has no right to write there; make a token with write access to it",
            404: "there is no such repository for this token",
            413: "the quota does not allow it",
        }.get(status or 0, "run again; what was uploaded is not uploaded twice")
        if status is None and not _is_passing(error) and not isinstance(error, _expected_errors()):
            return error
        return InputError(
            f"{doing} failed for {self.repo_id} at {self.api.endpoint}: {self._said(error)}; {cure}"
        )

    def _said(self, error: Exception) -> str:
        """Return an error's text in one line, without the token and without queries of URLs."""
        text = " ".join(str(error).split()) or type(error).__name__
        return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", text.replace(self._token, "***"))


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__  # type: ignore[assignment]
    return found


def _status(error: Exception) -> int | None:
    for part in _chain(error):
        response = getattr(part, "response", None)
        if response is not None:
            return int(response.status_code)
    return None


def _expected_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    # The client raises ValueError for a card or an upload the server refuses, RuntimeError around it.
    return (
        HfHubHTTPError,
        OfflineModeIsEnabled,
        httpx.HTTPError,
        ValueError,
        RuntimeError,
        OSError,
    )


def _is_passing(error: Exception) -> bool:
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    status = _status(error)
    if status is not None:
        return status in PASSING_STATUSES
    passing = (httpx.TransportError, ConnectionError, TimeoutError)
    return any(
        isinstance(part, passing) and not isinstance(part, OfflineModeIsEnabled)
        for part in _chain(error)
    )


def _asked_wait(error: Exception) -> float:
    for part in _chain(error):
        headers = getattr(getattr(part, "response", None), "headers", {})
        asked = headers.get("Retry-After", "")
        if asked.isdigit():
            return float(asked)
    return 0.0
