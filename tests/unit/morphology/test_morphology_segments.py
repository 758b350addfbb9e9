"""The segment stage: documents in order, offsets into the text it writes, the same bytes on every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from kiwipiepy import Kiwi
from malmoi import ledger
from malmoi.errors import InputError
from malmoi.morphology import changes
from malmoi.morphology.analyzer import Analysis, analyze
from malmoi.morphology.group import check_offsets
from malmoi.morphology.segmented import joined, segment_text
from malmoi.morphology.segments import CARRIED
from malmoi.morphology.stream import Counts
from malmoi.morphology.tags import TAGS
from morphology_stage import FILES, segment, write_documents

#: A compound that Kiwi by itself cuts into pieces.
TERM = "경피적관상동맥중재술"

TEXT = f"환자는 {TERM}를 받았다. 결과는 음성이다.\n{TERM}는 다시 하지 않는다."
UNSPACED = "피고는원고에게손해를배상할책임이있고그금액은법원이정하는바에따른다고할것이다."
TEXTS = [
    TEXT,
    "민법 제750조의 손해배상\n\n피고에게 책임을 묻는다. 民法은 그렇다.",
    "",
    "\u200b",
    "약 😀 500㎎을 1일 3회 복용하였다.",
    TEXT,
    f"【이 유】\n{UNSPACED}\n▁표가 있던 글이다.",
    *(f"원고는 {number}원을 지급하라고 청구했다. 피고는 다투었다." for number in range(300)),
]


def pieces(row: dict[str, Any]) -> list[str]:
    spans = zip(row["morpheme_starts"], row["morpheme_ends"], strict=True)
    return [row["text"][start:end] for start, end in spans]


def undone(folder: Path) -> list[str]:
    """Return the texts of a segments file with all that was changed put back."""
    rows = {
        row["doc_id"]: row["text"] for row in pq.read_table(folder / "segments.parquet").to_pylist()
    }
    for row in reversed(pq.read_table(folder / "changes.parquet").to_pylist()):
        made = changes.Changes(row["starts"], row["ends"], row["given"])
        rows[row["doc_id"]] = changes.undo(rows[row["doc_id"]], made)
    return list(rows.values())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curated documents, more than make one group."""
    return write_documents(tmp_path_factory.mktemp("curated") / "0000.parquet", TEXTS)


