"""Kiwi's sentences and morphemes as offsets: they rebuild any text, and are the same on every run."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi import documents, ledger
from malmoi.errors import InputError
from malmoi.morphology.analyzer import Analysis, analyze, load_analyzer
from malmoi.morphology.segments import CARRIED, check_offsets, segment_documents
from malmoi.morphology.tags import TAGS

#: A compound that Kiwi by itself cuts into pieces.
TERM = "경피적관상동맥중재술"


@pytest.fixture(scope="module")
def kiwi() -> Kiwi:
    return load_analyzer(1)


def pieces(text: str, analysis: Analysis) -> list[str]:
    return [text[start:end] for start, end in analysis.morphemes.tolist()]


def sentences(text: str, analysis: Analysis) -> list[str]:
    return [text[start:end] for start, end in analysis.sentences.tolist()]


KOREAN = st.sampled_from(
    "하였다했됐습니다피고에게는원고의을를이가각값뷁ㄱㅏㅋ\u1100\u1161\u11a8\u3164漢字民法學\uf900\U00020000"
)
OTHER = st.sampled_from(
    "aBé"
    "\u0301\u200b\u200d\ufe0f\ufeff\ufffd\x00\x0b\x0c\x1c\x85\xa0\u2028\u3000 \t\r\n.?!,()「」【】①㎎"
    "%0019-@#:/_~"
    "\U0001f600\U0001f468\U0001f1f0\U000f0041\U0010ffff\ue000"
)
TEXTS = st.lists(
    st.text(
        KOREAN | OTHER | st.characters(exclude_categories=["Cs"]),
        max_size=40,
    )
    | st.sampled_from(
        (
            "환자는 고혈압을 앓았다. ",
            "【주 문】 상고를 기각한다.\n",
            "2001. 2. 9. 선고 99다38613 판결",
            "http://example.com/가 ",
            "a@b.kr ",
            "#말모이 ",
            "010-1234-5678",
        )
    ),
    max_size=4,
).map("".join)


@given(st.lists(TEXTS, max_size=3))
def test_offsets_rebuild_any_text(kiwi: Kiwi, texts: list[str]) -> None:
    for text, analysis in zip(texts, analyze(kiwi, texts), strict=True):
        check_offsets(text, analysis, "made")
        rebuilt, position = "", 0
        for start, end in analysis.morphemes.tolist():
            assert not text[position:start].strip() and start < end
            rebuilt += text[position:start] + text[start:end]
            position = end
        assert rebuilt + text[position:] == text
        assert len(analysis.tags) == len(analysis.morphemes)
        assert "".join("".join(pieces(text, analysis)).split()) == "".join(text.split())


@given(TEXTS)
def test_sentences_are_in_order_and_end_at_newlines(kiwi: Kiwi, text: str) -> None:
    (analysis,) = analyze(kiwi, [text])
    spans = analysis.sentences.tolist()
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert not any("\n" in sentence for sentence in sentences(text, analysis))


@given(TEXTS, TEXTS)
def test_a_text_is_analysed_alike_alone_and_in_company(kiwi: Kiwi, first: str, second: str) -> None:
    (alone,) = analyze(kiwi, [first])
    _, among = analyze(kiwi, [second, first])
    assert np.array_equal(alone.morphemes, among.morphemes)
    assert np.array_equal(alone.tags, among.tags)
    assert np.array_equal(alone.sentences, among.sentences)


def test_morphemes_that_overlap_become_one_surface_piece(kiwi: Kiwi) -> None:
    text = "피고가 원고에게 지급했다."
    (analysis,) = analyze(kiwi, [text])
    assert pieces(text, analysis) == ["피고", "가", "원고", "에게", "지급", "했", "다", "."]
    tags = [TAGS[number] for number in analysis.tags.tolist()]
    assert tags == ["NNG", "JKS", "NNG", "JKB", "NNG", "XSV", "EF", "SF"]


def test_a_newline_ends_a_sentence(kiwi: Kiwi) -> None:
    text = "주문\n상고를 기각한다. 비용은 원고가 부담한다.\n\n  이유  \n가."
    (analysis,) = analyze(kiwi, [text])
    assert sentences(text, analysis) == [
        "주문",
        "상고를 기각한다.",
        "비용은 원고가 부담한다.",
        "이유",
        "가.",
    ]


def test_repeated_paragraphs_are_analysed_alike(kiwi: Kiwi) -> None:
    paragraph = "이 약은 😀 식후에 복용하였다. 2주 뒤에 다시 왔다."
    text = f"{paragraph}\n다른 문장이다.\n{paragraph}"
    (analysis,) = analyze(kiwi, [text])
    shift = text.rindex(paragraph)
    for spans in (analysis.sentences, analysis.morphemes):
        first = spans[spans[:, 1] <= len(paragraph)]
        second = spans[spans[:, 0] >= shift]
        assert len(first) and np.array_equal(first + shift, second)


def test_texts_without_content_have_no_morphemes(kiwi: Kiwi) -> None:
    for analysis in analyze(kiwi, ["", "\n\n", " \u3000\t"]):
        assert analysis.morphemes.shape == analysis.sentences.shape == (0, 2)
        assert analysis.tags.shape == (0,)


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 2]],
        [[2, 4]],
        [[0, 3], [2, 4]],
        [[2, 4], [0, 2]],
        [[0, 2], [2, 2], [2, 4]],
        [[0, 1], [2, 4]],
        [],
    ],
)
def test_offsets_that_do_not_rebuild_the_text_are_refused(spans: list[list[int]]) -> None:
    morphemes = np.array(spans, dtype=np.int32).reshape(-1, 2)
    analysis = Analysis(morphemes, morphemes, np.zeros(len(spans), dtype=np.uint8))
    with pytest.raises(RuntimeError, match="document d1: morphemes"):
        check_offsets("피고에게", analysis, "d1")


def test_the_setting_that_changes_results_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIWI_ARCH_TYPE", "none")
    with pytest.raises(InputError, match=r"KIWI_ARCH_TYPE=none.*unset"):
        load_analyzer(1)


TEXT = f"환자는 {TERM}를 받았다. 결과는 음성이다.\n{TERM}는 다시 하지 않는다."
DOCUMENTS = [
    TEXT,
    "민법 제750조의 손해배상\n\n피고에게 책임을 묻는다. 民法은 그렇다.",
    "",
    "\u200b",
    "약 😀 500㎎을 1일 3회 복용하였다.",
    TEXT,
    *(f"원고는 {number}원을 지급하라고 청구했다. 피고는 다투었다." for number in range(300)),
]


def segment(folder: Path, source: Path, workers: int, dictionaries: list[str]) -> Path:
    folder.mkdir()
    segment_documents(
        source, dictionaries, workers, folder / "segments.parquet", folder / "ledger.parquet"
    )
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curated documents, more than are analysed together."""
    rows = []
    for number, text in enumerate(DOCUMENTS):
        row = dict.fromkeys(documents.FIELDS, "")
        row |= {"doc_id": f"{number:032x}", "source": "made", "text": text, "meta": "{}"}
        rows.append(row | {"raw_path": f"raw/{number}.txt", "split": "train", "title": "판결"})
    schema = documents.SCHEMA.append(pa.field("split", pa.string(), nullable=False))
    path = tmp_path_factory.mktemp("curated") / "0000.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


