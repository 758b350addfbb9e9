"""The run whose losses `tests/assets/golden_loss.json` holds.

    PYTHONPATH=workflow/scripts:tests .venv/bin/python -m tools.golden_run

writes the file anew, which a change of the arithmetic, the data's order or the first weights makes necessary.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from malmoi.fingerprint import LIBRARY
from tools.training_runs import curve, make_data, make_run

GOLDEN = Path(__file__).resolve().parents[1] / "assets" / "golden_loss.json"

STEPS = 30


def losses(folder: Path) -> list[float]:
    """Train in float32 at ZeRO stage 1 on one rank, without dropout, and return the loss of each step."""
    plan = make_run(
        make_data(folder / "data"),
        folder,
        steps=STEPS,
        model={"layers": 2, "hidden_size": 64, "heads": 2, "dropout": 0.0},
    )
    path = Path(plan.checkpoints) / "plan.json"
    plan.save(path)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    }
    subprocess.run(
        [sys.executable, "-m", "malmoi.training", str(path)],
        env={
            **environment,
            **{"PYTHONPATH": str(LIBRARY), "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        },
        check=True,
        timeout=400,
    )
    return curve(plan)["loss"].tolist()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        GOLDEN.write_text(json.dumps(losses(Path(name)), indent=1) + "\n", encoding="utf-8")
