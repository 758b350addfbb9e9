"""What the gates of a package decided, as its ``gates.json`` says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read_gates(package: Path) -> list[dict[str, Any]]:
    """Return the rows of the package's ``gates.json``, none where it has no such file."""
    path = package / "gates.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def failed_gates(gates: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of gates that failed and are not overridden."""
    return [gate["name"] for gate in gates if not gate["passed"] and not gate["overridden"]]
