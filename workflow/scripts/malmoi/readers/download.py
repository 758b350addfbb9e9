"""Fetch files that are elsewhere: one by its address, one of a Hugging Face dataset, or an encoder's.

What has come stays beside the target as ``<name>.part`` and the next try, or the next run, goes on from there.
Only a file whose checksum is right gets its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx2

from malmoi import fingerprint, pretrained
from malmoi.errors import InputError
from malmoi.progress import LOG, track

PUBLIC_HUB = "https://huggingface.co"

#: Seconds between tries that fail one after the other; one more try than there are waits.
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)

#: The longest wait, in seconds, that a server may ask for by Retry-After.
LONGEST_WAIT = 60.0

#: Seconds without an answer or a byte after which a connection is given up, and those to make one.
SILENCE = 60.0
CONNECTING = 15.0

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

#: Bytes read at once. A try that brought as many does not count as failed.
_CHUNK = 1 << 20

_CURES = {
    401: "it is private or not there; for a Hub set HF_TOKEN to a token that may read it",
    403: "you may not have it; a gated repository's terms must be accepted on its page first",
    404: "there is no such file",
    410: "the file is gone",
}


@dataclass(frozen=True)
class _Offer:
    """Where a file can be had now, and the checksum it must have: sha256, or Git's sha1 of a blob."""

    address: str
    checksum: str
    headers: Mapping[str, str]


