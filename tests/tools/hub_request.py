"""One request to a small Hub for tests: what is known of it, who may do what, and how it is answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.hub_store import Commit, Repository

if TYPE_CHECKING:
    from tools.hub_server import HubServer


class Request:
    """A request; ``answer`` holds what is to be sent."""

    hub: HubServer
    command: str
    headers: Any
    query: dict[str, list[str]]
    body: bytes
    answer: tuple[int, bytes, dict[str, str]]

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Set the answer."""
        self.answer = (status, body, headers)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer with JSON."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        self.send(status, json.dumps(value).encode(), headers)

    def error(
        self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Answer with an error as the Hub writes it."""
        extra = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self.json({"error": message}, status, {**extra, **(headers or {})})

    # Rights -----------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The token the request shows, empty where it shows none."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def user(self) -> str | None:
        """Return whose token it is, None where nobody's."""
        return self.hub.tokens.get(self.token)

    def readable(self, repo: str) -> Repository | None:
        """Return a repository the user may read; answer with an error where there is none."""
        repository = self.hub.repositories.get(repo)
        allowed = repository and (not repository.private or self.user() == owner(repo))
        if not allowed:
            self.error(401 if repository else 404, "Repository not found", "RepoNotFound")
            return None
        return repository

    def writable(self, repo: str, proposed: bool = False) -> Repository | None:
        """Return a repository the user may write to, or, where ``proposed``, open a pull request in."""
        if self.user() is None:
            self.error(401, "Invalid username or password.")
        elif self.hub.roles.get(self.token) == "read" or not (
            proposed or self.user() == owner(repo)
        ):
            self.error(403, "You don't have the rights to write to this repository")
        else:
            return self.readable(repo)
        return None

    def commit_of(self, repository: Repository, revision: str) -> Commit | None:
        """Return a revision's commit; answer with an error where there is none."""
        commit = repository.at(revision or "main")
        if commit is None:
            self.error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit


def owner(repo: str) -> str:
    """Return the namespace of a repository."""
    return repo.removeprefix("datasets/").split("/")[0]
