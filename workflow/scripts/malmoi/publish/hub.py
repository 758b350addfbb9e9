"""Publish a package to a Hugging Face Hub in one commit and believe only what is read back.

The order is: token, repository and its visibility, what is there, one commit, tag, read back. Modules
``hub_*`` hold the steps: the client, calls with patience, changes, the repository, the commit, reading back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish.checksums import PackageFile
from malmoi.publish.hub_calls import Calls
from malmoi.publish.hub_client import Deadline, Limits, connect, read_token
from malmoi.publish.hub_commit import commit
from malmoi.publish.hub_read_back import read_back
from malmoi.publish.hub_repository import Repository, check_name


def publish(
    package: Path,
    files: Sequence[PackageFile],
    *,
    repo_id: str,
    private: bool,
    endpoint: str | None,
    pull_request: bool = False,
    repo_type: str = "model",
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Bring the repository to exactly ``files``, tag it, read it back and return the receipt's part.

    ``files`` is the checked list of the package, ``SHA256SUMS`` last; its sha256 names the tag. The
    token is ``HF_TOKEN`` of the environment. A repository that already holds the same files gets no
    commit. With ``pull_request`` the commit is a pull request, which is left to its readers: the branch
    stays as it is, and a tag is given once it was merged and the same package is published again.

    Returns:
        ``endpoint``, ``repo_id``, ``repo_type``, ``private``, ``revision`` (commit hash), ``pull_request``
        (address or None) and ``tag`` (or None).

    Raises:
        InputError: no token or right, a visibility other than ``private`` says, files malmoi did not
            write, a server that fails or changes content; the message says which.
    """
    limits = limits or Limits()
    token = read_token()
    if not token:
        raise InputError("HF_TOKEN is not set; export a token that may write to the repository")
    deadline = Deadline(limits.whole)
    api = connect(endpoint, token, limits, deadline)
    check_name(repo_id)
    place = {"repo_id": repo_id, "repo_type": repo_type}
    calls = Calls(api, place, token=token, limits=limits, deadline=deadline)
    repository = Repository(calls, private)
    user = repository.user()
    repository.create()
    revision, request = commit(repository, package, files, user if pull_request else None)
    tag = None
    if request is None:
        tag = files[-1].sha256[:12]
        repository.tag(tag, revision, package, files)
    read_back(repository, files, revision)
    LOG.info(
        "%s is at commit %s, %s", request.url if request else repo_id, revision, tag or "no tag"
    )
    return {
        "endpoint": api.endpoint,
        "repo_id": repo_id,
        "repo_type": repo_type,
        "private": private,
        "revision": revision,
        "pull_request": request.url if request else None,
        "tag": tag,
    }
