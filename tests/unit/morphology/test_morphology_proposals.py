"""Words proposed for a dictionary: which, with what verdict, and that the file is itself a dictionary."""

from __future__ import annotations

import csv
import hashlib
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from kiwipiepy import Kiwi
from malmoi.morphology.dictionary import read_dictionaries
from malmoi.morphology.mining import Candidate, candidates
from malmoi.morphology.proposals import COLUMNS, propose_dictionary
from morphology_stage import segment, write_documents

TERM = "경피적관상동맥중재술"
LISTED = "복강경담낭절제술"
HELD_OUT = "유리체절제술"

#: Nouns that join freely: each of the first before each of the second.
FREE = [
    f"{first}{second}"
    for first, second in product(
        ("병원", "환자", "의사", "약국", "학교", "회사"), ("기록", "결과", "건물", "직원", "주소")
    )
]

SETTINGS = {
    "terms": [],
    "patterns": False,
    "proposals": {"sample_mb": 50, "min_count": 12, "min_documents": 10, "most": 100},
}


@pytest.fixture(scope="module")
def corpus(kiwi: Kiwi, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segments of 48 documents, the last twelve of which are not for training."""
    folder = tmp_path_factory.mktemp("mined")
    texts = [
        f"환자는 {TERM}을 받았다. 다시 {TERM}은 하지 않았다.\n"
        f"{LISTED}을 마쳤다. 담당 판사 김갑돌은 말하였다.\n○○의료재단은 병원을 열었다.\n"
        + "".join(f"{form}를 보았다. " for form in FREE)
        for _ in range(36)
    ]
    source = write_documents(
        folder / "documents.parquet", [*texts, *[f"의사가 {HELD_OUT}을 했다."] * 12]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("malmoi.morphology.analyzer.load_analyzer", lambda workers, dictionary: kiwi)
        segment(folder, source)
    table = pq.read_table(folder / "segments.parquet")
    ids = [hashlib.md5(str(number).encode()).hexdigest() for number in range(len(table))]
    held_out = pc.match_substring(table["text"], HELD_OUT)
    split = pc.if_else(held_out, "test", "train")
    path = folder / "split.parquet"
    columns = dict(zip(table.column_names, table.columns, strict=True))
    columns |= {"doc_id": ids, "split": split}
    pq.write_table(pa.table(columns, table.schema), path)
    return path


@pytest.fixture(scope="module")
def proposed(corpus: Path) -> Path:
    """The file of proposals for that corpus, one term being listed already."""
    listed = corpus.parent / "mine.txt"
    listed.write_text(f"{LISTED}\n", encoding="utf-8")
    path = corpus.parent / "proposed.csv"
    propose_dictionary([corpus], SETTINGS, [str(listed)], 1, 20, path)
    return path


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["form"]: row for row in csv.DictReader(file)}


def found(corpus: Path, sample_mb: float = 50, seed: int = 20) -> dict[str, Candidate]:
    return {one.form: one for one in candidates([corpus], sample_mb, 12, 10, seed)}


def test_a_term_is_accepted_and_others_are_rejected_with_a_reason(proposed: Path) -> None:
    by_form = rows(proposed)
    term = by_form[TERM]
    assert (term["verdict"], term["reason"], term["count"]) == ("accept", "", "72")
    assert int(term["whole"]) == int(term["tried"]) > 0
    assert by_form["김갑돌"]["reason"] == "looks like a person's name"
    assert by_form["환자기록"]["reason"] == "free combination"
    assert all(row["verdict"] == "reject" for form, row in by_form.items() if form in FREE)
    # Listed already, behind a mask, or not for training.
    assert not {LISTED, "의료재단", HELD_OUT} & by_form.keys()


def test_the_file_is_a_dictionary_of_what_it_accepts(proposed: Path) -> None:
    assert tuple(next(iter(rows(proposed).values()))) == COLUMNS
    words = {form for form, _, _ in read_dictionaries([str(proposed)]).words}
    assert words == {form for form, row in rows(proposed).items() if row["verdict"] == "accept"}
    assert TERM in words


def test_candidates_are_counted_in_runs_and_documents(corpus: Path) -> None:
    term = found(corpus)[TERM]
    assert (term.count, term.documents, term.masked, term.spaced) == (72, 36, 0, 0)
    assert term.source == "compound" and "".join(term.parts) == TERM
    assert all(TERM in sentence for sentence in term.examples)
    assert found(corpus)["환자기록"].cohesion < 0.3 < term.cohesion


def test_a_form_written_with_a_space_elsewhere_is_not_solid(
    corpus: Path, kiwi: Kiwi, tmp_path: Path, one_kiwi: None
) -> None:
    texts = ["주택조합을 세웠다. 그 주택 조합은 컸다. 다른 주택 조합도 그렇다."] * 12
    segment(tmp_path, write_documents(tmp_path / "documents.parquet", texts))
    (form,) = found(tmp_path / "segments.parquet").values()
    assert (form.form, form.count, form.spaced) == ("주택조합", 12, 24)
    assert form.solid == pytest.approx(1 / 3)


def test_a_sample_is_drawn_by_id_and_seed(corpus: Path) -> None:
    half = pq.ParquetFile(corpus).read(["text"])["text"].to_pylist()
    megabytes = sum(len(text.encode()) for text in half) / 2e6

    def drawn(seed: int) -> dict[str, int]:
        return {one.form: one.documents for one in candidates([corpus], megabytes, 1, 1, seed)}

    assert 6 < drawn(1)[TERM] < 30
    assert drawn(1) == drawn(1)
    assert any(drawn(seed) != drawn(1) for seed in range(2, 6))


def test_documents_in_other_files_give_the_same(corpus: Path, tmp_path: Path) -> None:
    table = pq.read_table(corpus)
    parts = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(table.slice(0, 7), parts[0])
    pq.write_table(table.slice(7), parts[1])
    whole = candidates([corpus], 50, 12, 10, 20)
    assert candidates(parts, 50, 12, 10, 20) == whole


def test_a_corpus_without_candidates_gives_a_file_without_words(
    tmp_path: Path, corpus: Path
) -> None:
    empty = pa.Table.from_pylist([], schema=pq.read_schema(corpus))
    pq.write_table(empty, tmp_path / "segments.parquet")
    path = tmp_path / "proposed.csv"
    assert propose_dictionary([tmp_path / "segments.parquet"], SETTINGS, [], 1, 20, path) == 0
    assert rows(path) == {} and read_dictionaries([str(path)]).words == ()
