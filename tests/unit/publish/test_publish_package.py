"""The package folder: what is in it, that its figures are the run's, and that a gate stops it."""

import json
import subprocess

import pytest
from huggingface_hub import ModelCard
from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.package import build_package


def test_holds_model_card_evidence_and_checksums_and_nothing_else(package):
    names = {path.name for path in package.iterdir()}
    assert {
        "README.md",
        "SHA256SUMS",
        "config.json",
        "gates.json",
        "loss.png",
        "model.safetensors",
        "provenance.json",
        "tokenizer.json",
        "vocab.txt",
    } <= names
    assert not names & {"notes.txt", ".snakemake_timestamp"}
    assert {file.path for file in checksums.read(package)} == names
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=package, check=True)


def test_the_card_is_valid_metadata_with_the_measured_results(package):
    card = ModelCard((package / "README.md").read_text(encoding="utf-8"))
    data = card.data
    assert (data.language, data.license, data.pipeline_tag) == ("ko", "cc-by-4.0", "fill-mask")
    assert {"legal", "medical", "korean"} <= set(data.tags)
    results = {
        (r.dataset_type, r.dataset_split, r.metric_type): r.metric_value for r in data.eval_results
    }
    assert results == {
        ("pretraining", "validation", "mlm_loss"): 4.3125,
        ("pretraining", "test", "mlm_loss"): 4.5,
        ("case", "test", "accuracy"): 0.8125,
    }


def test_the_card_shows_corpus_drops_training_and_evaluation(package):
    lines = (package / "README.md").read_text(encoding="utf-8").splitlines()
    characters = sum(len(f"법원 판결 {a}나다 의사 약{b}") for a in "가나다라" for b in "마바사")
    assert f"| precedents | legal | KOGL-1 | 6 | {characters // 2} |" in lines
    assert f"| **합계 · total** | | | 12 | {characters} |" in lines
    assert "| filter | filtered | hangul_share | 2 | 20 |" in lines
    assert "| p1 | train | 32 | 1,234 | 98,765 |" in lines
    assert "| steps | 4,321 |" in lines
    assert "| optimizer.learning_rate | 0.0005 |" in lines
    # Columns: value, interval, then the baselines untrained and majority.
    assert "| case | test | accuracy | 0.8125 | 0.7625 – 0.8625 | 0.4 | 0.25 |" in lines
    assert "| pretraining | test | mlm_loss | 4.5 | 4.4 – 4.6 | 8.2 |  |" in lines


def test_no_file_says_where_the_package_goes_or_where_it_was_made(package, run_files):
    for file in package.iterdir():
        content = file.read_bytes()
        assert b"secret-plan" not in content
        assert b"/home/somebody" not in content
        assert str(run_files["model"].parent).encode() not in content


def test_provenance_names_shards_settings_code_and_libraries(package):
    origin = json.loads((package / "provenance.json").read_text(encoding="utf-8"))
    assert origin["shards"] == {"p1": {"train": [{"path": "0000.arrow", "sha256": "ab" * 32}]}}
    assert origin["config"]["pretrain"]["model"] == "tiny"
    assert origin["config"]["publish"] == {"title": "Tiny BERT"}
    assert len(origin["code"]["publish"]) == 64
    assert {"torch", "transformers", "tokenizers"} <= set(origin["libraries"])


def test_every_gate_passed_with_evidence(package):
    gates = {gate["name"]: gate for gate in json.loads((package / "gates.json").read_text())}
    assert all(gate["passed"] and not gate["overridden"] for gate in gates.values())
    assert gates["loads"]["evidence"]["architecture"] == "BertForPreTraining"
    assert gates["tokenizer_parity"]["evidence"]["documents"] == 12
    assert set(gates) == {"loads", "tokenizer_parity", "licences", "personal_data"}


def test_changed_figure_and_overridden_gate_change_the_card_and_nothing_else(
    package, run_files, tmp_path
):
    changed = json.loads(run_files["evaluation"][0].read_text())
    changed["models"]["trained"]["accuracy"]["mean"] = 0.9375
    write_json(tmp_path / "case.json", changed)
    build_package(
        tmp_path / "again",
        **{
            **run_files,
            "evaluation": [tmp_path / "case.json", run_files["evaluation"][1]],
            "sources": [{**run_files["sources"][0], "license": ""}, run_files["sources"][1]],
            "publish": {**run_files["publish"], "override_gates": ["licences"]},
        },
    )
    before = {file.path: file.sha256 for file in checksums.read(package)}
    after = {file.path: file.sha256 for file in checksums.read(tmp_path / "again")}
    assert {path for path in before if before[path] != after[path]} == {
        "README.md",
        "SHA256SUMS",
        "gates.json",
        "provenance.json",
    }
    old = (package / "README.md").read_text(encoding="utf-8").splitlines()
    new = (tmp_path / "again/README.md").read_text(encoding="utf-8").splitlines()
    added = [line for line in new if line not in old]
    assert any("| case | test | accuracy | 0.9375 |" in line for line in added)
    assert any(line.startswith("| licences |") and "overridden" in line for line in added)
    assert any("0.9375" in line and "value:" in line for line in added)


def test_a_failed_gate_leaves_no_package_and_says_what_failed(run_files, tmp_path):
    with pytest.raises(InputError, match="licences: source leaflets has no licence"):
        build_package(tmp_path / "demo", **{**run_files, "sources": run_files["sources"][:1]})
    assert not list(tmp_path.iterdir())


def test_a_model_folder_without_safetensors_is_refused(run_files, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match="no safetensors"):
        build_package(tmp_path / "demo", **{**run_files, "model": tmp_path / "model"})