@pytest.fixture(scope="module")
def segmented(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return segment(tmp_path_factory.mktemp("segments") / "one", source, 1, [])


def test_segments_keep_documents_and_order(segmented: Path, source: Path, kiwi: Kiwi) -> None:
    rows = pq.read_table(segmented / "segments.parquet").to_pylist()
    given_rows = pq.read_table(source).to_pylist()
    assert [{name: row[name] for name in CARRIED} for row in rows] == [
        {name: row[name] for name in CARRIED} for row in given_rows
    ]
    for row, analysis in zip(rows, analyze(kiwi, DOCUMENTS), strict=True):
        assert row["morpheme_starts"] == analysis.morphemes[:, 0].tolist()
        assert row["morpheme_ends"] == analysis.morphemes[:, 1].tolist()
        assert row["morpheme_tags"] == analysis.tags.tolist()
        assert row["sentence_starts"] == analysis.sentences[:, 0].tolist()
        assert row["sentence_ends"] == analysis.sentences[:, 1].tolist()


def test_ledger_has_a_row_for_every_document_and_balances(segmented: Path) -> None:
    rows = ledger.read([segmented / "ledger.parquet"])
    entries = rows.to_pylist()
    assert [entry["doc_id"] for entry in entries] == [
        f"{number:032x}" for number in range(len(DOCUMENTS))
    ]
    for entry, text in zip(entries, DOCUMENTS, strict=True):
        assert entry["stage"] == "segment" and entry["status"] == "kept"
        assert entry["chars_in"] == entry["chars_out"] == len(text)
    ledger.check(rows, ["segment"])


def test_the_file_says_what_its_tags_and_its_analyzer_are(segmented: Path) -> None:
    metadata = pq.read_schema(segmented / "segments.parquet").metadata
    assert tuple(json.loads(metadata[b"malmoi.tags"])) == TAGS
    analyzer = json.loads(metadata[b"malmoi.analyzer"])
    assert set(analyzer) == {"kiwipiepy", "kiwipiepy_model", "user_words"}
    assert analyzer["user_words"] == 0


def test_two_workers_and_a_rerun_give_the_same_bytes(
    segmented: Path, source: Path, tmp_path: Path
) -> None:
    for name, workers in (("two", 2), ("again", 1)):
        other = segment(tmp_path / name, source, workers, [])
        for file in ("segments.parquet", "ledger.parquet"):
            assert (other / file).read_bytes() == (segmented / file).read_bytes()


def test_a_dictionary_keeps_its_words_whole(segmented: Path, source: Path, tmp_path: Path) -> None:
    dictionary = tmp_path / "medical.txt"
    dictionary.write_text(f"{TERM}\n", encoding="utf-8")
    folder = segment(tmp_path / "with", source, 1, [str(dictionary)])

    def found(path: Path) -> list[str]:
        row = pq.read_table(path / "segments.parquet").to_pylist()[0]
        spans = zip(row["morpheme_starts"], row["morpheme_ends"], strict=True)
        return [row["text"][start:end] for start, end in spans]

    assert TERM not in found(segmented)
    assert found(folder).count(TERM) == 2
    metadata = pq.read_schema(folder / "segments.parquet").metadata
    assert json.loads(metadata[b"malmoi.analyzer"])["user_words"] == 1


def test_a_bad_dictionary_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    dictionary = tmp_path / "medical.txt"
    dictionary.write_text("중증 근무력증\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"medical\.txt, line 1"):
        segment(tmp_path / "out", source, 1, [str(dictionary)])
    assert list((tmp_path / "out").iterdir()) == []


def test_an_empty_shard_gives_empty_files(source: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    pq.write_table(pq.read_table(source).slice(0, 0), empty)
    folder = segment(tmp_path / "out", empty, 1, [])
    assert pq.read_table(folder / "segments.parquet").num_rows == 0
    assert ledger.read([folder / "ledger.parquet"]).num_rows == 0
