"""The tokenized store: the ids of the plain tokenizer, with units and sentences in the right places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi import ledger
from malmoi.errors import InputError
from malmoi.vocab import tokens as tokens_module
from malmoi.vocab import wordpiece
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer
from malmoi.vocab.tokens import (
    FUNCTIONAL,
    MORPHEME_START,
    WORD_START,
    read_tokens,
    tokenize_documents,
)
from transformers import AutoTokenizer
from vocab_made_text import lay_out, plain, write_segments

PIECES = (
    *("피고", "##에게", "##에", "##게", "##는", "책임", "##을", "하", "##였다", "##다", "."),
    *("民", "法", "묻", "원고", "##의", "의", "책임을", "없"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    bert_tokenizer([*SPECIAL_TOKENS, *PIECES]).save_pretrained(path)
    return path


def tokenized(folder: Path, tmp_path: Path, documents: list[dict]) -> tuple[list[dict], list[dict]]:
    """Return the rows of the tokens file and of the ledger."""
    tmp_path.mkdir(exist_ok=True)
    segments = write_segments(tmp_path / "segments.parquet", documents)
    tokenize_documents(segments, folder, tmp_path / "tokens.arrow", tmp_path / "ledger.parquet")
    rows = [row for batch in read_tokens(tmp_path / "tokens.arrow") for row in batch.to_pylist()]
    return rows, ledger.read([tmp_path / "ledger.parquet"]).to_pylist()


def test_units_and_sentences_of_an_example(folder: Path, tmp_path: Path) -> None:
    document = lay_out(
        [
            [[("피고", "NNG"), ("에게", "JKB"), ("는", "JX")], [("책임", "NNG"), ("을", "JKO")]],
            [
                [("民法", "SH"), ("의", "JKG")],
                [("뷁", "NNG"), ("하", "XSV"), ("였다", "EF"), (".", "SF")],
            ],
        ]
    )
    assert document["text"] == "피고에게는 책임을\n民法의 뷁하였다."
    (row,), _ = tokenized(folder, tmp_path, [document])
    tokens = [[*SPECIAL_TOKENS, *PIECES][number] for number in row["input_ids"]]
    both = WORD_START | MORPHEME_START
    assert list(zip(tokens, row["unit_starts"], strict=True)) == [
        ("피고", both),
        ("##에게", MORPHEME_START | FUNCTIONAL),
        ("##는", MORPHEME_START | FUNCTIONAL),
        # The piece runs over the boundary before 을, so it is one unit.
        ("책임을", both),
        # Kiwi takes 民法 for one morpheme; BERT makes two words of it.
        ("民", both),
        ("法", WORD_START),
        ("의", both | FUNCTIONAL),
        # An unknown word is one token, whatever morphemes it is made of.
        ("[UNK]", both),
        (".", both | FUNCTIONAL),
    ]
    assert row["sentence_ends"] == [4, 9]
    assert row["characters"] == len(document["text"])


@pytest.mark.parametrize(
    ("word", "tokens", "units"),
    [
        # A morpheme of two pieces is one unit.
        ([("하는", "NNG"), ("에게", "JKB")], ["하", "##는", "##에게"], [3, 0, 6]),
        # The vocabulary prefers ##에게, which crosses the boundary: no unit opens inside it.
        ([("하에", "NNG"), ("게", "JKB")], ["하", "##에게"], [3, 0]),
    ],
)
def test_pieces_and_morphemes_that_disagree(
    folder: Path, tmp_path: Path, word: list[tuple[str, str]], tokens: list[str], units: list[int]
) -> None:
    (row,), _ = tokenized(folder, tmp_path, [lay_out([[word]])])
    assert [PIECES[number - 5] for number in row["input_ids"]] == tokens
    assert row["unit_starts"] == units


def test_offsets_count_characters_after_emoji_and_invisible_ones(
    folder: Path, tmp_path: Path
) -> None:
    document = lay_out(
        [
            [[("😀", "W_EMOJI")], [("피\u200b고", "NNG"), ("에게", "JKB")]],
            [[("원고", "NNG"), ("의", "JKG")]],
        ]
    )
    (row,), _ = tokenized(folder, tmp_path, [document])
    tokens = [[*SPECIAL_TOKENS, *PIECES][number] for number in row["input_ids"]]
    assert tokens == ["[UNK]", "피고", "##에게", "원고", "##의"]
    assert row["unit_starts"] == [3, 3, 6, 3, 6]
    assert row["sentence_ends"] == [3, 5]


DOCUMENTS = st.lists(
    st.lists(
        st.text(
            st.sampled_from("피고에게는책임을하였다.民法묻원의없뷁 😀\u200b\x00\u3000[]MASKUNK")
            | st.characters(exclude_categories=["Cs"]),
            max_size=20,
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DOCUMENTS)
def test_ids_are_those_of_the_plain_tokenizer(
    folder: Path, tmp_path: Path, documents: list[list[str]]
) -> None:
    made = []
    for sentences in documents:
        document = plain("\n".join(sentences))
        ends = np.cumsum([len(sentence) + 1 for sentence in sentences]) - 1
        starts = [end - len(sentence) for end, sentence in zip(ends, sentences, strict=True)]
        made.append(document | {"sentence_starts": starts, "sentence_ends": ends.tolist()})
    rows, entries = tokenized(folder, tmp_path, made)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = [tokenizer(each["text"], add_special_tokens=False)["input_ids"] for each in made]
    assert [row["input_ids"] for row in rows] == [ids for ids in expected if ids]
    for row in rows:
        ends = row["sentence_ends"]
        assert ends == sorted(set(ends)) and ends[0] > 0
        assert ends[-1] == len(row["input_ids"]) == len(row["unit_starts"])
        assert row["unit_starts"][0] == WORD_START | MORPHEME_START
    for entry, document, ids in zip(entries, made, expected, strict=True):
        length = len(document["text"])
        assert entry["stage"] == "tokenize"
        assert (entry["chars_in"], entry["tokens_in"]) == (length, 0)
        assert entry["tokens_out"] == len(ids)
        assert entry["chars_out"] == (length if ids else 0)
        assert (entry["status"], entry["reason"]) == (
            ("kept", "") if ids else ("filtered", "no_tokens")
        )


def test_how_much_is_read_and_remembered_at_once_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [[("피고", "NNG"), ("에게", "JKB")], [("원고", "NNG")], [("[MASK]", "SW")]]
    documents = [lay_out([words[:n], words[1:]]) for n in (3, 1, 2, 3)] + [plain("\u200b")]
    expected = tokenized(folder, tmp_path / "one", documents)
    monkeypatch.setattr(tokens_module, "CHARACTERS", 20)
    monkeypatch.setattr(wordpiece, "REMEMBERED", 2)
    assert tokenized(folder, tmp_path / "two", documents) == expected


def test_nothing_but_invisible_characters_is_dropped_with_a_reason(
    folder: Path, tmp_path: Path
) -> None:
    rows, entries = tokenized(folder, tmp_path, [plain("피고"), plain("\u200b\x00\u200b")])
    assert len(rows) == 1
    assert [(entry["status"], entry["reason"]) for entry in entries] == [
        ("kept", ""),
        ("filtered", "no_tokens"),
    ]


def test_long_documents_are_not_cut(folder: Path, tmp_path: Path) -> None:
    (row,), _ = tokenized(folder, tmp_path, [plain("피고 " * 3000)])
    assert len(row["input_ids"]) == 3000


def test_other_columns_come_along_in_order(folder: Path, tmp_path: Path) -> None:
    documents = [
        {**plain("피고"), "source": "a", "domain": "medical", "split": "test", "group": "g"},
        plain("원고"),
    ]
    rows, entries = tokenized(folder, tmp_path, documents)
    assert [rows[0][name] for name in ("source", "domain", "split", "group")] == [
        *("a", "medical", "test", "g")
    ]
    assert [row["doc_id"] for row in rows] == [entry["doc_id"] for entry in entries]
    assert [entry["source"] for entry in entries] == ["a", "made"]


def test_a_rerun_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    documents = [plain("피고에게는 책임을"), plain("民法의 책임")]
    for name in ("one", "two"):
        tokenized(folder, tmp_path / name, documents)
    for file in ("tokens.arrow", "ledger.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_an_empty_shard_gives_an_empty_store(folder: Path, tmp_path: Path) -> None:
    assert tokenized(folder, tmp_path, []) == ([], [])


@pytest.mark.parametrize(("size", "kind"), [(1 << 16, pa.uint16()), ((1 << 16) + 1, pa.uint32())])
def test_large_vocabularies_keep_their_ids(tmp_path: Path, size: int, kind: pa.DataType) -> None:
    pieces = [*SPECIAL_TOKENS, *(f"p{number}" for number in range(5, size))]
    bert_tokenizer(pieces).save_pretrained(tmp_path / "tokenizer")
    rows, _ = tokenized(tmp_path / "tokenizer", tmp_path, [plain(f"p5 p{size - 1}")])
    assert rows[0]["input_ids"] == [5, size - 1]
    batch = next(read_tokens(tmp_path / "tokens.arrow"))
    assert batch.schema.field("input_ids").type.value_type == kind


def test_segments_without_tag_names_are_refused(folder: Path, tmp_path: Path) -> None:
    path = write_segments(tmp_path / "segments.parquet", [plain("피고")])
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(InputError, match=r"segments\.parquet.*malmoi\.tags.*segment again"):
        tokenize_documents(path, folder, tmp_path / "tokens.arrow", tmp_path / "ledger.parquet")


def test_a_tokenizer_that_changes_letters_is_refused(folder: Path, tmp_path: Path) -> None:
    path = write_segments(tmp_path / "segments.parquet", [plain("피고")])
    saved = (folder / "tokenizer.json").read_text(encoding="utf-8")
    lowering = saved.replace('"lowercase": false', '"lowercase": true')
    assert lowering != saved
    (tmp_path / "tokenizer.json").write_text(lowering, encoding="utf-8")
    with pytest.raises(InputError, match=r"tokenizer\.json.*cased BERT"):
        tokenize_documents(path, tmp_path, tmp_path / "tokens.arrow", tmp_path / "ledger.parquet")
