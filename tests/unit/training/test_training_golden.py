"""A run has the losses that it had when they were written down."""

import json
from pathlib import Path

import pytest
from tools.golden_run import GOLDEN, STEPS, losses

pytestmark = [pytest.mark.training, pytest.mark.slow]


def test_losses_are_those_written_down(tmp_path: Path) -> None:
    """See `tests/tools/golden_run.py` for how to write them anew, and when."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(golden) == STEPS and golden[-1] < golden[0] - 1
    assert losses(tmp_path) == pytest.approx(golden, rel=1e-5)