class _PassingError(Exception):
    """A try failed in a way that the next one may not; ``wait`` is what the server asks for, in seconds."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def fetch_url(url: str, sha256: str, target_path: str | Path) -> None:
    """Fetch the file at an ``http`` or ``https`` address unless the target is that file already.

    Raises:
        InputError: the address is none, the server refuses it or stays away, or the file has another
            sha256 (hexadecimal).
    """
    if not re.match(r"https?://[^/?#]", url):
        raise InputError(f"{url}: an address begins with https:// or http:// and a host")
    _fetch(_shown(url), lambda: _Offer(url, sha256.lower(), {}), Path(target_path))


def fetch_dataset_file(dataset: str, revision: str, name: str, target_path: str | Path) -> None:
    """Fetch one file of a dataset on the Hugging Face Hub unless the target is that file already.

    ``dataset`` is ``namespace/name``, ``revision`` a commit (40 hexadecimal digits), ``name`` the file's
    path in the dataset. ``HF_TOKEN`` and ``HF_ENDPOINT`` of the environment count; the checksum is the one
    that the Hub has for the commit.

    Raises:
        InputError: the revision is no commit, the Hub refuses the file or stays away, or another file comes.
    """
    _fetch_hub_file("dataset", dataset, revision, name, Path(target_path))


def fetch_encoder(model: str, revision: str, weights: bool, folder: str | Path) -> None:
    """Fetch the tokenizer and configuration of a model on the Hub and, with ``weights``, its safetensors.

    The same holds as for ``fetch_dataset_file``.

    Raises:
        InputError: as there; or the model has no BERT tokenizer, or no weights but a pickle.
    """
    _check_commit("model", model, revision)
    names = _listed(model, revision)
    pretrained.check_files(model, names, weights)
    for name in names:
        if pretrained.is_used(name, weights):
            _fetch_hub_file("model", model, revision, name, Path(folder) / name)


def _fetch_hub_file(kind: str, repository: str, revision: str, name: str, target: Path) -> None:
    _check_commit(kind, repository, revision)
    shown = f"{name} of the {kind} {repository}"
    _fetch(shown, lambda: _offered(kind, repository, revision, name, shown), target)


def _check_commit(kind: str, repository: str, revision: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise InputError(
            f"{kind} {repository}: revision {revision!r} may stand for another commit tomorrow; give the "
            f"commit itself, 40 hexadecimal digits, as the {kind}'s history shows it"
        )


def _hub() -> tuple[str, str | bool]:
    """Return the Hub's address and the token to show it, False without one."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub.utils import logging

    # Its warnings print whole addresses, signatures among them.
    logging.set_verbosity_error()
    endpoint = (os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
    return endpoint, os.environ.get("HF_TOKEN", "").strip() or False


@contextlib.contextmanager
def _hub_refusals(kind: str, repository: str, shown: str) -> Iterator[None]:
    """Turn what the Hub's client refuses by itself into an InputError."""
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except HFValidationError as error:
        raise InputError(f"{kind} {repository}: {error}") from None
    except OfflineModeIsEnabled:
        raise InputError(f"{shown} is not here, and HF_HUB_OFFLINE forbids to fetch it") from None


def _listed(model: str, revision: str) -> list[str]:
    """Return the names of a model's files at a commit, in order."""
    endpoint, token = _hub()
    import huggingface_hub

    shown = f"the list of files of the model {model}"
    client = huggingface_hub.HfApi(endpoint=endpoint, token=token)
    waits = list(WAITS)
    while True:
        try:
            with _hub_refusals("model", model, shown), _told_apart():
                found = client.model_info(model, revision=revision, timeout=CONNECTING)
            return sorted(file.rfilename for file in found.siblings or ())
        except _PassingError as error:
            if not waits:
                raise InputError(f"{shown} cannot be fetched: {error}; run again later") from None
            time.sleep(min(max(waits.pop(0), error.wait), LONGEST_WAIT))
        except httpx2.HTTPError as error:
            raise InputError(f"{shown} cannot be fetched: {_said(error)}") from None


def _offered(kind: str, repository: str, revision: str, name: str, shown: str) -> _Offer:
    """Ask the Hub where a file is; addresses of its stores are signed and last for minutes only."""
    endpoint, token = _hub()
    import huggingface_hub
    from huggingface_hub.utils import build_hf_headers

    with _hub_refusals(kind, repository, shown):
        url = huggingface_hub.hf_hub_url(
            repository, name, repo_type=kind, revision=revision, endpoint=endpoint
        )
        found = huggingface_hub.get_hf_file_metadata(
            url, token=token, timeout=CONNECTING, endpoint=endpoint
        )
    if found.commit_hash != revision or not re.fullmatch(
        r"[0-9a-f]{40}([0-9a-f]{24})?", found.etag or ""
    ):
        raise InputError(
            f"{shown}: {endpoint} does not say commit and checksum as a Hub does; is HF_ENDPOINT right?"
        )
    at_home = urlsplit(found.location).netloc == urlsplit(endpoint).netloc
    headers = build_hf_headers(token=token if at_home else False)
    return _Offer(found.location, found.etag, headers)


def _fetch(shown: str, offer: Callable[[], _Offer], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(target)
    failures = 0
    again = False
    while True:
        before = part.size
        try:
            with _told_apart():
                offered = offer()
                if target.is_file() and _checksum(target, offered.checksum) == offered.checksum:
                    LOG.info("%s is here already", shown)
                    part.remove()
                    return
                resumed = _transfer(offered, part, shown)
        except _PassingError as error:
            failures = 1 if part.size - before >= _CHUNK else failures + 1
            if failures > len(WAITS):
                raise InputError(
                    f"{shown} cannot be fetched: {error}; run again later to go on from byte {part.size}"
                ) from None
            wait = min(max(WAITS[failures - 1], error.wait), LONGEST_WAIT)
            LOG.warning("%s: %s; next try in %.0f s", shown, error, wait)
            time.sleep(wait)
            continue
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise InputError(f"{shown} cannot be fetched: {_said(error)}") from None
        found = _checksum(part.path, offered.checksum)
        if found == offered.checksum:
            part.finish()
            LOG.info("%s fetched, %d bytes", shown, target.stat().st_size)
            return
        part.remove()
        if again or not resumed:
            raise InputError(
                f"{shown} has the checksum {found}, expected was {offered.checksum}; what came is thrown "
                "away. The file was changed there, or the expected checksum is that of another file"
            )
        LOG.warning("%s: its parts do not make the file; fetching it from the beginning", shown)
        again = True


def _transfer(offered: _Offer, part: _Part, shown: str) -> bool:
    """Fetch what is missing of a file; return whether there was something of it before."""
    have, validator = part.size, part.validator
    # Compressed on the way, bytes could not be counted.
    headers = {"User-Agent": "malmoi", **offered.headers, "Accept-Encoding": "identity"}
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    timeout = httpx2.Timeout(SILENCE, connect=CONNECTING)
    with (
        httpx2.Client(follow_redirects=True, timeout=timeout) as client,
        client.stream("GET", offered.address, headers=headers) as response,
    ):
        if "Range" in headers and response.status_code == 416:
            # All of it is here, which the checksum tells.
            return True
        response.raise_for_status()
        resumed = response.status_code == 206
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.remove()
            raise _PassingError("the server sent another part than the one asked for")
        if not resumed:
            part.begin(_validator(response.headers))
        size = response.headers.get("Content-Length", "")
        total = int(size) // _CHUNK if size.isdigit() else None
        with part.path.open("ab") as file:
            for _ in track(_written(response, file), f"fetching {shown}", total, "MiB"):
                pass
        return resumed


def _written(response: httpx2.Response, file: BinaryIO) -> Iterator[None]:
    """Write a file as its bytes come; yield once for each full ``_CHUNK``."""
    waiting = 0
    for piece in response.iter_bytes():
        file.write(piece)
        waiting += len(piece)
        while waiting >= _CHUNK:
            waiting -= _CHUNK
            yield


class _Part:
    """What has come of a file, beside the place of the whole, and how its server knows its version."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.version")

    @property
    def size(self) -> int:
        """The bytes that are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def validator(self) -> str:
        """The value for If-Range, empty where the server gave none."""
        return self._note.read_text(encoding="latin-1") if self._note.is_file() else ""

    def begin(self, validator: str) -> None:
        """Throw away what is here, before a version of the file comes from its beginning."""
        self.path.write_bytes(b"")
        self._note.write_text(validator, encoding="latin-1")

    def finish(self) -> None:
        """Make this the whole file."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.path, self._target)
        self.remove()

    def remove(self) -> None:
        """Throw away what is here."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _validator(headers: httpx2.Headers) -> str:
    """Return what names a version of a file in If-Range, empty where its bytes cannot be continued."""
    if headers.get("Content-Encoding", "identity") != "identity":
        return ""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _checksum(path: Path, like: str) -> str:
    """Return a file's checksum of the kind of ``like``: sha256, or Git's sha1 of a blob (40 digits)."""
    if len(like) == 64:
        return fingerprint.of_file(path)
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """Turn those errors of a client into ``_PassingError`` that another try may not meet."""
    try:
        yield
    except httpx2.HTTPError as error:
        response = _response(error)
        if response is None and isinstance(error, httpx2.TransportError):
            raise _PassingError(_said(error)) from None
        if response is None or response.status_code not in PASSING_STATUSES:
            raise
        wait = response.headers.get("Retry-After", "")
        raise _PassingError(_said(error), float(wait) if wait.isdigit() else 0.0) from None


def _response(error: Exception) -> httpx2.Response | None:
    return getattr(error, "response", None)


def _said(error: Exception) -> str:
    """Return an error in one line, without queries of addresses, which may be signatures."""
    response = _response(error)
    if response is not None:
        cure = _CURES.get(response.status_code)
        return f"the server answers {response.status_code}" + (f", {cure}" if cure else "")
    return _shown(" ".join(str(error).split())) or type(error).__name__


def _shown(text: str) -> str:
    """Return a text with its addresses as far as they hold no login, query or fragment."""
    return re.sub(r"(https?://)(?:[^\s/@]*@)?([^\s?#'\"]+)[^\s'\"]*", r"\1\2", text)
