"""A file of half a gigabyte, sent in parts over a connection that is cut in its middle."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from malmoi.publish import checksums
from tools.hub_publisher import Published, Publisher, make_package
from tools.hub_server import HubServer

SIZE = 512_000_000
PART = 64_000_000
TOKEN = "hf_markedTokenOfTheBenchmark"
SETTINGS = {"repo_id": "writer/large", "private": True}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Publish through a cut, then through a refused commit, counting bytes; ``data`` is not used."""
    folder = work / "large_file"
    shutil.rmtree(folder, ignore_errors=True)
    package = make_package(folder / "package", 5)
    (folder / "publisher").mkdir()
    with HubServer({TOKEN: "writer"}) as hub, Publisher(hub.url, folder / "publisher") as publisher:
        hub.part_size = PART
        _write(package, b"first")
        hub.fail("part", cut=0.5, skip=SIZE // PART // 2)
        started = time.monotonic()
        _check(publisher.publish(package, SETTINGS, TOKEN))
        seconds = time.monotonic() - started
        resent = hub.received["part"] - SIZE

        _write(package, b"second")
        hub.received.clear()
        hub.fail("commit", status=403)
        refused = publisher.publish(package, SETTINGS, TOKEN)
        assert refused.error and hub.received["part"] == SIZE, refused
        _check(publisher.publish(package, SETTINGS, TOKEN))
        again = hub.received["part"] - SIZE
        status = Path(f"/proc/{publisher.process.pid}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert peak
    shutil.rmtree(folder)
    return {
        "large_file_mb": SIZE / 1e6,
        "large_file_resent_mb": resent / 1e6,
        "large_file_resent_after_commit_error_mb": again / 1e6,
        "large_file_peak_mb": int(peak.group(1)) * 1024 / 1e6,
        "large_file_seconds": seconds,
    }


def _write(package: Path, start: bytes) -> None:
    """Make the weights a sparse file of ``SIZE`` bytes."""
    with (package / "model-00001.safetensors").open("wb") as file:
        file.write(start)
        file.truncate(SIZE)
    checksums.write(package)


def _check(done: Published) -> None:
    if not done.receipt:
        raise RuntimeError(f"not published: {done.error}")
