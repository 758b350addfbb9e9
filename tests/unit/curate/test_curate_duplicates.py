"""Copies are found whatever their spacing, and nothing is dropped that was not compared."""

import hashlib
import random
from itertools import combinations

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.curate import buckets, duplicates, shingles
from malmoi.curate.duplicates import find_duplicates
from malmoi.curate.shingles import SHINGLE, shingle_set, signatures, squeeze
from malmoi.fingerprint import shard_of

SETTINGS = {"near": True, "threshold": 0.8}
SHARDS = 3


def without_spaces(text: str, share: float, seed: int) -> str:
    draw = random.Random(seed)
    return "".join(char for char in text if char != " " or draw.random() >= share)


def with_edits(text: str, share: float, seed: int) -> str:
    draw = random.Random(seed)
    words = text.split(" ")
    for place in draw.sample(range(len(words)), round(share * len(words))):
        words[place] = draw.choice(["아무개가", "전혀", "하였으나", "별도의"])
    return " ".join(words)


def grams(text: str) -> set[str]:
    squeezed = squeeze(text)
    return {squeezed[start : start + SHINGLE] for start in range(len(squeezed) - SHINGLE + 1)}


def similarity(first: str, second: str) -> float:
    return len(grams(first) & grams(second)) / len(grams(first) | grams(second))


@pytest.fixture
def clusters_of(tmp_path, write_documents):
    """Find the clusters of records spread over files; return rows by doc_id."""

    def find(files: list[list[dict]], wanted: dict = SETTINGS, name: str = "clusters") -> dict:
        paths = [write_documents(f"{name}/{i}.parquet", each) for i, each in enumerate(files)]
        drops = [tmp_path / name / f"drops/{shard}.parquet" for shard in range(SHARDS)]
        digests = [path.with_suffix(".sha256") for path in drops]
        find_duplicates(paths, wanted, tmp_path / f"{name}.parquet", drops, digests)
        rows = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        assert len({row["doc_id"] for row in rows}) == len(rows)
        for shard, path in enumerate(drops):
            found = [(row["doc_id"], row["relation"]) for row in pq.read_table(path).to_pylist()]
            assert found == sorted(
                (row["doc_id"], row["relation"])
                for row in rows
                if row["relation"] != "kept" and shard_of(row["doc_id"], SHARDS) == shard
            )
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digests[shard].read_text() == sha256 + "\n"
        return {row["doc_id"]: row for row in rows}

    return find


@pytest.mark.parametrize(
    "change",
    [
        lambda text, seed: without_spaces(text, 0.05, seed),
        lambda text, seed: without_spaces(text, 0.20, seed),
        lambda text, seed: with_edits(text, 0.02, seed),
        lambda text, seed: text.replace("\n", "\r\n\t "),
    ],
    ids=["5 % of spaces", "20 % of spaces", "2 % of words", "line ends"],
)
def test_planted_copies_are_found_and_nothing_else(change, clusters_of, make_prose, make_document):
    originals = [make_document(make_prose(seed, 20), seed) for seed in range(40)]
    copies = [
        make_document(change(original["text"], seed), 100 + seed)
        for seed, original in enumerate(originals[:30])
    ]
    found = clusters_of([originals, copies])

    assert set(found) == {record["doc_id"] for record in originals[:30] + copies}
    for original, copy in zip(originals, copies, strict=False):
        rows = [found[original["doc_id"]], found[copy["doc_id"]]]
        assert rows[0]["cluster"] == rows[1]["cluster"]
        assert sorted(row["relation"] == "kept" for row in rows) == [False, True]
        dropped = next(row for row in rows if row["relation"] != "kept")
        assert dropped["similarity"] == similarity(original["text"], copy["text"])
        exact = squeeze(original["text"]) == squeeze(copy["text"])
        assert dropped["relation"] == ("exact" if exact else "near")


def test_documents_that_share_boilerplate_are_not_merged(clusters_of, make_prose, make_document):
    boilerplate = make_prose(999, 12)
    records = [make_document(f"{boilerplate}\n{make_prose(seed, 15)}", seed) for seed in range(30)]
    shared = [similarity(a["text"], b["text"]) for a, b in combinations(records, 2)]
    assert 0.2 < min(shared) < max(shared) < 0.8
    assert clusters_of([records]) == {}


