"""Each gate fails on what it is there to catch."""

import shutil

import pyarrow as pa
import pytest
from malmoi.errors import InputError
from malmoi.publish import gates
from safetensors.torch import load_file, save_file


def test_loads_names_a_missing_key(run_files, tmp_path):
    folder = shutil.copytree(run_files["model"], tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["cls.seq_relationship.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    gate = gates.loads(folder)
    assert not gate.passed
    assert gate.evidence["missing_keys"] == ["cls.seq_relationship.weight"]


def test_parity_names_the_document_and_the_token(run_files, tmp_path):
    shard = tmp_path / "0000.arrow"
    with pa.memory_map(str(run_files["tokens"][0])) as file:
        table = pa.ipc.open_file(file).read_all()
    ids = table["input_ids"].to_pylist()
    ids[1][2] = 0
    ids = pa.array(ids, pa.list_(pa.uint16()))
    with pa.OSFile(str(shard), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.set_column(1, "input_ids", ids))
    gate = gates.tokenizer_parity(run_files["model"], run_files["segments"], [shard], 100)
    assert not gate.passed
    assert gate.evidence["first_differing"] == [{"doc_id": table["doc_id"][1].as_py(), "token": 2}]
    assert gates.tokenizer_parity(run_files["model"], run_files["segments"], [shard], 1).passed


def test_parity_needs_the_texts_of_the_shards(run_files):
    gate = gates.tokenizer_parity(
        run_files["model"], run_files["segments"][:1], run_files["tokens"], 100
    )
    assert not gate.passed and gate.evidence["documents_without_text"] == 6


def test_licences_asks_for_every_source_in_config_or_shards_and_for_the_model():
    sources = [{"name": "a", "license": "KOGL-1"}, {"name": "b", "license": " "}]
    gate = gates.licences(sources, ["a", "c"], None)
    assert not gate.passed
    assert all(part in gate.problem for part in ("source b", "source c", "publish.license"))
    assert gates.licences(sources[:1], ["a"], "cc0-1.0").passed


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("주민번호 900101-1234567", "resident number"),
        ("##9001011234567", "resident number"),
        ("연락처 010-1234-5678입니다", "phone number"),
        ("01012345678", "phone number"),
        ("+82 10-1234-5678", "phone number"),
        ("대표 02-123-4567", "landline number"),
        ("문의: someone@example.co.kr", "e-mail address"),
    ],
)
def test_personal_data_is_found_and_not_repeated(line, kind):
    gate = gates.personal_data(["가", line], {"README.md": f"카드\n\n{line}\n"})
    assert not gate.passed
    places = [(hit["file"], hit["line"]) for hit in gate.evidence["found"]]
    assert places == [("vocab.txt", 2), ("README.md", 3)]
    assert {hit["kind"] for hit in gate.evidence["found"]} == {kind}
    assert line not in gate.problem and line not in str(gate.evidence)


@pytest.mark.parametrize(
    "line",
    [
        "2019다12345",
        "1,010,123,456",
        "0.01012345678",
        "900101",
        "제750조",
        "ab0101234567801",
        "@param",
    ],
)
def test_ordinary_figures_are_not_personal_data(line):
    assert gates.personal_data([line], {"README.md": line}).passed


def test_an_override_must_name_a_gate():
    with pytest.raises(InputError, match="licenses"):
        gates.decide([], ["licenses"])
