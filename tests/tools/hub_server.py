"""A small Hugging Face Hub for tests: the HTTP API that huggingface_hub 2.x speaks, kept in memory.

Models and data sets; files named ``*.safetensors`` or ``*.parquet`` and large ones go through Git LFS (batch,
basic or multipart upload, verify), all others are part of the commit. Faults can be injected by route::

    with HubServer(tokens={"secret": "writer"}) as hub:
        hub.fail("commit", status=500)           # once, before the work
        hub.fail("commit", drop="after")         # once: do the work, then cut the connection
        hub.fail("part", cut=0.5, skip=2)        # hang up in the middle of the third part
        ...
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tools.hub_faults import Fault, next_fault
from tools.hub_routes import ROUTES, Routes
from tools.hub_store import Repository, StoredFile

__all__ = ["HubServer", "StoredFile"]


class HubServer:
    """The Hub; ``tokens`` maps a token to the name of its user, ``roles`` a token to its role.

    ``part_size``: objects larger than so many bytes are uploaded in parts of that size; ``quota``: bytes
    of objects there is room for; ``requests``: method and route of each request; ``received``: bytes of
    requests' bodies by route; ``met``: requests that met a fault.
    """

    def __init__(self, tokens: dict[str, str], roles: dict[str, str] | None = None) -> None:
        self.tokens = tokens
        self.roles = roles or {}
        self.lock = threading.RLock()
        self.clear()
        self._http = _Http(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def clear(self) -> None:
        """Forget everything but tokens and address."""
        with self.lock:
            self.repositories: dict[str, Repository] = {}
            self.objects: dict[str, bytes] = {}
            self.parts: dict[tuple[str, int], bytes] = {}
            self.part_size: int | None = None
            self.quota: int | None = None
            self.faults: list[Fault] = []
            self.met = 0
            self.requests: list[tuple[str, str]] = []
            self.received: Counter[str] = Counter()

    def create(self, repo_id: str, private: bool) -> Repository:
        """Make a repository as the Hub does: with a first commit that holds ``.gitattributes``."""
        repository = Repository(private)
        attributes = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
        repository.add("initial commit", {".gitattributes": StoredFile(attributes, False)})
        self.repositories[repo_id] = repository
        return repository

    def fail(self, route: str, **how: Any) -> None:
        """Make some of the next requests to ``route`` (a name in ``ROUTES``) fail: see ``Fault``."""
        with self.lock:
            self.faults.append(Fault(route, **how))


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(Routes, BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    # Headers and body would otherwise wait for each other's acknowledgement, 40 ms per answer.
    disable_nagle_algorithm = True

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

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        route, names = self._find(parts.path)
        with self.hub.lock:
            self.hub.requests.append((self.command, route))
            fault = next_fault(self.hub.faults, route)
            self.hub.met += fault is not None
            fault = fault or Fault(route)
        if fault.cut is not None:
            self._count(route, self.rfile.read(int(self._length() * fault.cut)))
            self._hang_up()
            return
        self.body = self._count(route, self._read_body())
        time.sleep(fault.delay)
        if fault.drop == "before":
            self._hang_up()
            return
        with self.hub.lock:
            if fault.before is not None:
                fault.before()
            if not route:
                self.error(404, "no such route")
            elif fault.status is None or fault.done:
                work: Callable[..., None] = getattr(self, f"_{route}")
                work(**names)
        if fault.drop == "after":
            self._hang_up()
            return
        if fault.status is not None:
            self.error(fault.status, "injected fault", headers=dict(fault.headers))
        if fault.page:
            self.send(fault.status or 502, b"<html>no</html>", {"Content-Type": "text/html"})
        self._answer(fault)

    def _find(self, path: str) -> tuple[str, dict[str, str]]:
        method = "GET" if self.command == "HEAD" else self.command
        for route, verb, pattern in ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                names = {key: unquote(value or "") for key, value in match.groupdict().items()}
                if "name" in names:
                    kind = "datasets/" if names.pop("kind") == "datasets" else ""
                    names["repo"] = kind + names.pop("name")
                return route, names
        return "", {}

    def _length(self) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def _count(self, route: str, body: bytes) -> bytes:
        with self.hub.lock:
            self.hub.received[route] += len(body)
        return body

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(self._length())
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, fault: Fault) -> None:
        status, body, headers = self.answer
        self.send_response(status)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault.corrupt and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        # A client that gave up waiting is gone by now.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[: len(body) // 2] if fault.truncate else body)
        if fault.truncate:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