def test_the_longest_is_kept_and_a_tie_goes_to_the_smallest_id(
    clusters_of, make_prose, make_document
):
    text = make_prose(1, 10)
    long, *short = [make_document(text + "\n", 0), *(make_document(text, n) for n in (1, 2, 3))]
    found = clusters_of([short, [long]])
    assert {row["cluster"] for row in found.values()} == {long["doc_id"]}

    found = clusters_of([short], name="tie")
    assert {row["cluster"] for row in found.values()} == {min(r["doc_id"] for r in short)}


def test_a_chain_keeps_what_is_only_similar_to_a_dropped_document(
    clusters_of, make_prose, make_document
):
    lines = make_prose(3, 60).split("\n")
    texts = ["\n".join(lines[start : start + 40]) for start in (0, 4, 8)]
    assert similarity(texts[0], texts[1]) > 0.8 < similarity(texts[1], texts[2])
    assert similarity(texts[0], texts[2]) < 0.8
    # Spaces make the first the longest without changing what is compared.
    first, middle, last = (
        make_document(text + " " * (300 * (2 - place)), place) for place, text in enumerate(texts)
    )
    found = clusters_of([[first, middle, last]])
    assert found[middle["doc_id"]]["cluster"] == first["doc_id"]
    assert last["doc_id"] not in found


def test_short_texts_have_exact_copies_only(clusters_of, make_document):
    records = [
        make_document(text, n) for n, text in enumerate(["상고 기각", "상고기각", "상고각하"])
    ]
    found = clusters_of([records])
    assert {found[record["doc_id"]]["relation"] for record in records[:2]} == {"kept", "exact"}
    assert records[2]["doc_id"] not in found


def test_near_duplicates_stay_when_switched_off(clusters_of, make_prose, make_document):
    text = make_prose(5, 20)
    records = [
        make_document(text, 0),
        make_document(with_edits(text, 0.02, 1), 1),
        make_document(text.replace(" ", ""), 2),
    ]
    found = clusters_of([records], {"near": False, "threshold": 0.8})
    assert set(found) == {records[0]["doc_id"], records[2]["doc_id"]}


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_clusters_agree_with_comparing_every_pair(
    threshold, clusters_of, make_prose, make_document
):
    records = []
    for seed in range(12):
        text = make_prose(seed, 15)
        records += [
            make_document(with_edits(text, share, seed), 100 * seed + round(1000 * share))
            for share in (0, 0.01, 0.03, 0.06, 0.1)
        ]
    found = clusters_of([records], {"near": True, "threshold": threshold})
    texts = {record["doc_id"]: record["text"] for record in records}
    dropped = {doc_id for doc_id, row in found.items() if row["relation"] != "kept"}
    assert dropped
    for doc_id in dropped:
        row = found[doc_id]
        assert row["cluster"] not in dropped
        assert row["similarity"] == similarity(texts[doc_id], texts[row["cluster"]]) >= threshold
    kept = sorted(set(texts) - dropped)
    assert all(similarity(texts[a], texts[b]) < threshold for a, b in combinations(kept, 2))


