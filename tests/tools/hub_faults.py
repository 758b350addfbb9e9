"""Faults that a small Hub for tests answers with instead of doing plainly what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What some of the next requests to a route get instead of a plain answer.

    The first ``skip`` requests are spared, the ``times`` after them are not. ``status``: answer so, before
    the work, or after it where ``done``; ``cut``: read only this share of the request's body, then hang up;
    ``drop``: hang up without an answer, ``"before"`` the work or ``"after"`` it; ``truncate``: hang up in
    the middle of the answer; ``corrupt``: flip the first byte of the answer; ``delay``: seconds until
    anything is done; ``page``: answer with a page of HTML, as a proxy would; ``before``: call this, then
    go on.
    """

    route: str
    status: int | None = None
    done: bool = False
    cut: float | None = None
    drop: str | None = None
    truncate: bool = False
    corrupt: bool = False
    delay: float = 0.0
    page: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] | None = None
    times: int = 1
    skip: int = 0


def next_fault(faults: list[Fault], route: str) -> Fault | None:
    """Return the fault that the next request to ``route`` gets, and count the request."""
    for fault in [fault for fault in faults if fault.route == route]:
        if fault.skip > 0:
            fault.skip -= 1
            continue
        fault.times -= 1
        if fault.times <= 0:
            faults.remove(fault)
        return fault
    return None
