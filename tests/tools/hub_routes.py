"""The routes of a small Hub for tests: what each request does and is answered with."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import yaml
from tools.hub_large_files import LargeFiles
from tools.hub_request import owner
from tools.hub_store import StoredFile

LFS_SUFFIXES = (".safetensors", ".parquet")

#: Files of at least so many bytes go through Git LFS, whatever their name.
LFS_BYTES = 10_000_000

_API = r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)"
_REPO = r"(?:/(?P<kind>datasets))?/(?P<name>[^/]+/[^/]+)"
_OID = r"(?P<oid>[0-9a-f]{64})"

#: (name, method, path) in the order they are tried; HEAD is answered like GET without a body.
ROUTES = (
    ("harnesses", "GET", r"/api/agent-harnesses"),
    ("whoami", "GET", r"/api/whoami-v2"),
    ("create", "POST", r"/api/repos/create"),
    ("validate_yaml", "POST", r"/api/validate-yaml"),
    ("verify", "POST", r"/api/lfs-verify"),
    ("upload", "PUT", rf"/lfs/{_OID}"),
    ("part", "PUT", rf"/lfs/{_OID}/(?P<number>\d+)"),
    ("complete", "POST", rf"/lfs/{_OID}/complete"),
    ("refs", "GET", rf"{_API}/refs"),
    ("tree", "GET", rf"{_API}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?"),
    ("tag", "POST", rf"{_API}/tag/(?P<revision>[^/]+)"),
    ("preupload", "POST", rf"{_API}/preupload/(?P<revision>[^/]+)"),
    ("commit", "POST", rf"{_API}/commit/(?P<revision>[^/]+)"),
    ("discussions", "GET", rf"{_API}/discussions"),
    ("info", "GET", rf"{_API}(?:/revision/(?P<revision>[^/]+))?"),
    ("batch", "POST", rf"{_REPO}\.git/info/lfs/objects/batch"),
    ("resolve", "GET", rf"{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
)


class Routes(LargeFiles):
    """One request's work: a method per route, ``_`` and its name."""

    @property
    def _proposed(self) -> bool:
        return self.query.get("create_pr") == ["1"]

    # Routes -----------------------------------------------------------------------------------------

    def _harnesses(self) -> None:
        self.json({})

    def _whoami(self) -> None:
        user = self.user()
        if user is None:
            self.error(401, "Invalid username or password.")
            return
        role = self.hub.roles.get(self.token, "write")
        self.json({"name": user, "orgs": [], "auth": {"accessToken": {"role": role}}})

    def _create(self) -> None:
        asked = json.loads(self.body)
        user = self.user()
        if user is None:
            self.error(401, "Invalid username or password.")
            return
        kind = "datasets/" if asked.get("type") == "dataset" else ""
        repo = f"{kind}{asked.get('organization') or user}/{asked['name']}"
        url = {"url": f"{self.hub.url}/{repo}"}
        if user != owner(repo):
            self.error(403, f"You don't have the rights to create a model under {repo}")
        elif repo in self.hub.repositories:
            self.json({**url, "error": "You already created this model repo"}, 409)
        else:
            self.hub.create(repo, asked.get("visibility") == "private")
            self.json(url)

    def _info(self, repo: str, revision: str = "") -> None:
        repository = self.readable(repo)
        commit = repository and self.commit_of(repository, revision)
        if repository and commit:
            siblings = [{"rfilename": path} for path in sorted(commit.files)]
            answer = {"id": repo, "modelId": repo, "sha": commit.oid, "siblings": siblings}
            counted = {"tags": [], "downloads": 0, "likes": 0}
            self.json({**answer, **counted, "private": repository.private})

    def _tree(self, repo: str, revision: str, path: str = "") -> None:
        repository = self.readable(repo)
        commit = repository and self.commit_of(repository, revision)
        if not commit:
            return
        files = {
            name: file
            for name, file in sorted(commit.files.items())
            if not path or name.startswith(path + "/")
        }
        if path and not files:
            self.error(404, f"{path} does not exist", "EntryNotFound")
            return
        entries = []
        for name, file in files.items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(file.content)}
            entry["oid"] = file.blob
            if file.lfs:
                entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
            entries.append(entry)
        self.json(entries)

    def _refs(self, repo: str) -> None:
        repository = self.readable(repo)
        if not repository:
            return
        head = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid}
            for name, oid in sorted(repository.tags.items())
        ]
        requests = [
            {
                "name": f"{each.number}",
                "ref": f"refs/pr/{each.number}",
                "targetCommit": each.commit.oid,
            }
            for each in repository.pull_requests
        ]
        asked = {"pullRequests": requests} if self.query.get("include_prs") == ["1"] else {}
        self.json({"branches": [head], "tags": tags, "converts": [], **asked})

    def _discussions(self, repo: str) -> None:
        repository = self.readable(repo)
        if not repository:
            return
        author, status = (self.query.get(name, [""])[0] for name in ("author", "status"))
        found = [
            {
                "title": each.title,
                "num": each.number,
                "author": {"name": each.author},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "status": each.status,
                "repo": {"name": repo.removeprefix("datasets/"), "type": "model"},
                "isPullRequest": True,
            }
            for each in repository.pull_requests
            if author in ("", each.author) and status in ("", "all", each.status)
        ]
        self.json({"discussions": found, "count": len(found), "start": 0})

    def _tag(self, repo: str, revision: str) -> None:
        repository = self.writable(repo)
        commit = repository and self.commit_of(repository, revision)
        if repository and commit:
            name = json.loads(self.body)["tag"]
            if name in repository.tags:
                self.error(409, f"Tag reference exists already: {name}")
            else:
                repository.tags[name] = commit.oid
                self.json({})

    def _validate_yaml(self) -> None:
        content = json.loads(self.body)["content"]
        errors = []
        match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            known = isinstance(yaml.safe_load(match.group(1)), dict) if match else True
            errors = [] if known else [{"message": "the metadata is no mapping"}]
        except yaml.YAMLError as error:
            errors = [{"message": str(error)}]
        self.json({"warnings": [], "errors": errors}, 400 if errors else 200)

    def _preupload(self, repo: str, revision: str) -> None:
        repository = self.writable(repo, self._proposed)
        commit = repository and self.commit_of(repository, revision)
        if not commit:
            return
        files = []
        for asked in json.loads(self.body)["files"]:
            stored = commit.files.get(asked["path"])
            large = asked["path"].endswith(LFS_SUFFIXES) or asked["size"] >= LFS_BYTES
            mode = "lfs" if large else "regular"
            answer = {"path": asked["path"], "uploadMode": mode, "shouldIgnore": False}
            files.append({**answer, **({"oid": stored.oid} if stored else {})})
        self.json({"files": files})

    # Commits and files ------------------------------------------------------------------------------

    def _commit(self, repo: str, revision: str) -> None:
        repository = self.writable(repo, self._proposed)
        if not repository:
            return
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repository.head.oid):
            self.error(412, "A commit has happened since. Please refresh and try again.")
            return
        files = dict(repository.head.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = StoredFile(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    self.error(400, f"LFS object {value['oid']} was never uploaded")
                    return
                files[value["path"]] = StoredFile(self.hub.objects[value["oid"]], True)
            elif files.pop(value["path"], None) is None:
                self.error(404, "A file with this name doesn't exist", "EntryNotFound")
                return
        if self._proposed:
            request = repository.propose(str(self.user()), header["summary"], files)
            commit = request.commit
            asked = {"pullRequestUrl": f"{self.hub.url}/{repo}/discussions/{request.number}"}
        else:
            commit, asked = repository.add(header["summary"], files), {}
        url = f"{self.hub.url}/{repo}/commit/{commit.oid}"
        self.json({"success": True, "commitUrl": url, "commitOid": commit.oid, **asked})

    def _resolve(self, repo: str, revision: str, path: str) -> None:
        repository = self.readable(repo)
        commit = repository and self.commit_of(repository, revision)
        if not commit:
            return
        file = commit.files.get(path)
        if file is None:
            headers = {"X-Repo-Commit": commit.oid}
            self.error(404, "Entry not found", "EntryNotFound", headers)
            return
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.oid}"', "Accept-Ranges": "bytes"}
        if file.lfs:
            headers |= {
                "X-Linked-Etag": f'"{file.sha256}"',
                "X-Linked-Size": str(len(file.content)),
            }
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if start:
            first, size = int(start.group(1)), len(file.content)
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
            self.send(206, file.content[first:], headers)
        else:
            self.send(200, file.content, headers)
