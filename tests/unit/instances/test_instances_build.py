"""Building a shard: all tokens arrive, the ledger says so, and the bytes are a function of the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
from malmoi import sampling
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances import documents as blocks
from malmoi.instances import layout
from malmoi.instances.masking import MaskSettings, mask, read_vocabulary
from malmoi.instances.shards import read_settings

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


def hundred() -> list[Document]:
    rng = np.random.default_rng(20)
    documents = counted(rng.integers(2, 700, size=100).tolist(), rng)
    for document, split in zip(documents, ["train"] * 8 + ["validation", "test"], strict=False):
        document.split = split
    return documents


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tokens(tmp_path_factory.mktemp("tokens") / "0000.arrow", hundred(), SIZE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.lists(st.integers(1, 150), max_size=10),
    st.integers(16, 96),
    st.sampled_from(("nsp", "sop", "none")),
    st.sampled_from(("static", "dynamic")),
    st.sampled_from(("piece", "eojeol", "morpheme", "span")),
    st.sampled_from((0.01, 0.15, 0.9)),
    st.integers(0, 1000),
)
def test_every_token_arrives_once_with_a_true_label(
    tmp_path: Path,
    vocabulary: Path,
    lengths: list[int],
    limit: int,
    kind: str,
    when: str,
    unit: str,
    rate: float,
    seed: int,
) -> None:
    documents = counted(lengths, np.random.default_rng(seed))
    built = build(
        tmp_path / "out",
        [write_tokens(tmp_path / "tokens.arrow", documents, SIZE)],
        vocabulary,
        max_seq_length=limit,
        pairs={"kind": kind},
        masking={"when": when, "unit": unit, "rate": rate},
        seed=seed,
    )
    used = []
    for row in built.rows():
        ids, parts = original_ids(row), segments(row)
        assert len(ids) == len(row["token_type_ids"]) <= limit
        assert len(parts) == len(row["doc_ids"]) == len(row["segment_starts"])
        for part, doc_id, start in zip(parts, row["doc_ids"], row["segment_starts"], strict=True):
            source = documents[int(doc_id.removeprefix("doc-"))].ids
            assert part.tolist() == source[start : start + len(part)]
            used += part.tolist()
        second = np.cumsum(ids == SEP) - (ids == SEP)
        types = second if kind != "none" else np.zeros(len(ids))
        assert row["token_type_ids"] == types.tolist()
        if kind == "none":
            assert row["next_sentence_label"] == -100
            continue
        a, b = parts
        follows = b[0] == a[-1] + 1 and row["doc_ids"][0] == row["doc_ids"][1]
        assert row["next_sentence_label"] == (0 if follows else 1)
        if kind == "sop" and not follows:
            assert a[0] == b[-1] + 1
    shortest = 1 if kind == "none" else 2
    kept = [length for length in lengths if length >= shortest]
    expected = [
        token for document in documents if len(document.ids) >= shortest for token in document.ids
    ]
    assert sorted(used) == expected
    statistics = json.loads(built.statistics.read_text())
    assert statistics["used_once"] == sum(kept)
    assert statistics["single_token"] == sum(lengths) - sum(kept)
    assert statistics["used_again"] == statistics["cut_off"] == 0
    for row, length in zip(built.ledger_rows(), lengths, strict=True):
        whole = length >= shortest
        assert row["stage"] == "instances-l64"
        assert (row["tokens_in"], row["tokens_out"]) == (length, length if whole else 0)
        assert (row["chars_in"], row["chars_out"]) == (2 * length, 2 * length if whole else 0)
        assert (row["status"], row["reason"]) == (
            ("kept", "") if whole else ("filtered", "single_token")
        )


def test_google_mode_accounts_for_what_it_cuts_off_and_repeats(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    built = build(tmp_path, [tokens], vocabulary, pairs={"mode": "google"}, duplicates=3)
    statistics = json.loads(built.statistics.read_text())
    times: dict[int, int] = {}
    for row in built.rows():
        for token in np.concatenate(segments(row)).tolist():
            times[token] = times.get(token, 0) + 1
    assert statistics["tokens"] == sum(times.values())
    parts = ("used_once", "used_again", "single_token", "cut_off")
    assert sum(statistics[name] for name in parts) == statistics["corpus_tokens"]
    assert statistics["used_again"] > 0 and statistics["cut_off"] > 0
    for row in built.ledger_rows():
        assert 0 < row["tokens_out"] <= row["tokens_in"]


def test_the_same_settings_give_the_same_bytes(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    first, second = (
        build(tmp_path / name, [tokens], vocabulary, duplicates=2) for name in ("one", "two")
    )
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.statistics.read_bytes() == second.statistics.read_bytes()
    assert first.ledger.read_bytes() == second.ledger.read_bytes()
    for name, changed in (("seed", {"seed": 21}), ("shard", {"name": "0001"})):
        other = build(tmp_path / name, [tokens], vocabulary, duplicates=2, **changed)
        ours, theirs = ({tuple(row["input_ids"]) for row in each.rows()} for each in (first, other))
        assert len(ours & theirs) < 0.1 * len(ours)


def test_how_a_tokens_file_is_divided_changes_no_byte(
    tmp_path: Path, tokens: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks.read_blocks, "__defaults__", (5000,))
    divided = write_tokens(tmp_path / "0000.arrow", hundred(), SIZE, batch=7)
    first, second = (
        build(tmp_path / name, [path], vocabulary)
        for name, path in (("one", tokens), ("two", divided))
    )
    assert first.path.read_bytes() == second.path.read_bytes()


def test_blocks_are_nearly_equal_and_lose_nothing(
    tmp_path: Path, tokens: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [
        len(block.input_ids) for block in blocks.read_blocks([tokens], blocks.Chosen("train"), 5000)
    ]
    total = sum(sizes)
    assert len(sizes) == -(-total // 5000)
    assert max(sizes) - min(sizes) < 1400
    monkeypatch.setattr(blocks.read_blocks, "__defaults__", (5000,))
    rows = build(tmp_path, [tokens], vocabulary).rows()
    used = np.concatenate([np.concatenate(segments(row)) for row in rows])
    assert len(used) == len(np.unique(used)) == total


def test_how_many_are_laid_out_together_changes_no_byte(
    tmp_path: Path, tokens: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(tmp_path / "one", [tokens], vocabulary)
    monkeypatch.setattr(layout, "TOKENS", 200)
    assert (
        whole.path.read_bytes() == build(tmp_path / "two", [tokens], vocabulary).path.read_bytes()
    )


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
        assert len(ids) * passes == statistics["corpus_tokens"]


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


def test_static_masks_are_those_of_the_row_number(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    # Masks are the last draw, so the same pairs come without them.
    static = build(tmp_path / "static", [tokens], vocabulary, duplicates=2).rows()
    plain = build(
        tmp_path / "dynamic", [tokens], vocabulary, duplicates=2, masking={"when": "dynamic"}
    ).rows()
    stream = sampling.key(20, "mask", "l64", "train", "0000")
    for number in (0, 1, len(static) // 2, len(static) - 1):
        row = plain[number]
        assert set(row) == (set(static[0]) - {"mlm_positions", "mlm_labels"}) | {"unit_starts"}
        masked = mask(
            np.array(row["input_ids"], dtype=np.uint16),
            np.array(row["unit_starts"], dtype=np.uint8),
            np.array([0, len(row["input_ids"])]),
            sampling.bits(stream, np.array([number])),
            0.15,
            read_vocabulary(vocabulary),
            MaskSettings(),
        )
        assert masked.seen.tolist() == static[number]["input_ids"]
        assert masked.positions.tolist() == static[number]["mlm_positions"]
        assert masked.labels.tolist() == static[number]["mlm_labels"]


def test_units_of_the_tokens_file_arrive(tmp_path: Path, vocabulary: Path) -> None:
    units = [3, 0, 2, 7, 0, 6] * 20
    ids = list(range(FIRST, FIRST + len(units)))
    path = write_tokens(tmp_path / "tokens.arrow", [Document(ids, [], units)], SIZE)
    for row in build(tmp_path, [path], vocabulary, masking={"when": "dynamic"}).rows():
        for token, unit in zip(row["input_ids"], row["unit_starts"], strict=True):
            assert unit == (0 if token in (CLS, SEP) else units[token - FIRST])


def test_documents_of_other_splits_stay_out(tmp_path: Path, tokens: Path, vocabulary: Path) -> None:
    documents = {}
    for split in ("train", "validation", "test"):
        built = build(tmp_path / split, [tokens], vocabulary, split=split)
        documents[split] = {row["doc_id"] for row in built.ledger_rows()}
        assert {name for row in built.rows() for name in row["doc_ids"]} <= documents[split]
    assert sum(map(len, documents.values())) == 100
    assert len(set.union(*documents.values())) == 100


def test_a_smaller_share_lies_within_a_larger_one_and_the_ledger_has_the_others(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    taken = {}
    for share in (0.25, 0.5, 1.0):
        built = build(tmp_path / str(share), [tokens], vocabulary, share=share)
        rows = built.ledger_rows()
        assert len(rows) == 98
        left_out = [row for row in rows if row["reason"] == "share"]
        assert all(row["tokens_in"] > 1 and not row["tokens_out"] for row in left_out)
        taken[share] = {row["doc_id"] for row in rows if row["status"] == "kept"}
        assert taken[share] == {name for row in built.rows() for name in row["doc_ids"]}
        assert len(taken[share]) + len(left_out) == 98
        # The balance of tokens is that of the documents which were taken.
        corpus = sum(row["tokens_in"] for row in rows if row not in left_out)
        assert json.loads(built.statistics.read_text())["corpus_tokens"] == corpus
    assert taken[0.25] < taken[0.5] < taken[1.0]
    assert 12 <= len(taken[0.25]) <= 37
    with pytest.raises(InputError, match="share is 0"):
        build(tmp_path / "none", [tokens], vocabulary, share=0)


@pytest.mark.parametrize(("group", "random"), [("", True), ("2010도2212", False)])
def test_documents_without_a_group_are_partners_those_of_one_group_are_not(
    tmp_path: Path, vocabulary: Path, group: str, random: bool
) -> None:
    documents = counted([300] * 8, np.random.default_rng(20))
    for document in documents:
        document.group = group
    path = write_tokens(tmp_path / "tokens.arrow", documents, SIZE)
    rows = build(tmp_path / "out", [path], vocabulary).rows()
    assert any(row["next_sentence_label"] for row in rows) == random


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


def test_a_file_says_what_it_was_made_with(tmp_path: Path, tokens: Path, vocabulary: Path) -> None:
    built = build(tmp_path, [tokens], vocabulary, max_seq_length=48)
    said = read_settings(built.path)
    assert (said["phase"], said["split"], said["seed"]) == ("l64", "train", 20)
    assert (said["max_seq_length"], said["vocabulary_size"]) == (48, SIZE)
    assert said["vocabulary_sha256"] == of_file(vocabulary)
    assert said["pairs"]["kind"] == "nsp"
    assert said["masking"] == {
        **{"when": "static", "unit": "morpheme", "rate": 0.15, "final_rate": None},
        **{"functional_weight": 1.0, "span_mean": 3.0},
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"masking": {"when": "sometimes"}}, r"masking\.when is 'sometimes': choose static"),
        (
            {"masking": {"final_rate": 0.3}},
            r"masking\.final_rate is 0\.3.*masking\.when to dynamic",
        ),
        ({"masking": {"when": "dynamic", "final_rate": 2.0}}, r"rate 2\.0"),
        ({"masking": {"unit": "letter"}}, r"unit letter"),
        ({"pairs": {"kind": "nap"}}, r"pairs\.kind is 'nap'"),
        ({"duplicates": 0}, r"duplicates is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, tokens: Path, vocabulary: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build(tmp_path / "out", [tokens], vocabulary, **changed)
    assert not (tmp_path / "out" / "0000.arrow").exists()


def test_tokens_that_cannot_be_used_are_named(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    small = write_vocabulary(tmp_path / "vocab.txt", 100)
    with pytest.raises(InputError, match=r"0000\.arrow: holds the id .*tokenize again"):
        build(tmp_path / "out", [tokens], small)
    cut = tmp_path / "cut.arrow"
    cut.write_bytes(tokens.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"cut\.arrow: not a readable tokens file.*delete it"):
        build(tmp_path / "out", [cut], vocabulary)
    old = tmp_path / "old.arrow"
    with pa.memory_map(str(tokens)) as file:
        table = pa.ipc.open_file(file).read_all().drop_columns("kind")
    with pa.OSFile(str(old), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match=r"old\.arrow: no tokens file.*\(without kind\)"):
        build(tmp_path / "out", [old], vocabulary)
    with pytest.raises(InputError, match=r"away\.arrow: not a readable tokens file"):
        build(tmp_path / "out", [tmp_path / "away.arrow"], vocabulary)


def test_packed_sentences_are_written_once_where_masks_are_drawn_on_reading(
    tmp_path: Path, tokens: Path, vocabulary: Path
) -> None:
    numbers = {
        when: len(
            build(
                *(tmp_path / when, [tokens], vocabulary),
                **{"pairs": {"kind": "none"}, "masking": {"when": when}, "duplicates": 3},
            ).rows()
        )
        for when in ("static", "dynamic")
    }
    assert numbers["static"] == 3 * numbers["dynamic"]


def test_a_document_more_changes_the_file_of_its_shard_alone(
    tmp_path: Path, vocabulary: Path
) -> None:
    rng = np.random.default_rng(20)

    def documents(number: int) -> list[Document]:
        lengths = rng.integers(50, 300, size=number).tolist()
        return [
            Document(rng.integers(FIRST, SIZE, length).tolist(), random_ends(rng, length, 12))
            for length in lengths
        ]

    shards = {name: documents(20) for name in ("0000", "0001")}

    def built(folder: str) -> dict[str, bytes]:
        (tmp_path / folder).mkdir()
        return {
            name: build(
                *(
                    tmp_path / folder,
                    [write_tokens(tmp_path / folder / f"{name}.tokens", own, SIZE)],
                ),
                *(vocabulary,),
                name=name,
            ).path.read_bytes()
            for name, own in shards.items()
        }

    before = built("before")
    shards["0001"] += documents(1)
    after = built("after")
    assert {name for name in shards if after[name] != before[name]} == {"0001"}
