"""A process that publishes packages one after another, for tests that publish hundreds of times.

The client reads ``HF_ENDPOINT`` when it is imported, which takes longer than a publish: one process serves
one endpoint. Its waits between tries are a thousandth of what they would be.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).resolve().parents[2] / "workflow" / "scripts"

#: How much shorter the waits are.
HASTE = 1000.0


@dataclass(frozen=True)
class Published:
    """What came of a publish: the receipt, or what was said instead; ``log`` and ``output`` of the process."""

    receipt: dict[str, Any] | None
    error: str
    log: str
    output: str
    waited: float


class Publisher:
    """The process; ``folder`` takes its receipts, logs and caches."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.endpoint = endpoint
        self.folder = folder
        self._output = folder / "publisher.err"
        self._start()

    def _start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment = {
            **kept,
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.folder / "hf_home"),
            "PYTHONPATH": str(LIBRARY),
            # Reading all certificates takes longer than a publish that needs none.
            "SSL_CERT_DIR": str(self.folder),
        }
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env=environment,
            )

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def kill(self) -> None:
        """End the process at once; the next publish gets a new one."""
        self.process.kill()

    def publish(
        self, package: Path, settings: dict[str, Any], token: str, **limits: float
    ) -> Published:
        """Publish a package; ``limits`` are those of ``malmoi.publish.hub_client.Limits``."""
        receipt, log = self.folder / "receipt.json", self.folder / "publish.log"
        receipt.unlink(missing_ok=True)
        if self.process.poll() is not None:
            self._start()
        before = self._output.stat().st_size
        job = {
            "package": str(package),
            "receipt": str(receipt),
            "log": str(log),
            "settings": {"target": "hub", "endpoint": self.endpoint, **settings},
            "token": token,
            "limits": limits,
        }
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        output = self._output.read_text(encoding="utf-8", errors="replace")[before:]
        if not answer:
            self.process.communicate()
        said = json.loads(answer) if answer else {"error": f"it ended: {output}", "waited": 0.0}
        return Published(
            receipt=json.loads(receipt.read_text()) if receipt.exists() else None,
            error=said["error"],
            log=log.read_text(encoding="utf-8") if log.exists() else "",
            output=output,
            waited=said["waited"],
        )


def make_package(folder: Path, seed: int, *, weights: int = 2000, card: str = "card") -> Path:
    """Write a package of made-up files without a model to load; ``seed`` names its weights.

    The calling process has ``malmoi`` on its path.
    """
    from malmoi.publish import checksums

    folder.mkdir(parents=True)
    chance = random.Random(seed)
    (folder / "README.md").write_text(f"---\nlanguage: ko\n---\n\n# {card}\n", encoding="utf-8")
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n" + "법\n" * seed, encoding="utf-8")
    for name in ("model-00001.safetensors", "model-00002.safetensors"):
        (folder / name).write_bytes(chance.randbytes(weights))
    passed = {"name": "loads", "passed": True, "overridden": False, "problem": ""}
    (folder / "gates.json").write_text(json.dumps([passed]), encoding="utf-8")
    checksums.write(folder)
    return folder


def _main() -> None:
    from malmoi.errors import InputError
    from malmoi.progress import log_to
    from malmoi.publish.hub_client import Limits
    from malmoi.publish.targets import publish

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    plain, waited = time.sleep, 0.0

    def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        plain(seconds / HASTE)

    time.sleep = sleep
    for line in sys.stdin:
        job = json.loads(line)
        os.environ["HF_TOKEN"] = job["token"]
        waited, error = 0.0, ""
        log_to(job["log"])
        try:
            publish(job["package"], job["receipt"], job["settings"], Limits(**job["limits"]))
        except InputError as caught:
            error = str(caught)
            sys.excepthook(type(caught), caught, caught.__traceback__)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
            sys.excepthook(type(caught), caught, caught.__traceback__)
        answers.write(json.dumps({"error": error, "waited": waited}) + "\n")
        answers.flush()


if __name__ == "__main__":
    _main()
