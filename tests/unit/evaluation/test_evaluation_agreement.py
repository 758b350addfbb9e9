"""malmoi's fine-tuning gives what transformers' own Trainer gives on the same data and seed."""

import pytest
from tools.trainer_run import made_parts, malmoi_accuracy, noise, trainer_accuracy


def test_fine_tuning_scores_as_transformers_trainer_does(model_dir, tmp_path):
    parts = made_parts()
    ours = malmoi_accuracy(model_dir, parts, 3)
    theirs = trainer_accuracy(model_dir, parts, 3, tmp_path)
    assert min(ours, theirs) > 0.8
    assert ours == pytest.approx(theirs, abs=noise(theirs))
