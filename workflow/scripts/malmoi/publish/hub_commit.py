"""Upload what changed and make it one commit, on the branch or as a pull request.

Uploads may be repeated: an object that arrived is not asked for again, and nothing refers to it before the
commit. The commit itself is sent again only after the repository was looked at, since its answer may have
been lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish.checksums import PackageFile
from malmoi.publish.hub_calls import is_passing
from malmoi.publish.hub_changes import Changes, compare
from malmoi.publish.hub_repository import BRANCH, PullRequest, Repository

#: Files up to so many bytes are held in memory from check to commit; only larger ones can change meanwhile.
IN_MEMORY = 16 << 20


def commit(
    repository: Repository, package: Path, files: Sequence[PackageFile], proposed_by: str | None
) -> tuple[str, PullRequest | None]:
    """Bring the branch to exactly ``files`` by at most one commit, or propose it as a pull request.

    ``proposed_by`` is the user in whose name a pull request is opened, None for a commit on the branch.
    Where the branch, or an open pull request of that user, already holds the files, nothing is done.

    Returns:
        The commit that holds ``files`` and, where it is not on the branch, its pull request.

    Raises:
        InputError: somebody else changed the branch, a file changed, or the Hub refused.
    """
    name = repository.calls.name
    head = repository.head()
    there = repository.tree(head)
    changes = compare(there, package, files)
    if not changes:
        LOG.info("%s already holds this package; no commit", name)
        return head, None
    if proposed_by and (found := repository.pull_request(proposed_by, package, files)):
        LOG.info("%s already holds this package; no commit", found.url)
        return found.revision, found
    repository.check_owned(head, there)
    operations = _upload(repository, package, changes, proposed_by is not None)
    return _commit(repository, package, files, head, operations, proposed_by)


def _upload(repository: Repository, package: Path, changes: Changes, proposed: bool) -> list[Any]:
    """Send large files ahead and return the operations of the commit."""
    from huggingface_hub import CommitOperationDelete

    calls = repository.calls
    additions = [_addition(package, file) for file in changes.upload]
    large = [file for file in changes.upload if file.size > IN_MEMORY]
    size = sum(file.size for file in changes.upload)
    LOG.info(
        "%s: %d files to upload (%.1f MB), %d to delete, %d kept",
        calls.name,
        len(additions),
        size / 1e6,
        len(changes.delete),
        len(changes.keep),
    )
    try:
        # The client tries each transfer six times by itself.
        calls.api.preupload_lfs_files(
            **calls.place, additions=additions, revision=BRANCH, create_pr=proposed
        )
    except Exception as error:
        _check_unchanged(package, large)
        raise calls.told(error, "uploading") from None
    _check_unchanged(package, large)
    return [
        *additions,
        *(CommitOperationDelete(path, is_folder=False) for path in changes.delete),
    ]


def _commit(
    repository: Repository,
    package: Path,
    files: Sequence[PackageFile],
    head: str,
    operations: list[Any],
    proposed_by: str | None,
) -> tuple[str, PullRequest | None]:
    calls = repository.calls
    for wait in (*calls.limits.waits, None):
        try:
            made = calls.api.create_commit(
                **calls.place,
                operations=operations,
                commit_message=f"Publish package {files[-1].sha256[:12]}",
                revision=BRANCH,
                parent_commit=head,
                create_pr=proposed_by is not None,
            )
            if proposed_by:
                return made.oid, PullRequest(made.oid, str(made.pr_url))
            return made.oid, None
        except Exception as error:
            found = _made(repository, package, files, head, proposed_by)
            if not found:
                if wait is None or not is_passing(error):
                    raise calls.told(error, "committing") from None
                calls.wait(wait, error, "committing")
                # A commit that takes longer than its answer is waited for may have been made by now.
                found = _made(repository, package, files, head, proposed_by)
            if found:
                LOG.info("the answer to the commit was lost, but the commit was made")
                return found
    raise AssertionError("the last try returns or raises")


def _made(
    repository: Repository,
    package: Path,
    files: Sequence[PackageFile],
    head: str,
    proposed_by: str | None,
) -> tuple[str, PullRequest | None] | None:
    """Return the commit that was made though its answer was lost, None where there is none."""
    if proposed_by:
        found = repository.pull_request(proposed_by, package, files)
        return (found.revision, found) if found else None
    now = repository.head()
    if now == head:
        return None
    if compare(repository.tree(now), package, files):
        raise InputError(
            f"{repository.calls.name} moved to commit {now} while this package was on its way, by "
            "somebody else; look at that commit, then run again"
        )
    return now, None


def _addition(package: Path, file: PackageFile) -> Any:
    from huggingface_hub import CommitOperationAdd

    path = package / file.path
    if not path.resolve().is_relative_to(package.resolve()):
        raise InputError(f"{path} leads out of the package by a link; build the package again")
    if file.size > IN_MEMORY:
        _check_unchanged(package, [file])
        return CommitOperationAdd(file.path, str(path))
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _changed(path)
    return CommitOperationAdd(file.path, content)


def _check_unchanged(package: Path, files: Sequence[PackageFile]) -> None:
    for file in files:
        path = package / file.path
        if not path.is_file() or fingerprint.of_file(path) != file.sha256:
            raise _changed(path)


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} changed while it was being published; nothing was committed. Build the package again"
    )
