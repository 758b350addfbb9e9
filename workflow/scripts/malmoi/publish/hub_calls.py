"""Calls to one repository of a Hub: tried again after errors that pass, and errors told without secrets."""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish.hub_client import PASSING_STATUSES, Deadline, Limits, asked_wait

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Answer = TypeVar("Answer")

#: What to do about an answer, by status.
_CURES = {
    401: "HF_TOKEN is not accepted there, or the repository is not yours to see",
    402: "the quota or the plan does not allow it",
    403: "HF_TOKEN has no right to write there, or the quota is used up; see what the Hub says",
    404: "there is no such repository for this token",
    413: "the quota does not allow it",
    507: "the quota does not allow it",
}


class Calls:
    """What may be asked of one repository, with patience.

    ``place`` holds ``repo_id`` and ``repo_type`` as the client's functions take them.
    """

    def __init__(
        self,
        api: HfApi,
        place: dict[str, str],
        *,
        token: str | None,
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self.api = api
        self.place = place
        self.limits = limits
        self._token = token
        self._deadline = deadline

    @property
    def name(self) -> str:
        """The repository as messages name it."""
        return self.place["repo_id"]

    def repeat(self, call: Callable[[], Answer], doing: str) -> Answer:
        """Call something that may safely be called twice, again after errors that pass.

        Raises:
            InputError: it failed for good; the message says what was being done.
        """
        for wait in (*self.limits.waits, None):
            try:
                return call()
            except Exception as error:
                if wait is None or not is_passing(error):
                    raise self.told(error, doing) from None
                self.wait(wait, error, doing)
        raise AssertionError("the last try returns or raises")

    def wait(self, seconds: float, error: Exception, doing: str) -> None:
        """Wait before the next try, as long as the server asks where that is longer."""
        answers = [getattr(part, "response", None) for part in _chain(error)]
        seconds = max(
            seconds, *(asked_wait(answer) for answer in answers if answer is not None), 0.0
        )
        self._deadline.check(seconds)
        LOG.warning("%s failed, next try in %.0f s: %s", doing, seconds, self.said(error))
        time.sleep(seconds)

    def told(self, error: Exception, doing: str) -> Exception:
        """Return the error as the user should read it, or itself where it is a fault of malmoi."""
        for part in _chain(error):
            if isinstance(part, InputError):
                return part
        status = status_of(error)
        said = self.said(error)
        if status is None and not is_passing(error) and not _is_expected(error):
            shown = "".join(traceback.format_exception(error))
            if self._token and self._token in shown:
                return RuntimeError(f"{doing} failed: {type(error).__name__}: {said}")
            return error
        cure = _CURES.get(status or 0, "run again; files that arrived are not uploaded twice")
        if "LFS batch API returned errors" in said:
            cure = "the Hub does not take these files, by its quota or its rules"
        return InputError(f"{doing} failed for {self.name} at {self.api.endpoint}: {said}; {cure}")

    def said(self, error: Exception) -> str:
        """Return an error's text in one line, without the token and without queries of URLs."""
        texts = [" ".join(str(part).split()) for part in _chain(error)]
        text = ": ".join(dict.fromkeys(text for text in texts if text)) or type(error).__name__
        if self._token:
            text = text.replace(self._token, "***")
        return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", text)


def status_of(error: Exception) -> int | None:
    """Return the status of the answer an error came from, None where there was no answer."""
    for part in _chain(error):
        response = getattr(part, "response", None)
        if response is not None:
            return int(response.status_code)
    return None


def is_passing(error: Exception) -> bool:
    """Return whether the same call may succeed a little later."""
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    status = status_of(error)
    if status is not None:
        return status in PASSING_STATUSES
    # An answer that is no JSON is the error page of something that stands before the Hub.
    passing = (httpx.TransportError, ConnectionError, TimeoutError, json.JSONDecodeError)
    return any(
        isinstance(part, passing) and not isinstance(part, OfflineModeIsEnabled)
        for part in _chain(error)
    )


def _is_expected(error: Exception) -> bool:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    # The client raises ValueError for a card or an upload the server refuses, RuntimeError around it.
    network = (HfHubHTTPError, OfflineModeIsEnabled, httpx.HTTPError)
    return isinstance(error, (*network, ValueError, RuntimeError, OSError))


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__
    return found