@pytest.fixture(scope="module")
def segmented(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    segment(folder, source)
    return folder


def test_segments_keep_documents_and_order(segmented: Path, source: Path, kiwi: Kiwi) -> None:
    rows = pq.read_table(segmented / "segments.parquet").to_pylist()
    given_rows = pq.read_table(source).to_pylist()
    assert [{name: row[name] for name in CARRIED} for row in rows] == [
        {name: row[name] for name in CARRIED} for row in given_rows
    ]
    for row, analysis in zip(rows, analyze(kiwi, TEXTS), strict=True):
        assert row["morpheme_starts"] == analysis.starts.tolist()
        assert row["morpheme_ends"] == analysis.ends.tolist()
        assert row["morpheme_tags"] == analysis.tags.tolist()
        assert row["sentence_starts"] == analysis.sentence_starts.tolist()
        assert row["sentence_ends"] == analysis.sentence_ends.tolist()
    assert pq.read_table(segmented / "changes.parquet").num_rows == 0


def test_ledger_has_a_row_for_every_document_and_balances(segmented: Path) -> None:
    rows = ledger.read([segmented / "ledger.parquet"])
    entries = rows.to_pylist()
    assert [entry["doc_id"] for entry in entries] == [
        f"{number:032x}" for number in range(len(TEXTS))
    ]
    for entry, text in zip(entries, TEXTS, strict=True):
        assert entry["stage"] == "segment" and entry["status"] == "kept"
        assert entry["chars_in"] == entry["chars_out"] == len(text)
    ledger.check(rows, ["segment"])


def test_the_file_says_what_its_tags_and_its_analyzer_are(segmented: Path) -> None:
    metadata = pq.read_schema(segmented / "segments.parquet").metadata
    assert tuple(json.loads(metadata[b"malmoi.tags"])) == TAGS
    analyzer = json.loads(metadata[b"malmoi.analyzer"])
    assert analyzer["kiwipiepy"] and analyzer["words"] == analyzer["patterns"] == 0


def test_two_workers_give_the_same_bytes(segmented: Path, source: Path, tmp_path: Path) -> None:
    segment(tmp_path, source, workers=2)
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (segmented / file).read_bytes()


def test_a_dictionary_keeps_its_words_whole(segmented: Path, source: Path, tmp_path: Path) -> None:
    dictionary = tmp_path / "medical.txt"
    dictionary.write_text(f"{TERM}\n", encoding="utf-8")
    segment(tmp_path, source, dictionaries=[str(dictionary)])
    first = [
        pq.read_table(folder / "segments.parquet").to_pylist()[0]
        for folder in (segmented, tmp_path)
    ]
    assert TERM not in pieces(first[0])
    assert pieces(first[1]).count(TERM) == 2
    metadata = pq.read_schema(tmp_path / "segments.parquet").metadata
    assert json.loads(metadata[b"malmoi.analyzer"])["words"] == 1


def test_a_bad_dictionary_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    dictionary = tmp_path / "medical.txt"
    dictionary.write_text("중증 근무력증\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"medical\.txt, line 1"):
        segment(tmp_path / "out", source, dictionaries=[str(dictionary)])
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.usefixtures("one_kiwi")
def test_an_empty_shard_gives_empty_files(tmp_path: Path) -> None:
    assert segment(tmp_path, write_documents(tmp_path / "empty.parquet", [])) == Counts()
    assert all(pq.read_table(tmp_path / file).num_rows == 0 for file in FILES)


@pytest.mark.usefixtures("one_kiwi")
def test_a_nul_is_named_with_document_offset_and_cure(tmp_path: Path) -> None:
    source = write_documents(tmp_path / "made.parquet", ["가나다.", "가\0나"])
    said = rf"document {1:032x} \(raw/1\.txt\): NUL.*offset 1 .*normalize"
    with pytest.raises(InputError, match=said):
        segment(tmp_path / "out", source)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("setting", [{"spacing": "all"}, {"input": "split"}])
def test_an_unknown_setting_is_named(source: Path, tmp_path: Path, setting: dict[str, str]) -> None:
    with pytest.raises(InputError, match=rf"segment\.{next(iter(setting))}: .* or "):
        segment(tmp_path, source, **setting)


@pytest.mark.usefixtures("one_kiwi")
@pytest.mark.parametrize("spacing", ["none", "repair"])
def test_segmented_text_is_what_a_user_makes_and_can_be_undone(
    source: Path, tmp_path: Path, kiwi: Kiwi, spacing: str
) -> None:
    segment(tmp_path, source, spacing=spacing, input="segmented")
    rows = pq.read_table(tmp_path / "segments.parquet").to_pylist()
    entries = ledger.read([tmp_path / "ledger.parquet"]).to_pylist()
    for row, entry, text in zip(rows, entries, TEXTS, strict=True):
        plain = joined(row["text"])
        assert "".join(plain.split()) == "".join(text.split())
        assert row["text"] == segment_text(kiwi, plain)
        assert (entry["chars_in"], entry["chars_out"]) == (len(text), len(row["text"]))
        parts = pieces(row)
        assert all(before.split() == before.split() for before in parts)
        assert "".join(parts) == "".join(row["text"].split())
        starts = set(row["morpheme_starts"])
        assert starts.issuperset(row["sentence_starts"])
        assert set(row["morpheme_ends"]).issuperset(row["sentence_ends"])
    assert undone(tmp_path) == TEXTS


@pytest.mark.usefixtures("one_kiwi")
def test_sections_follow_what_is_changed(tmp_path: Path) -> None:
    text = f"이유\n{UNSPACED}\n결론은 그렇다."
    start, end = text.index(UNSPACED), text.index("\n결론")
    meta = json.dumps(
        {"sections": [["이유", start, end], ["결론", end + 1, len(text)]], "court": "법원"}
    )
    source = write_documents(tmp_path / "made.parquet", [text], meta)
    segment(tmp_path, source, spacing="repair", input="segmented")
    (row,) = pq.read_table(tmp_path / "segments.parquet").to_pylist()
    made = json.loads(row["meta"])
    sections = [row["text"][start:end] for _, start, end in made["sections"]]
    assert sections == row["text"].split("\n")[1:]
    assert made["court"] == "법원"


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 2]],
        [[2, 4]],
        [[0, 3], [2, 4]],
        [[2, 4], [0, 2]],
        [[0, 2], [2, 2], [2, 4]],
        [[0, 1], [2, 4]],
        [[0, 2], [2, 5]],
        [],
    ],
)
def test_offsets_that_do_not_rebuild_the_text_are_refused(spans: list[list[int]]) -> None:
    def analysis(*documents: list[list[int]]) -> Analysis:
        flat = np.array([span for spans in documents for span in spans], np.int32).reshape(-1, 2)
        counts = np.array([len(spans) for spans in documents])
        none = np.zeros(0, np.int32)
        return Analysis(*flat.T, np.zeros(len(flat), np.uint8), counts, none, none, counts * 0)

    right = [[0, 2], [2, 4]]
    check_offsets(["피고에게"] * 2, ["d1", "d2"], analysis(right, right))
    for wrong, named in (((spans, right), "d1"), ((right, spans), "d2")):
        with pytest.raises(RuntimeError, match=f"document {named}: morphemes do not rebuild"):
            check_offsets(["피고에게"] * 2, ["d1", "d2"], analysis(*wrong))
