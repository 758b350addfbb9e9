"""The package folder: what is in it, that its figures are the run's, and that a gate stops it."""

import json
import shutil
import subprocess

import pytest
import torch
from huggingface_hub import ModelCard
from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.publish import card, checksums
from malmoi.publish.gates import NAMES
from malmoi.publish.package import build_package
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertLMHeadModel

REPO = "writer/tiny-bert"


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


def test_the_card_is_valid_metadata_with_results_and_intervals(package):
    card = ModelCard((package / "README.md").read_text(encoding="utf-8"))
    data = card.data
    assert (data.language, data.license, data.pipeline_tag) == ("ko", "cc-by-4.0", "fill-mask")
    assert {"legal", "medical", "korean"} <= set(data.tags)
    results = {
        (r.dataset_type, r.dataset_split, r.metric_type): (
            r.metric_value,
            [round(end, 4) for end in r.metric_args["confidence_interval"]],
        )
        for r in data.eval_results
    }
    assert results == {
        ("pretraining", "validation", "mlm_loss"): (4.3125, [4.2125, 4.4125]),
        ("pretraining", "test", "mlm_loss"): (4.5, [4.4, 4.6]),
        ("case", "test", "accuracy"): (0.8125, [0.7625, 0.8625]),
    }
    assert {r.metric_args["confidence_level"] for r in data.eval_results} == {0.95}


def test_the_card_shows_where_the_model_comes_from_and_what_it_reaches(package):
    lines = (package / "README.md").read_text(encoding="utf-8").splitlines()
    characters = sum(len(f"법원 판결 {a}나다 의사 약{b}") for a in "가나다라" for b in "마바사")
    tokens = 12 * 11
    assert f"| precedents | legal | KOGL-1 | 6 | {characters // 2} | {tokens // 2} |" in lines
    assert f"| **합계 · total** | | | 12 | {characters} | {tokens} |" in lines
    assert "| filter | filtered | hangul_share | leaflets | 2 | 20 |" in lines
    assert "| normalize.pii.phone | mask |" in lines
    # The table of this vocabulary, and of no other.
    assert "| legal | 2.25 | 0.9 |" in lines and not any("3.5" in line for line in lines)
    assert "| p1 | train | 32 | 1,234 | 98,765 |" in lines
    assert "NVIDIA Tiny × 2, 2.5시간 · hours, bf16, DeepSpeed ZeRO 1." in lines
    assert "| steps | 4,321 |" in lines
    assert "| optimizer.learning_rate | 0.0005 |" in lines
    # Columns: value, interval, then the baselines untrained and majority.
    assert "| case | test | accuracy | 0.8125 | 0.7625 – 0.8625 | 0.4 | 0.25 |" in lines
    assert "| pretraining | test | mlm_loss | 4.5 | 4.4 – 4.6 | 8.2 |  |" in lines
    assert "@misc{demo," in lines and "  title = {Tiny BERT}," in lines
    assert any("from scratch" in line for line in lines)


@pytest.mark.parametrize(
    ("init", "shown", "on_hub"),
    [
        ({"model": "/home/somebody/our-bert"}, "`our-bert`", None),
        ({"model": "someone/bert", "revision": "ab" * 20}, f"`someone/bert` ({'ab' * 20})", "bert"),
    ],
)
def test_the_card_names_the_model_that_training_began_with(
    loaded, run_files, tmp_path, init, shown, on_hub
):
    config = {**run_files["config"], "pretrain": {**run_files["config"]["pretrain"], "init": init}}
    build_package(tmp_path / "demo", **{**run_files, "config": config})
    text = (tmp_path / "demo/README.md").read_text(encoding="utf-8")
    assert f"starting from {shown}. " in text and "somebody" not in text
    assert ModelCard(text).data.base_model == (on_hub and init["model"])