def test_the_result_is_the_same_bytes_for_any_order_and_sharding(
    tmp_path, clusters_of, make_prose, make_document
):
    records = []
    for seed in range(15):
        text = make_prose(seed, 12)
        records += [make_document(with_edits(text, 0.02, n), 10 * seed + n) for n in range(3)]
        records.append(make_document(text.replace(" ", ""), 10 * seed + 9))
    for name, files in (("a", 1), ("b", 4)):
        shuffled = random.Random(name).sample(records, len(records))
        assert clusters_of([shuffled[n::files] for n in range(files)], name=name)
    for path in ("{}.parquet", *(f"{{}}/drops/{shard}.parquet" for shard in range(SHARDS))):
        one, other = (tmp_path / path.format(name) for name in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_a_new_duplicate_changes_the_drops_of_its_own_shard_alone(
    tmp_path, clusters_of, make_prose, make_document
):
    records = [make_document(make_prose(seed, 10), seed) for seed in range(12)]
    records += [
        make_document(make_prose(seed, 10).replace(" ", ""), 50 + seed) for seed in range(6)
    ]
    copy = make_document(make_prose(11, 10).replace(" ", ""), 99)
    clusters_of([records], name="before")
    clusters_of([[*records, copy]], name="after")
    changed = [
        shard
        for shard in range(SHARDS)
        for one, other in [[tmp_path / f"{n}/drops/{shard}.sha256" for n in ("before", "after")]]
        if one.read_bytes() != other.read_bytes()
    ]
    assert changed == [shard_of(copy["doc_id"], SHARDS)]


def test_copies_in_a_crowd_of_similar_texts_cost_a_bounded_number_of_comparisons(
    clusters_of, make_prose, make_document, monkeypatch
):
    monkeypatch.setattr(buckets, "CAPACITY", 4)
    monkeypatch.setattr(duplicates, "CHECKS", 4)
    compared = []
    similarity_of = shingles.similarity
    monkeypatch.setattr(
        duplicates, "similarity", lambda a, b: compared.append(1) or similarity_of(a, b)
    )
    common, crowd = make_prose(999, 12), 300
    texts = [f"{common}\n{make_prose(seed, 4)}" for seed in range(crowd)]
    assert 0.6 < similarity(texts[0], texts[1]) < 0.75
    originals = [make_document(text, number) for number, text in enumerate(texts)]
    copies = [
        make_document(with_edits(text, 0.01, number), 1000 + number)
        for number, text in enumerate(texts)
    ]
    found = clusters_of([originals, copies])

    together = [
        found.get(one["doc_id"], {}).get("cluster", 1)
        == found.get(two["doc_id"], {}).get("cluster", 2)
        for one, two in zip(originals, copies, strict=True)
    ]
    assert sum(together) >= 0.99 * crowd
    assert len(compared) <= 4 * 2 * crowd


def test_no_documents_give_no_clusters(clusters_of):
    assert clusters_of([[], []]) == {}


TEXTS = st.text(alphabet="가나다 a1\n甲𠀀", max_size=60)


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_the_similarity_is_the_jaccard_of_the_sets_of_grams(first, second):
    sets = [shingle_set(squeeze(text)) for text in (first, second)]
    assert [len(found.hashes) for found in sets] == [len(grams(first)), len(grams(second))]
    if grams(first) | grams(second):
        assert shingles.similarity(*sets) == similarity(first, second)


@settings(max_examples=100)
@given(st.lists(TEXTS, max_size=6), st.integers(1, 20))
def test_signatures_and_sets_are_the_same_worked_out_in_pieces(texts, block):
    squeezed = [squeeze(text) for text in texts]
    signed, sets = signatures(squeezed), [shingle_set(text).hashes for text in squeezed]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shingles, "_BLOCK", block)
        assert [squeeze(text) for text in texts] == squeezed
        assert np.array_equal(signatures(squeezed), signed)
        for text, found in zip(squeezed, sets, strict=True):
            assert np.array_equal(shingle_set(text).hashes, found)


def test_very_large_texts_are_compared_on_a_fair_sample(make_prose, monkeypatch):
    text = make_prose(1, 300)
    changed = [with_edits(text, share, 1) for share in (0.01, 0.02)] + [text[: len(text) // 5]]
    whole = [shingle_set(squeeze(each)) for each in (text, *changed)]
    monkeypatch.setattr(shingles, "LARGEST_SET", 4000)
    samples = [shingle_set(squeeze(each)) for each in (text, *changed)]
    for found, sample in zip(whole, samples, strict=True):
        assert len(sample.hashes) <= 4000
        assert set(sample.hashes) <= set(found.hashes)
    assert len(samples[0].hashes) < len(whole[0].hashes)
    assert len(samples[-1].hashes) == len(whole[-1].hashes)
    for place in (1, 2, 3):
        estimate = shingles.similarity(samples[0], samples[place])
        assert abs(estimate - shingles.similarity(whole[0], whole[place])) < 0.04
