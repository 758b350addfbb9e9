"""A small Hugging Face Hub for tests: the HTTP API that huggingface_hub 2.x speaks, kept in memory.

Model repositories only. Files named ``*.safetensors`` go through Git LFS (batch, basic upload, verify),
all others are part of the commit. Faults can be injected by route::

    with HubServer(tokens={"secret": "writer"}) as hub:
        hub.fail("commit", status=500)          # once, before the work
        hub.fail("commit", drop=True)           # once: do the work, then cut the connection
        ...
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LFS_SUFFIXES = (".safetensors",)
REPO = r"(?P<repo>[^/]+/[^/]+)"


def git_blob(content: bytes) -> str:
    """Return Git's sha1 (hexadecimal) of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class StoredFile:
    """A file of a commit; ``lfs`` says whether its content lies in the object store."""

    content: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        return self.sha256 if self.lfs else git_blob(self.content)


@dataclass
class Commit:
    """One revision: all files of the tree by path."""

    oid: str
    title: str
    files: dict[str, StoredFile]


@dataclass
class Repository:
    """A model repository with the single branch ``main``."""

    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch, tag or hash names."""
        if revision == "main":
            return self.head
        oid = self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit.oid == oid), None)

    def add(self, title: str, files: dict[str, StoredFile]) -> Commit:
        """Append a commit whose hash follows from its place, title and tree."""
        tree = sorted((path, file.oid) for path, file in files.items())
        named = json.dumps([len(self.commits), title, tree]).encode()
        self.commits.append(Commit(hashlib.sha1(named).hexdigest(), title, dict(files)))
        return self.head


@dataclass
class Fault:
    """What the next requests to a route get instead of a plain answer."""

    route: str
    status: int | None
    drop: bool
    times: int
    headers: dict[str, str]
    corrupt: bool
    before: Callable[[], object] | None


class HubServer:
    """The Hub; ``tokens`` maps a token to the name of its user, ``roles`` a token to its role."""

    def __init__(self, tokens: dict[str, str], roles: dict[str, str] | None = None) -> None:
        self.tokens = tokens
        self.roles = roles or {}
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self})
        )
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def create(self, repo_id: str, private: bool) -> Repository:
        """Make a repository as the Hub does: with a first commit that holds ``.gitattributes``."""
        repository = Repository(private)
        attributes = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
        repository.add("initial commit", {".gitattributes": StoredFile(attributes, False)})
        self.repositories[repo_id] = repository
        return repository

    def fail(
        self,
        route: str,
        *,
        status: int | None = None,
        drop: bool = False,
        times: int = 1,
        headers: dict[str, str] | None = None,
        corrupt: bool = False,
        before: Callable[[], object] | None = None,
    ) -> None:
        """Make the next ``times`` requests to ``route`` (a name in ``ROUTES``) fail.

        ``status``: answer so, before the work; ``drop``: do the work and cut the connection;
        ``corrupt``: flip the first byte of the answer; ``before``: call this, then go on.
        """
        self.faults.append(Fault(route, status, drop, times, headers or {}, corrupt, before))


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent; ``HubServer.requests`` tells what was asked."""

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    # One request ------------------------------------------------------------------------------------

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        self.body = self._read_body()
        method = "GET" if self.command == "HEAD" else self.command
        found = next(
            (
                (name, match.groupdict())
                for name, verb, pattern in ROUTES
                if verb == method and (match := re.fullmatch(pattern, parts.path))
            ),
            None,
        )
        if found is None:
            self._error(404, "no such route")
            return
        name, groups = found
        names = {key: unquote(value or "") for key, value in groups.items()}
        with self.hub.lock:
            self.hub.requests.append((self.command, name))
            fault = next((fault for fault in self.hub.faults if fault.route == name), None)
            if fault is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.hub.faults.remove(fault)
                if fault.status is not None:
                    self._error(fault.status, "injected fault", headers=fault.headers)
                    return
            if fault is not None and fault.before is not None:
                fault.before()
            self._corrupt = fault is not None and fault.corrupt
            work: Callable[..., None] = getattr(self, f"_{name}")
            if fault is not None and fault.drop:
                self._silent = True
                work(**names)
                self.close_connection = True
                self.connection.close()
                return
            work(**names)

    _silent = False
    _corrupt = False

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if self._silent:
            return
        self.send_response(status)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self._corrupt and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": "application/json", **(headers or {})}
        self._send(status, json.dumps(value).encode(), headers)

    def _error(
        self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None
    ) -> None:
        extra = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._json({"error": message}, status, {**extra, **(headers or {})})

    # Rights -----------------------------------------------------------------------------------------

    @property
    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _user(self) -> str | None:
        return self.hub.tokens.get(self._token)

    def _readable(self, repo: str) -> Repository | None:
        repository = self.hub.repositories.get(repo)
        allowed = repository and (not repository.private or self._user() == repo.split("/")[0])
        if not allowed:
            self._error(401 if repository else 404, "Repository not found", "RepoNotFound")
            return None
        return repository

    def _writable(self, repo: str) -> Repository | None:
        if self._user() is None:
            self._error(401, "Invalid username or password.")
        elif self._user() != repo.split("/")[0] or self.hub.roles.get(self._token) == "read":
            self._error(403, "You don't have the rights to write to this repository")
        else:
            return self._readable(repo)
        return None

    def _commit_of(self, repository: Repository, revision: str) -> Commit | None:
        commit = repository.at(revision or "main")
        if commit is None:
            self._error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    # Routes -----------------------------------------------------------------------------------------

    def _harnesses(self) -> None:
        self._json({})

    def _whoami(self) -> None:
        user = self._user()
        if user is None:
            self._error(401, "Invalid username or password.")
            return
        role = self.hub.roles.get(self._token, "write")
        self._json({"name": user, "orgs": [], "auth": {"accessToken": {"role": role}}})

    def _create(self) -> None:
        asked = json.loads(self.body)
        user = self._user()
        if user is None:
            self._error(401, "Invalid username or password.")
            return
        repo = f"{asked.get('organization') or user}/{asked['name']}"
        url = {"url": f"{self.hub.url}/{repo}"}
        if repo in self.hub.repositories:
            self._json({**url, "error": "You already created this model repo"}, 409)
        elif user != repo.split("/")[0]:
            self._error(403, f"You don't have the rights to create a model under {repo}")
        else:
            self.hub.create(repo, asked.get("visibility") == "private")
            self._json(url)

    def _info(self, repo: str, revision: str = "") -> None:
        repository = self._readable(repo)
        commit = repository and self._commit_of(repository, revision)
        if repository and commit:
            siblings = [{"rfilename": path} for path in sorted(commit.files)]
            answer = {"id": repo, "modelId": repo, "sha": commit.oid, "siblings": siblings}
            self._json({**answer, "private": repository.private, "tags": [], "downloads": 0})

    def _tree(self, repo: str, revision: str, path: str = "") -> None:
        repository = self._readable(repo)
        commit = repository and self._commit_of(repository, revision)
        if not commit:
            return
        files = {
            name: file
            for name, file in sorted(commit.files.items())
            if not path or name.startswith(path + "/")
        }
        if path and not files:
            self._error(404, f"{path} does not exist", "EntryNotFound")
            return
        entries = []
        for name, file in files.items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(file.content)}
            entry["oid"] = git_blob(file.content)
            if file.lfs:
                entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
            entries.append(entry)
        self._json(entries)

    def _refs(self, repo: str) -> None:
        repository = self._readable(repo)
        if repository:
            head = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}
            tags = [
                {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid}
                for name, oid in sorted(repository.tags.items())
            ]
            self._json({"branches": [head], "tags": tags, "converts": []})

    def _tag(self, repo: str, revision: str) -> None:
        repository = self._writable(repo)
        commit = repository and self._commit_of(repository, revision)
        if repository and commit:
            name = json.loads(self.body)["tag"]
            if name in repository.tags:
                self._error(409, f"Tag reference exists already: {name}")
            else:
                repository.tags[name] = commit.oid
                self._json({})

    def _validate_yaml(self) -> None:
        content = json.loads(self.body)["content"]
        errors = []
        match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            known = isinstance(yaml.safe_load(match.group(1)), dict) if match else True
            errors = [] if known else [{"message": "the metadata is no mapping"}]
        except yaml.YAMLError as error:
            errors = [{"message": str(error)}]
        self._json({"warnings": [], "errors": errors}, 400 if errors else 200)

    def _preupload(self, repo: str, revision: str) -> None:
        repository = self._writable(repo)
        if not repository:
            return
        files = []
        for asked in json.loads(self.body)["files"]:
            stored = repository.head.files.get(asked["path"])
            mode = "lfs" if asked["path"].endswith(LFS_SUFFIXES) else "regular"
            answer = {"path": asked["path"], "uploadMode": mode, "shouldIgnore": False}
            files.append({**answer, **({"oid": stored.oid} if stored else {})})
        self._json({"files": files})

    def _batch(self, repo: str) -> None:
        if not self._writable(repo):
            return
        objects = []
        for asked in json.loads(self.body)["objects"]:
            answer = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                signed = f"{self.hub.url}/lfs/{asked['oid']}?signature=signed-{asked['oid'][:8]}"
                verify = f"{self.hub.url}/api/lfs-verify"
                answer["actions"] = {"upload": {"href": signed}, "verify": {"href": verify}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def _upload(self, oid: str) -> None:
        if self.query.get("signature") != [f"signed-{oid[:8]}"]:
            self._error(403, "the address is not signed")
        elif hashlib.sha256(self.body).hexdigest() != oid:
            self._error(400, "the content is not what its checksum says")
        else:
            self.hub.objects[oid] = self.body
            self._send(200, b"", {})

    def _verify(self) -> None:
        asked = json.loads(self.body)
        content = self.hub.objects.get(asked["oid"])
        if self._user() is None:
            self._error(401, "Invalid username or password.")
        elif content is None or len(content) != asked["size"]:
            self._error(404, "no such object")
        else:
            self._json({})

    def _commit(self, repo: str, revision: str) -> None:
        repository = self._writable(repo)
        if not repository:
            return
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repository.head.oid):
            self._error(412, "A commit has happened since. Please refresh and try again.")
            return
        files = dict(repository.head.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = StoredFile(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    self._error(400, f"LFS object {value['oid']} was never uploaded")
                    return
                files[value["path"]] = StoredFile(self.hub.objects[value["oid"]], True)
            elif files.pop(value["path"], None) is None:
                self._error(404, "A file with this name doesn't exist", "EntryNotFound")
                return
        commit = repository.add(header["summary"], files)
        url = f"{self.hub.url}/{repo}/commit/{commit.oid}"
        self._json({"success": True, "commitUrl": url, "commitOid": commit.oid})

    def _resolve(self, repo: str, revision: str, path: str) -> None:
        repository = self._readable(repo)
        commit = repository and self._commit_of(repository, revision)
        if not commit:
            return
        file = commit.files.get(path)
        if file is None:
            headers = {"X-Repo-Commit": commit.oid}
            self._error(404, "Entry not found", "EntryNotFound", headers)
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
            self._send(206, file.content[first:], headers)
        else:
            self._send(200, file.content, headers)


#: (name, method, path) in the order they are tried; HEAD is answered like GET without a body.
ROUTES = (
    ("harnesses", "GET", r"/api/agent-harnesses"),
    ("whoami", "GET", r"/api/whoami-v2"),
    ("create", "POST", r"/api/repos/create"),
    ("validate_yaml", "POST", r"/api/validate-yaml"),
    ("verify", "POST", r"/api/lfs-verify"),
    ("upload", "PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"),
    ("refs", "GET", rf"/api/models/{REPO}/refs"),
    ("tree", "GET", rf"/api/models/{REPO}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?"),
    ("tag", "POST", rf"/api/models/{REPO}/tag/(?P<revision>[^/]+)"),
    ("preupload", "POST", rf"/api/models/{REPO}/preupload/(?P<revision>[^/]+)"),
    ("commit", "POST", rf"/api/models/{REPO}/commit/(?P<revision>[^/]+)"),
    ("info", "GET", rf"/api/models/{REPO}(?:/revision/(?P<revision>[^/]+))?"),
    ("batch", "POST", rf"/{REPO}\.git/info/lfs/objects/batch"),
    ("resolve", "GET", rf"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
)