@pytest.mark.parametrize("task", ["fill-mask", "text-generation"])
def test_the_lines_of_the_card_run(package, loaded, run_files, tmp_path, monkeypatch, capsys, task):
    if task == "text-generation":
        model = shutil.copytree(run_files["model"], tmp_path / "model")
        config = BertConfig.from_pretrained(model, is_decoder=True)
        BertLMHeadModel(config).save_pretrained(model)
        package = tmp_path / "demo"
        # The audit is of the other model.
        publish = {**run_files["publish"], "override_gates": ["memorisation"]}
        build_package(package, **{**run_files, "model": model, "publish": publish})
    text = (package / "README.md").read_text(encoding="utf-8")
    assert ModelCard(text).data.pipeline_tag == task
    lines = text.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(package)
    exec(lines, {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == (5 if task == "fill-mask" else 1)
    assert task == "fill-mask" or printed[0].startswith("피고는 원고에게")


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
    # What is installed, not what should be; of what is not installed here, what is pinned.
    assert origin["libraries"] == {"torch": torch.__version__, "of_another_stage": "3.2.1"}


def test_every_gate_passed_with_evidence(package):
    gates = {gate["name"]: gate for gate in json.loads((package / "gates.json").read_text())}
    assert all(gate["passed"] and not gate["overridden"] for gate in gates.values())
    assert gates["loads"]["evidence"]["architecture"] == "BertForPreTraining"
    assert gates["tokenizer_parity"]["evidence"]["documents"] == 12
    assert gates["takedown"]["evidence"]["documents"] == 12
    assert set(gates) == set(GATES) == set(NAMES)


def test_changed_figure_and_overridden_gate_change_the_card_and_nothing_else(
    package, loaded, run_files, tmp_path
):
    changed = json.loads(run_files["evaluation"][0].read_text())
    changed["models"]["trained"]["accuracy"] = {"mean": 0.9375, "low": 0.875, "high": 0.96875}
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
    assert any("| case | test | accuracy | 0.9375 | 0.875 – 0.9688 |" in line for line in added)
    assert any(line.startswith("| licences |") and "overridden" in line for line in added)
    result = ModelCard("\n".join(new)).data.eval_results[0]
    assert result.metric_value == 0.9375
    assert result.metric_args["confidence_interval"] == [0.875, 0.96875]


def test_an_edited_template_republishes_the_card_and_nothing_else(
    hub, send, loaded, run_files, tmp_path
):
    for path in card.TEMPLATE.parent.glob("*.jinja"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    edited = tmp_path / card.TEMPLATE.name
    edited.write_text(edited.read_text(encoding="utf-8") + "\n\nOne more line.\n", encoding="utf-8")
    build_package(tmp_path / "before", **run_files)
    build_package(tmp_path / "again", **run_files, template=edited)
    for folder in (tmp_path / "before", tmp_path / "again"):
        # Without it reading back does not load the model, which takes seconds.
        (folder / "config.json").unlink()
        checksums.write(folder)
        assert send(folder).receipt
    assert hub.repositories[REPO].head.changed == {"README.md", checksums.NAME}


def test_a_template_without_its_metadata_is_refused(loaded, run_files, tmp_path):
    template = tmp_path / "card.md.jinja"
    template.write_text("# {{ title }}\n", encoding="utf-8")
    with pytest.raises(InputError, match="does not begin with its metadata"):
        build_package(tmp_path / "demo", **run_files, template=template)


def without_a_key(run_files, folder):
    model = shutil.copytree(run_files["model"], folder / "model")
    weights = load_file(model / "model.safetensors")
    del weights["cls.seq_relationship.weight"]
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    return {"model": model}


def with_another_vocabulary(run_files, folder):
    """Return a model whose tokenizer lacks a piece that the shards were made with."""
    model = shutil.copytree(run_files["model"], folder / "model")
    for name in ("vocab.txt", "tokenizer.json"):
        text = (model / name).read_text(encoding="utf-8")
        (model / name).write_text(text.replace("##원", "##월"), encoding="utf-8")
    return {"model": model}


def with_a_failed_audit(run_files, folder):
    audit = json.loads(run_files["audit"].read_text())
    audit["checks"][0]["passed"] = False
    write_json(folder / "audit.json", audit)
    return {"audit": folder / "audit.json"}


#: For each gate what makes it fail, and what is said.
GATES = {
    "loads": (without_a_key, "1 missing keys (first: cls.seq_relationship.weight)"),
    "tokenizer_parity": (with_another_vocabulary, "12 of 12 documents get other ids"),
    "licences": (
        lambda run_files, folder: {"sources": run_files["sources"][:1]},
        "source leaflets has no licence",
    ),
    "takedown": (
        lambda run_files, folder: {"takedown": {"documents": [f"{5:032x}"], "files": {}}},
        f"1 documents are on the takedown list, the first {5:032x}",
    ),
    "memorisation": (with_a_failed_audit, "membership_auc: not so: what an attack has"),
    "personal_data": (
        lambda run_files, folder: {
            "publish": {**run_files["publish"], "description": "문의 010-1234-5678"}
        },
        "1 lines look like personal data, the first a phone number",
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_a_failed_gate_leaves_no_package_no_receipt_and_no_commit(
    hub, send, request, run_files, tmp_path, name
):
    if name != "loads":
        request.getfixturevalue("loaded")
    changes, said = GATES[name]
    target = tmp_path / "demo"
    with pytest.raises(InputError) as stopped:
        build_package(target, **{**run_files, **changes(run_files, tmp_path)})
    assert f"a gate failed: {name}: {said}" in str(stopped.value)
    assert "publish.override_gates" in str(stopped.value) and not target.exists()
    done = send(target)
    assert "not a finished package" in done.error and not done.receipt and not hub.requests


def test_a_model_folder_without_safetensors_is_refused(run_files, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match="no safetensors"):
        build_package(tmp_path / "demo", **{**run_files, "model": tmp_path / "model"})
