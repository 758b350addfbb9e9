"""The client of a Hub: what it reads from the environment when imported, and the time limits it lacks.

``HF_ENDPOINT`` counts only when ``huggingface_hub`` is imported, so nothing at the top of the publishing
modules imports it.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from malmoi.errors import InputError
from malmoi.progress import INTERVAL, LOG

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PUBLIC_HUB = "https://huggingface.co"

#: Answers that may be different a little later.
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Limits:
    """How long a Hub is waited for, all in seconds.

    ``silence``: without an answer or any progress of a transfer; ``connecting``: for a connection;
    ``waits``: between tries of a call, one try more than there are waits; ``longest_wait``: the most that
    a server may ask for between tries; ``whole``: for everything together.
    """

    silence: float = 120.0
    connecting: float = 15.0
    waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    longest_wait: float = 300.0
    whole: float = 3 * 3600.0


class Deadline:
    """The moment a whole publish must be done by, and what was sent and received until now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._told = time.monotonic()
        self._transferred = 0

    def check(self, waiting: float = 0.0) -> None:
        """Raise InputError where ``waiting`` more seconds are not left."""
        if time.monotonic() + waiting > self._end:
            raise InputError(
                f"publishing was not done after {self.seconds / 3600:.3g} h and was given up; run again, "
                "files that arrived are not uploaded twice (publish.max_hours gives it longer)"
            )

    def passed(self, transferred: int) -> None:
        """Count bytes that went over the network; say so now and then."""
        self.check()
        self._transferred += transferred
        if time.monotonic() - self._told >= INTERVAL:
            self._told = time.monotonic()
            LOG.info("publish: %.0f MB over the network so far", self._transferred / 1e6)


def read_token() -> str | None:
    """Return ``HF_TOKEN`` of the environment, None where it is not set.

    Raises:
        InputError: it holds what cannot stand in a header; the client's own error would repeat it.
    """
    token = os.environ.get("HF_TOKEN", "").strip()
    if token and not re.fullmatch(r"[!-~]+", token):
        raise InputError("HF_TOKEN holds spaces or characters no token has; copy the token again")
    return token or None


def connect(
    endpoint: str | None, token: str | Literal[False], limits: Limits, deadline: Deadline
) -> HfApi:
    """Return a client of ``endpoint`` (None: ``HF_ENDPOINT`` or the public Hub) with time limits.

    A Hub of one's own is taken to speak plain Git LFS, since the client has no way back from Xet. The
    token (False: none) is shown to the endpoint alone. Transfers by Xet, at the public Hub, are under the
    time limits of ``hf_xet`` itself.

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
    home = httpx.URL(endpoint)

    class Watched(httpx.SyncByteStream):
        """The bytes of a request or an answer, counted as they pass."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self._stream:
                deadline.passed(len(chunk))
                yield chunk

        def close(self) -> None:
            self._stream.close()

    def before(request: Any) -> None:
        deadline.check()
        url = request.url
        elsewhere = (url.scheme, url.host, url.port) != (home.scheme, home.host, home.port)
        if elsewhere and token and token in request.headers.get("authorization", ""):
            raise InputError(
                f"{endpoint} asks for the token to be sent to {url.scheme}://{url.host}; it was not. Ask "
                "who runs the Hub to name its own address in Git LFS answers"
            )
        request.stream = Watched(request.stream)

    def after(response: Any) -> None:
        if response.status_code in PASSING_STATUSES:
            # The client's own tries go on without a word; of the address only the path is no secret.
            path = f"{response.request.method} {response.url.path}"
            LOG.info("%s answered %d to %s", response.url.host, response.status_code, path)
        asked = asked_wait(response)
        if asked > limits.longest_wait:
            raise InputError(
                f"{response.url.host} wants no further request for {asked:.0f} s; run again after that, "
                "files that arrived are not uploaded twice"
            )
        response.stream = Watched(response.stream)

    def client() -> Any:
        return httpx.Client(
            event_hooks={"request": [hf_request_event_hook, before], "response": [after]},
            follow_redirects=True,
            timeout=httpx.Timeout(limits.silence, connect=limits.connecting),
        )

    huggingface_hub.set_client_factory(client)
    # Its warnings print whole URLs, signed upload addresses among them.
    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    return huggingface_hub.HfApi(endpoint=endpoint, token=token)


def asked_wait(response: Any) -> float:
    """Return the seconds an answer that may pass asks to wait (``Retry-After``, ``RateLimit``), 0 if none."""
    from huggingface_hub.utils import parse_ratelimit_headers

    if response.status_code not in PASSING_STATUSES:
        return 0.0
    rate = parse_ratelimit_headers(response.headers) if response.status_code == 429 else None
    if rate is not None and rate.remaining == 0:
        return float(rate.reset_in_seconds)
    asked = response.headers.get("Retry-After", "").strip()
    return float(asked) if asked.isdigit() else 0.0
