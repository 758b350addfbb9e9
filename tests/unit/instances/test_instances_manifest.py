"""The manifest: shares and sums that the files bear out, and a balance of every token."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from instances_made_tokens import (
    FIRST,
    UNK,
    Document,
    build,
    random_ends,
    write_tokens,
    write_vocabulary,
)
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances.manifest import PADDED_BATCH, padding, write_manifest

SIZE = 500


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("vocabulary") / "vocab.txt", SIZE)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(20)
    documents = []
    for number, length in enumerate([*rng.integers(2, 900, size=90).tolist(), 1, 1]):
        ids = rng.integers(FIRST, SIZE, length)
        ids[rng.random(length) < 0.02] = UNK
        split = ("train", "train", "validation", "test")[number % 4] if length > 1 else "train"
        documents.append(Document(ids.tolist(), random_ends(rng, length, 12), split=split))
    return write_tokens(tmp_path_factory.mktemp("tokens") / "0000.arrow", documents, SIZE)


def manifest(tmp_path: Path, tokens: Path, vocabulary: Path, **settings: object) -> dict:
    shards = {}
    for split in ("train", "validation", "test"):
        built = build(tmp_path / split, [tokens], vocabulary, split=split, duplicates=2, **settings)
        shards[split] = [(f"{split}/0000.arrow", built.statistics)]
    write_manifest("l64", shards, tmp_path / "manifest.json")
    return json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict]:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all().to_pylist()


@pytest.mark.parametrize("mode", ["balanced", "google"])
def test_manifest_counts_what_the_files_hold(
    tmp_path: Path, tokens: Path, vocabulary: Path, mode: str
) -> None:
    made = manifest(tmp_path, tokens, vocabulary, pairs={"mode": mode})
    assert (made["phase"], made["max_seq_length"], made["seed"]) == ("l64", 64, 20)
    assert (made["vocabulary_size"], made["vocabulary_sha256"]) == (SIZE, of_file(vocabulary))
    assert made["pairs"]["mode"] == mode and made["masking"]["unit"] == "morpheme"
    for split, part in made["splits"].items():
        path = tmp_path / split / "0000.arrow"
        rows = rows_of(path)
        lengths = [len(row["input_ids"]) for row in rows]
        masked = [
            (row["input_ids"][place], label)
            for row in rows
            for place, label in zip(row["mlm_positions"], row["mlm_labels"], strict=True)
        ]
        assert part["instances"] == len(rows)
        assert part["tokens"] == sum(lengths) - 3 * len(rows)
        assert part["masked_share"] == len(masked) / part["tokens"]
        assert part["random_share"] == np.mean([row["next_sentence_label"] for row in rows])
        assert part["unknown_share"] == pytest.approx(0.02, abs=0.01)
        itself = np.mean([seen == label for seen, label in masked])
        assert part["replaced"]["itself"] == itself
        assert sum(part["replaced"].values()) == pytest.approx(1)
        assert sum(part["lengths"].values()) == len(rows)
        assert part["lengths"]["64"] == sum(length > 56 for length in lengths)
        shard = part["shards"][0]
        assert (shard["path"], shard["sha256"]) == (f"{split}/0000.arrow", of_file(path))
        assert shard["inputs"] == [of_file(tokens)]
    train = made["splits"]["train"]
    assert abs(train["masked_share"] - 0.15) < 0.005
    assert abs(train["replaced"]["mask"] - 0.8) < 0.05


@pytest.mark.parametrize("mode", ["balanced", "google"])
def test_the_table_of_coverage_sums_to_a_hundred_percent(
    tmp_path: Path, tokens: Path, vocabulary: Path, mode: str
) -> None:
    made = manifest(tmp_path, tokens, vocabulary, pairs={"mode": mode})
    for part in made["splits"].values():
        assert sum(row["percent"] for row in part["coverage"]) == pytest.approx(100)
        assert sum(row["tokens"] for row in part["coverage"]) == part["corpus_tokens"]
    rows = {row["what"]: row for row in made["splits"]["train"]["coverage"]}
    if mode == "balanced":
        assert rows["used once in a pass"]["percent"] > 99.9
        assert rows["left out: all that their document has"]["tokens"] == 4
    else:
        assert rows["left out: cut off"]["percent"] > 1


def test_dynamic_masks_have_no_shares_yet(tmp_path: Path, tokens: Path, vocabulary: Path) -> None:
    made = manifest(tmp_path, tokens, vocabulary, masking={"when": "dynamic", "final_rate": 0.1})
    train = made["splits"]["train"]
    assert train["masked"] == 0
    assert train["replaced"] == {"mask": None, "random": None, "itself": None}


def test_held_out_masks_may_be_written_where_those_of_the_training_are_not(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    shards = {}
    for split, masking in (
        ("train", {"when": "dynamic", "final_rate": 0.1}),
        ("test", {"rate": 0.1}),
    ):
        built = build(tmp_path / split, [tokens], vocabulary, split=split, masking=masking)
        shards[split] = [(f"{split}/0000.arrow", built.statistics)]
    write_manifest("l64", shards, tmp_path / "manifest.json")
    made = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert made["masking"]["when"] == "dynamic"
    assert made["splits"]["test"]["masked_share"] == pytest.approx(0.1, abs=0.01)
    other = build(tmp_path / "other", [tokens], vocabulary, split="test", masking={"rate": 0.2})
    shards["test"].append(("other/0000.arrow", other.statistics))
    with pytest.raises(InputError, match=r"other/0000\.arrow and test/0000\.arrow .* masking"):
        write_manifest("l64", shards, tmp_path / "manifest.json")


def test_padding_is_what_random_batches_have() -> None:
    rng = np.random.default_rng(20)
    lengths = rng.integers(10, 129, 20_000)
    steps = np.bincount(-(-lengths // 8), minlength=17)
    shares = padding(steps, int(lengths.sum()))
    batches = rng.choice(lengths, (2000, PADDED_BATCH))
    padded = -(-batches.max(axis=1) // 8) * 8 * PADDED_BATCH
    assert shares["to_longest"] == pytest.approx(1 - batches.sum() / padded.sum(), abs=0.005)
    totals = batches.sum(axis=1)
    packed = 1 - totals.sum() / (-(-totals // 8) * 8).sum()
    assert packed <= shares["packed"] < 0.005
    assert padding(np.zeros(17, dtype=np.int64), 0) == {"to_longest": None, "packed": None}


def test_manifest_without_training_instances_says_the_cure(
    tmp_path: Path, vocabulary: Path
) -> None:
    tokens = write_tokens(tmp_path / "tokens.arrow", [], SIZE)
    built = build(tmp_path / "train", [tokens], vocabulary)
    assert built.rows() == [] and built.ledger_rows() == []
    with pytest.raises(InputError, match=r"l64.*training split is empty.*curate\.split"):
        write_manifest(
            "l64", {"train": [("train/0000.arrow", built.statistics)]}, tmp_path / "manifest.json"
        )
    assert not (tmp_path / "manifest.json").exists()


def test_shards_of_different_settings_are_not_summed(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    parts = [
        (f"train/{seed}.arrow", build(tmp_path / str(seed), [tokens], vocabulary, seed=seed))
        for seed in (20, 21)
    ]
    shards = {"train": [(name, built.statistics) for name, built in parts]}
    with pytest.raises(InputError, match=r"train/21\.arrow and train/20\.arrow.*different seed"):
        write_manifest("l64", shards, tmp_path / "manifest.json")
