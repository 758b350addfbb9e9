"""Building a shard: all tokens arrive, the ledger says so, and the bytes are a function of the settings."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances_made_tokens import (
    CLS,
    FIRST,
    SEP,
    Document,
    build,
    original_ids,
    random_ends,
    segments,
    write_tokens,
    write_vocabulary,
)
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances.manifest import write_manifest

SIZE = 60_000


def counted(lengths: list[int], rng: np.random.Generator, first: int = FIRST) -> list[Document]:
    """Documents whose ids count up, so that every token of the corpus is told apart."""
    documents = []
    for length in lengths:
        documents.append(Document(list(range(first, first + length)), random_ends(rng, length, 12)))
        first += length
    return documents


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("vocabulary") / "vocab.txt", SIZE)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(20)
    documents = counted(rng.integers(2, 700, size=100).tolist(), rng)
    for document, split in zip(documents, ["train"] * 8 + ["validation", "test"], strict=False):
        document.split = split
    return write_tokens(tmp_path_factory.mktemp("tokens") / "0000.arrow", documents, SIZE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(st.integers(1, 150), max_size=10),
    st.integers(16, 96),
    st.sampled_from(("piece", "eojeol", "morpheme")),
    st.sampled_from((0.01, 0.15, 0.9)),
    st.integers(0, 1000),
)
def test_every_token_arrives_once_with_a_true_label(
    tmp_path: Path,
    vocabulary: Path,
    lengths: list[int],
    limit: int,
    unit: str,
    rate: float,
    seed: int,
) -> None:
    path = write_tokens(
        tmp_path / "tokens.arrow", counted(lengths, np.random.default_rng(seed)), SIZE
    )
    built = build(
        tmp_path / "out",
        [path],
        vocabulary,
        max_seq_length=limit,
        masking_unit=unit,
        masking_rate=rate,
        seed=seed,
    )
    used = []
    for row in built.rows():
        ids = original_ids(row)
        assert len(ids) == len(row["token_type_ids"]) <= limit
        assert ids[0] == CLS and (ids == SEP).sum() == 2
        a, b = segments(row)
        follows = b[0] == a[-1] + 1 and row["doc_id_a"] == row["doc_id_b"]
        assert row["next_sentence_label"] == (0 if follows else 1)
        used += [*a.tolist(), *b.tolist()]
    bounds = np.cumsum([FIRST, *lengths]).tolist()
    expected = [
        number for start, end in pairwise(bounds) if end - start > 1 for number in range(start, end)
    ]
    assert sorted(used) == expected
    for row, length in zip(built.ledger_rows(), lengths, strict=True):
        assert row["stage"] == "instances-l64"
        assert row["tokens_in"] == length
        assert row["tokens_out"] == (length if length > 1 else 0)
        assert (row["status"], row["reason"]) == (
            ("kept", "") if length > 1 else ("filtered", "single_token")
        )
        assert row["chars_in"] == 2 * length
        assert row["chars_out"] == (2 * length if length > 1 else 0)


def test_the_same_settings_give_the_same_bytes(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    first, second = (
        build(tmp_path / name, [tokens], vocabulary, duplicates=2) for name in ("one", "two")
    )
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.statistics.read_bytes() == second.statistics.read_bytes()
    assert first.ledger.read_bytes() == second.ledger.read_bytes()
    other = build(tmp_path / "three", [tokens], vocabulary, duplicates=2, seed=21)
    assert other.path.read_bytes() != first.path.read_bytes()


def test_training_goes_over_the_documents_several_times_and_held_out_once(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    for split, passes in (("train", 3), ("validation", 1), ("test", 1)):
        built = build(tmp_path / split, [tokens], vocabulary, split=split, duplicates=3)
        statistics = json.loads(built.statistics.read_text())
        assert statistics["passes"] == passes
        seen = np.concatenate([np.concatenate(segments(row)) for row in built.rows()])
        ids, times = np.unique(seen, return_counts=True)
        assert (times == passes).all()
        assert len(ids) == statistics["corpus_tokens"]


def test_each_pass_has_other_pairs_and_other_masks(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    rows = build(tmp_path, [tokens], vocabulary, duplicates=2).rows()
    masked = [set(row["mlm_labels"]) for row in rows]
    half = len(rows) // 2
    first, second = set().union(*masked[:half]), set().union(*masked[half:])
    # Two independent choices of 15 % share 15 % of each.
    assert len(first & second) < 0.25 * len(first)
    contents = [original_ids(row).tobytes() for row in rows]
    assert len(set(contents)) > 0.9 * len(contents)


def test_documents_of_other_splits_stay_out(tmp_path: Path, tokens: Path, vocabulary: Path) -> None:
    documents = {}
    for split in ("train", "validation", "test"):
        built = build(tmp_path / split, [tokens], vocabulary, split=split)
        documents[split] = {row["doc_id"] for row in built.ledger_rows()}
        in_rows = {row[name] for row in built.rows() for name in ("doc_id_a", "doc_id_b")}
        assert in_rows <= documents[split]
    assert sum(map(len, documents.values())) == 100
    assert len(set.union(*documents.values())) == 100


def test_held_out_instances_join_several_shards(tmp_path: Path, vocabulary: Path) -> None:
    rng = np.random.default_rng(20)
    paths = [
        write_tokens(tmp_path / f"{number}.arrow", counted([50, 60], rng, first), SIZE)
        for number, first in enumerate((100, 1000))
    ]
    rows = build(tmp_path / "out", paths, vocabulary).rows()
    seen = sorted(np.concatenate([np.concatenate(segments(row)) for row in rows]).tolist())
    assert seen == [*range(100, 210), *range(1000, 1110)]


@pytest.mark.parametrize(("size", "kind"), [(1 << 16, pa.uint16()), ((1 << 16) + 1, pa.uint32())])
def test_large_vocabularies_keep_their_ids(tmp_path: Path, size: int, kind: pa.DataType) -> None:
    ids = list(range(size - 300, size))
    tokens = write_tokens(tmp_path / "tokens.arrow", [Document(ids)], size)
    vocabulary = write_vocabulary(tmp_path / "vocab.txt", size)
    built = build(tmp_path / "out", [tokens], vocabulary)
    assert built.table().schema.field("input_ids").type.value_type == kind
    assert np.concatenate([np.concatenate(segments(row)) for row in built.rows()]).tolist() == ids


def shares(tmp_path: Path, tokens: Path, vocabulary: Path) -> dict:
    shards = {}
    for split in ("train", "validation", "test"):
        built = build(tmp_path / split, [tokens], vocabulary, split=split, duplicates=2)
        shards[split] = [(f"{split}/0000.arrow", built.statistics)]
    write_manifest("l64", shards, tmp_path / "manifest.json")
    return json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))


def test_manifest_counts_what_the_files_hold(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    manifest = shares(tmp_path, tokens, vocabulary)
    assert manifest["phase"] == "l64"
    assert manifest["max_seq_length"] == 64
    assert manifest["vocabulary_size"] == SIZE
    for split, part in manifest["splits"].items():
        path = tmp_path / split / "0000.arrow"
        with pa.memory_map(str(path)) as file:
            rows = pa.ipc.open_file(file).read_all().to_pylist()
        count = sum(len(row["input_ids"]) - 3 for row in rows)
        masked = sum(len(row["mlm_labels"]) for row in rows)
        assert part["coverage"] == 1.0
        assert part["instances"] == len(rows)
        assert part["tokens"] == count
        assert part["masked_share"] == masked / count
        assert part["random_share"] == np.mean([row["next_sentence_label"] for row in rows])
        assert part["unknown_share"] == 0.0
        assert part["shards"][0]["path"] == f"{split}/0000.arrow"
        assert part["shards"][0]["sha256"] == of_file(path)
    train = manifest["splits"]["train"]
    assert abs(train["masked_share"] - 0.15) < 0.005
    assert abs(train["random_share"] - 0.5) < 0.03


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
