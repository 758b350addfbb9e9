"""Raw files come over bad lines, from where they broke off, and are what they should be or are refused."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from malmoi.errors import InputError
from malmoi.readers import download
from malmoi.readers.download import fetch_dataset_file, fetch_url

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server:
    """Serves ``content`` at every address, with the faults of ``faults`` one request after the other."""

    def __init__(self):
        self.content = CONTENT
        self.etag = '"one"'
        self.ranges = True
        self.faults = []
        self.requests = []
        handler = type("Handler", (_Handler,), {"server_of": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def asked(self):
        """The first byte asked for by each GET, None for the whole."""
        return [first for method, _, first in self.requests if method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def serve(self):
        server = self.server_of
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else None
        server.requests.append((self.command, self.headers, first))
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int):
            self.answer(fault, b"", {"Retry-After": "0"})
            return
        headers = {"ETag": server.etag} if server.etag else {}
        hub = re.fullmatch(rf"/datasets/a/b/resolve/{COMMIT}/(.+)", self.path)
        if self.path.startswith("/datasets/") and not hub:
            self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        if hub and self.command == "HEAD":
            headers = {"X-Repo-Commit": COMMIT, "ETag": server.etag}
            if hub[1].endswith(".bin"):
                headers |= {"X-Linked-Etag": f'"{SHA256}"', "X-Linked-Size": str(len(CONTENT))}
                # The same machine by another name is another host.
                store = server.url.replace("127.0.0.1", "localhost")
                self.answer(302, b"", headers | {"Location": f"{store}/store?signature=s3cret"})
                return
        body = server.content
        status = 200
        if first is not None and server.ranges and self.headers["If-Range"] == server.etag:
            if first >= len(body):
                self.answer(416, b"", {})
                return
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[first:]
        self.answer(status, body, headers, cut=fault == "cut")

    def answer(self, status, body, headers, cut=False):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.wfile.flush()
            self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    for name in ("HF_TOKEN", "HF_ENDPOINT", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    started = Server()
    yield started
    started.http.shutdown()
    started.http.server_close()


def files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_fetched_once(server, tmp_path):
    target = tmp_path / "new" / "a.zip"
    fetch_url(f"{server.url}/a.zip", SHA256.upper(), target)
    assert target.read_bytes() == CONTENT
    fetch_url(f"{server.url}/a.zip", SHA256, target)
    assert server.asked == [None]
    assert files(tmp_path) == {"a.zip"}


def test_a_target_that_is_another_file_is_replaced(server, tmp_path):
    (tmp_path / "a").write_bytes(b"older")
    fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_it_goes_on_where_the_line_was_cut(server, tmp_path):
    server.faults = ["cut", 503, "cut"]
    fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.asked == [None, half, half, half + half // 2]
    assert files(tmp_path) == {"a"}


def test_the_next_run_goes_on_as_well(server, tmp_path):
    server.faults = ["cut", 500, 500, 500]
    with pytest.raises(
        InputError, match=f"answers 500; run again later.* byte {len(CONTENT) // 2}"
    ):
        fetch_url(f"{server.url}/a?key=s3cret", SHA256, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    assert server.asked[-1] == len(CONTENT) // 2
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("why", ["no ranges", "no version", "changed"])
def test_it_begins_again_where_it_cannot_go_on(server, tmp_path, why):
    server.ranges = why != "no ranges"
    server.etag = "" if why == "no version" else '"one"'
    server.faults = ["cut", 500, 500, 500]
    with pytest.raises(InputError):
        fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    content = CONTENT
    if why == "changed":
        content, server.etag = CONTENT[::-1], '"two"'
        server.content = content
    fetch_url(f"{server.url}/a", hashlib.sha256(content).hexdigest(), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content


def test_a_part_that_was_spoilt_is_fetched_again(server, tmp_path):
    (tmp_path / "a.part").write_bytes(b"spoilt")
    (tmp_path / "a.part.version").write_text(server.etag)
    fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    assert server.asked == [6, None]
    (tmp_path / "a").unlink()
    (tmp_path / "a.part").write_bytes(CONTENT)
    (tmp_path / "a.part.version").write_text(server.etag)
    fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_another_file_is_refused_and_thrown_away(server, tmp_path):
    with pytest.raises(InputError, match=f"{SHA256}, expected was {'0' * 64}"):
        fetch_url(f"{server.url}/a", "0" * 64, tmp_path / "a")
    assert not files(tmp_path)
    assert server.asked == [None]


@pytest.mark.parametrize("status", [401, 404])
def test_a_refusal_is_told_at_once_and_no_secret_with_it(server, tmp_path, status, caplog):
    server.faults = [status]
    address = server.url.replace("//", "//user:s3cret@")
    with pytest.raises(InputError, match=f"127.0.0.1.*/a.zip.* {status}, ") as error:
        fetch_url(f"{address}/a.zip?key=s3cret", SHA256, tmp_path / "a")
    assert len(server.asked) == 1
    assert "s3cret" not in str(error.value) + caplog.text


def test_a_server_that_stays_away(server, tmp_path):
    server.http.server_close()
    with pytest.raises(InputError, match="run again later"):
        fetch_url(f"{server.url}/a", SHA256, tmp_path / "a")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/a", "a.zip", "http:///a", "http://host:port/a"]
)
def test_what_is_no_address_is_refused(tmp_path, url):
    with pytest.raises(InputError, match=r"an address begins|Invalid port"):
        fetch_url(url, SHA256, tmp_path / "a")


def test_a_file_of_a_dataset(server, tmp_path, monkeypatch):
    blob = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
    server.etag = f'"{blob}"'
    server.faults = [503, None, "cut"]
    target = tmp_path / "자료" / "가.jsonl"
    fetch_dataset_file("a/b", COMMIT, "자료/가.jsonl", target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, len(CONTENT) // 2]
    fetch_dataset_file("a/b", COMMIT, "자료/가.jsonl", target)
    assert len(server.asked) == 2
    assert {headers["Authorization"] for _, headers, _ in server.requests} == {"Bearer hf_s3cret"}


def test_a_token_stays_with_the_hub(server, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
    fetch_dataset_file("a/b", COMMIT, "큰.bin", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    head, get = (headers for _, headers, _ in server.requests)
    assert head["Authorization"] == "Bearer hf_s3cret"
    assert get["Authorization"] is None
    server.content = CONTENT[::-1]
    with pytest.raises(InputError, match=SHA256) as error:
        fetch_dataset_file("a/b", COMMIT, "큰.bin", tmp_path / "b")
    assert "s3cret" not in str(error.value) + caplog.text


def test_a_dataset_that_cannot_be_had(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    with pytest.raises(InputError, match="40 hexadecimal"):
        fetch_dataset_file("a/b", "main", "a", tmp_path / "a")
    with pytest.raises(InputError, match="404"):
        fetch_dataset_file("a/b", "f" * 40, "a", tmp_path / "a")
    with pytest.raises(InputError, match="a//b"):
        fetch_dataset_file("a//b", COMMIT, "a", tmp_path / "a")
    # No checksum, so no Hub.
    with pytest.raises(InputError, match="HF_ENDPOINT"):
        fetch_dataset_file("a/b", COMMIT, "a", tmp_path / "a")
