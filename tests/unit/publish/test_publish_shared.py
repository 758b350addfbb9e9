"""What all experiments share, published by itself: the tokenizer, and the text that may be passed on."""

import json

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard, ModelCard
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.dataset_package import build_dataset_package
from malmoi.publish.tokenizer_package import build_tokenizer_package
from transformers import AutoTokenizer

SETTINGS = {
    **{"title": "Tiny", "license": "cc-by-4.0", "tags": [], "citation": ""},
    **{"parity_documents": 100, "override_gates": []},
}


def taken(run_files, *names):
    shared = ("summary", "ledger", "sources", "takedown", "libraries")
    return {name: run_files[name] for name in (*shared, *names)}


def gates_of(package):
    return {gate["name"]: gate for gate in json.loads((package / "gates.json").read_text())}


def test_the_tokenizer_alone_loads_and_says_what_it_reaches(run_files, tmp_path):
    package = tmp_path / "tokenizer"
    build_tokenizer_package(
        package,
        tokenizer=run_files["model"],
        publish=SETTINGS,
        config={"segment": {"input": "raw"}},
        **taken(run_files, "vocabulary", "segments", "tokens"),
    )
    listed = {file.path for file in checksums.read(package)}
    assert listed == {
        *("README.md", "SHA256SUMS", "gates.json", "provenance.json"),
        *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    }
    tokenizer = AutoTokenizer.from_pretrained(package, local_files_only=True)
    assert tokenizer.tokenize("법원 판결") == ["법", "##원", "판", "##결"]
    text = (package / "README.md").read_text(encoding="utf-8")
    assert ModelCard(text).data.license == "cc-by-4.0"
    assert "| legal | 2.25 | 0.9 |" in text and "| precedents | legal | KOGL-1 | 6 |" in text
    gates = gates_of(package)
    assert set(gates) == {"tokenizer_parity", "licences", "takedown", "personal_data"}
    assert gates["tokenizer_parity"]["evidence"]["documents"] == 12


@pytest.fixture
def build(run_files, tmp_path):
    """Build the data set's package with some arguments changed."""

    def run(**changes):
        arguments = {
            "documents": sorted((run_files["model"].parent / "curated").glob("*.parquet")),
            "licences": ["KOGL-1"],
            "publish": SETTINGS,
            "config": {"normalize": {"pii": {"phone": "mask"}}},
            **taken(run_files),
        }
        build_dataset_package(tmp_path / "dataset", **{**arguments, **changes})
        return tmp_path / "dataset"

    return run


def test_the_data_set_holds_sources_of_listed_licences_and_names_the_others(
    hub, send, build, run_files
):
    package = build()
    names = [f"data/train-{shard:04}.parquet" for shard in (0, 1)]
    found = [row for name in names for row in pq.read_table(package / name).to_pylist()]
    given = [
        {**row, "license": "KOGL-1"}
        for path in sorted((run_files["model"].parent / "curated").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
        if row["source"] == "precedents"
    ]
    assert len(found) == 6 and found == given
    text = (package / "README.md").read_text(encoding="utf-8")
    data = DatasetCard(text).data
    assert (data.license, data.license_name, data.size_categories) == ("other", "kogl-1", "n<1K")
    assert data.configs[0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert "| precedents | legal | KOGL-1 | 6 |" in text and "| train | 6 |" in text
    assert "| leaflets | CC0-1.0 |" in text and "| leaflets | medical |" not in text
    assert set(gates_of(package)) == {"licences", "takedown", "personal_data"}

    done = send(package, repo_type="dataset", repo_id="writer/text")
    assert done.receipt, done.error
    held = hub.repositories["datasets/writer/text"].head.files
    assert {file.path for file in checksums.read(package)} == set(held) - {".gitattributes"}


def test_text_with_personal_data_or_taken_down_is_not_passed_on(build, run_files, tmp_path):
    with pytest.raises(InputError, match="takedown: 1 documents"):
        build(takedown={"documents": [f"{4:032x}"], "files": {}})
    shard = tmp_path / "0000.parquet"
    table = pq.read_table(sorted((run_files["model"].parent / "curated").glob("*.parquet"))[0])
    rows = table.to_pylist()
    rows[2]["text"] = "연락처는\n010-1234-5678"
    write_parquet(shard, type(table).from_pylist(rows))
    with pytest.raises(
        InputError, match=r"phone number at line 2 of train-0000\.parquet"
    ) as stopped:
        build(documents=[shard])
    assert "1234-5678" not in str(stopped.value)
    assert not (tmp_path / "dataset").exists()


def test_no_licence_that_fits_is_an_error(build):
    with pytest.raises(InputError, match=r"dataset_licences names none .*\(CC0-1.0, KOGL-1\)"):
        build(licences=["CC-BY-4.0"])
