"""The memorisation gate asks for an audit of this very model that found nothing, and the card tells of it."""

import json

import pytest
from malmoi.atomic import write_json
from malmoi.publish import gates
from malmoi.publish.package import build_package


def changed(run_files, tmp_path, **values):
    audit = json.loads(run_files["audit"].read_text())
    write_json(tmp_path / "audit.json", {**audit, **values})
    return tmp_path / "audit.json"


def test_the_gate_passes_the_audited_model_alone(run_files, tmp_path):
    model = run_files["model"]
    gate = gates.memorisation(model, run_files["audit"])
    assert gate.passed and gate.evidence["checks"][0]["name"] == "membership_auc"
    missing = gates.memorisation(model, tmp_path / "none.json")
    assert not missing.passed and "run the rule audit" in missing.problem
    other = gates.memorisation(model, changed(run_files, tmp_path, model="0" * 64))
    assert not other.passed and "another model" in other.problem and not other.evidence
    kind = gates.memorisation(model, changed(run_files, tmp_path, kind="pretraining"))
    assert not kind.passed and "no audit" in kind.problem


@pytest.mark.usefixtures("loaded")
def test_a_failed_audit_passes_by_its_name_alone_and_the_card_says_so(run_files, tmp_path):
    row = json.loads(run_files["audit"].read_text())["checks"][0]
    failed = changed(run_files, tmp_path, checks=[{**row, "passed": False, "value": 0.21875}])
    publish = {**run_files["publish"], "override_gates": ["memorisation"]}
    target = tmp_path / "package"
    build_package(target, **{**run_files, "audit": failed, "publish": publish})
    card = (target / "README.md").read_text(encoding="utf-8")
    assert "0.2188" in card and "5.75" in card
    assert "| memorisation | **실패, 설정에서 허용함" in card
