"""Each gate fails on what it is there to catch."""

import pyarrow as pa
import pytest
import yaml
from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.publish import gates


def test_parity_names_the_document_and_the_token(run_files, tmp_path):
    shard = tmp_path / "0000.arrow"
    with pa.memory_map(str(run_files["tokens"][0])) as file:
        table = pa.ipc.open_file(file).read_all()
    ids = table["input_ids"].to_pylist()
    ids[1][2] = 0
    ids = pa.array(ids, pa.list_(pa.uint16()))
    with pa.OSFile(str(shard), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(
            table.set_column(table.schema.get_field_index("input_ids"), "input_ids", ids)
        )
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
    ("listed", "found"),
    [
        ({"documents": [f"{3:032x}"]}, [3]),
        # The documents of an archive, of its member, and of what only begins like it.
        ({"files": {"precedents": ["3.zip", "1.zip"]}}, [2, 3, 6, 7]),
        ({"files": {"precedents": ["3.zip!6.txt"]}}, [6]),
        ({"files": {"precedents": ["3", "3.zip!6"], "leaflets": ["3.zip"]}}, []),
    ],
)
def test_takedown_finds_documents_by_id_and_by_raw_file(run_files, listed, found):
    given = {"documents": [], "files": {}, **listed}
    gate = gates.takedown(given, (f"{n:032x}" for n in range(12)), run_files["ledger"])
    assert gate.passed == (not found) and gate.evidence["documents"] == 12
    assert gate.evidence["found"] == [f"{number:032x}" for number in found]


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
    gate = gates.personal_data({"vocab.txt": ["가", line], "README.md": ["카드", "", line]})
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
    assert gates.personal_data({"README.md": [line]}).passed


def test_an_override_must_name_a_gate_and_every_gate_has_a_name_for_it():
    schema = yaml.safe_load((fingerprint.LIBRARY.parent / "schemas/config.schema.yaml").read_text())
    overrides = schema["properties"]["publish"]["properties"]["override_gates"]
    assert tuple(overrides["items"]["enum"]) == gates.NAMES
    with pytest.raises(InputError, match="licenses"):
        gates.decide([], ["licenses"])
