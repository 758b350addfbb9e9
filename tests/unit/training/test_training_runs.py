"""What a changed run says of the one it comes from."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from malmoi.training.plan import Plan
from malmoi.training.runs import earlier_runs, with_checkpoints

PARTS = {
    "pretrain.learning_rate": 0.0001,
    "pretrain.phases": [{"name": "l128", "steps": 10}, {"name": "l512", "steps": 5}],
    "pretrain.init": {"model.safetensors": "aa"},
    "seed": 1,
    "instances of l128": "bb",
    "code": "cc",
}


def plan_of(root: Path, name: str, *, accept: bool = False, step: int = 0, **parts: object) -> Plan:
    """Return the plan of a run; one that did steps left its plan and a checkpoint."""
    plan = Plan(
        fingerprint=name,
        parts=PARTS | parts,
        seed=1,
        phases=[],
        settings={"runtime": {"accept_code": accept}},
        vocabulary_size=9,
        tokenizer="tokenizer",
        init=None,
        checkpoints=str(root / name),
        model_output="results/model/main",
        log_output="log",
        message_log="messages.log",
    )
    if step:
        plan.save(root / name / "plan.json")
        (root / name / f"step-{step:08d}").mkdir()
    return plan


def test_the_nearest_earlier_run_and_what_differs_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan_of(tmp_path, "far", step=9, seed=2, code="dd", **{"pretrain.learning_rate": 0.1})
    changed = [{"name": "l128", "steps": 20}, {"name": "l512", "steps": 5}]
    near = {"pretrain.phases": changed, "instances of l128": "ee"}
    plan_of(tmp_path, "near", step=3, **near)
    plan_of(tmp_path, "nearer", step=7, **near)
    replace(plan_of(tmp_path, "other", step=9), model_output="results/model/other").save(
        tmp_path / "other" / "plan.json"
    )
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "plan.json").write_text("{")
    (tmp_path / "begun").mkdir()
    plan_of(tmp_path, "begun").save(tmp_path / "begun" / "plan.json")
    plan = plan_of(tmp_path, "here", accept=True)
    assert [run.folder.name for run in earlier_runs(plan)] == ["nearer", "near", "far"]
    with caplog.at_level(logging.WARNING, "malmoi"):
        assert with_checkpoints(plan) == plan
    told = caplog.text
    assert (
        f"begins anew in {tmp_path / 'here'}: the nearest earlier run, {tmp_path / 'nearer'}"
        in told
    )
    assert "(step-00000007), differs: instances of l128 differ; " in told
    assert "pretrain.phases[0].steps: 20 there, 10 here. Stop" in told
    assert "set these back" in told


def test_another_init_or_a_setting_that_is_new_is_told(tmp_path: Path) -> None:
    plan_of(tmp_path, "there", step=1, **{"pretrain.init": None, "pretrain.z_loss": 0.1})
    (run,) = earlier_runs(plan_of(tmp_path, "here"))
    assert run.differences == ["pretrain.init differs", "pretrain.z_loss: 0.1 there, null here"]


def test_a_run_goes_on_from_another_version_of_the_code_where_this_is_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan_of(tmp_path, "there", step=4, code="old")
    refused = plan_of(tmp_path, "here")
    with caplog.at_level(logging.WARNING, "malmoi"):
        assert with_checkpoints(refused) == refused
    assert "differs: code differs. Stop this run and set pretrain.runtime.accept_code: true" in (
        caplog.text
    )
    accepted = with_checkpoints(plan_of(tmp_path, "here", accept=True))
    assert accepted.checkpoints == str(tmp_path / "there")
    assert accepted.fingerprint == "here"
    # Its plan now lies there, so that the next start finds it whatever the setting is.
    accepted.save(tmp_path / "there" / "plan.json")
    assert json.loads((tmp_path / "there" / "plan.json").read_text())["fingerprint"] == "here"
    assert with_checkpoints(refused).checkpoints == str(tmp_path / "there")


def test_a_run_with_checkpoints_of_its_own_goes_on_there(tmp_path: Path) -> None:
    plan_of(tmp_path, "there", step=9, code="old")
    plan = plan_of(tmp_path, "here", accept=True, step=1)
    assert with_checkpoints(plan) == plan
