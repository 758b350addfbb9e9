"""Measures of tokenizers: exact figures of made cases, and tokenizers of every kind by one scorer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi.vocab.eojeols import count_eojeols
from malmoi.vocab.held_out import prepare
from malmoi.vocab.measures import FIGURES, Measures, measure, renyi_efficiency
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from vocab_made_text import Morpheme, lay_out, write_segments

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = (
    *("피고", "##에게는", "책임", "##을", "民", "法", "의", "하", "."),
    *("손해배", "##상", "약", "##쓰지", "안쓰는"),
)

LEGAL: list[list[Morpheme]] = [
    [("피고", "NNG"), ("에게", "JKB"), ("는", "JX")],
    [("책임", "NNG"), ("을", "JKO")],
    [("民法", "SH"), ("의", "JKG")],
    [("뷁", "NNG"), ("하", "XSV"), ("였다", "EF"), (".", "SF")],
    [("손해", "NNG"), ("배상", "NNG"), ("을", "JKO")],
    [("책임", "NNG"), ("을", "JKO")],
]
MEDICAL: list[list[Morpheme]] = [[("약", "NNG"), ("을", "JKO")]] * 3


def bert(pieces: tuple[str, ...], normalizer: normalizers.Normalizer | None = None) -> Tokenizer:
    """Return a WordPiece tokenizer, by default one that keeps case and accents."""
    ids = {piece: number for number, piece in enumerate((*SPECIAL, *pieces))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer or normalizers.BertNormalizer(
        strip_accents=False, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def of(
    path: Path,
    tokenizer: Tokenizer,
    words: list[list[Morpheme]],
    terms: tuple[str, ...] = (),
) -> dict[str, float]:
    """Return the figures over all domains of one sentence that is held out."""
    segments = write_segments(path / "segments.parquet", [lay_out([words])], split="test")
    return measure(tokenizer, prepare(count_eojeols([segments], "test"), terms)).figures["all"]


@pytest.fixture(scope="module")
def measures(tmp_path_factory: pytest.TempPathFactory) -> Measures:
    documents = [
        {**lay_out([LEGAL]), "split": "test"},
        {**lay_out([MEDICAL]), "split": "test", "domain": "medical"},
        {**lay_out([[[("하", "NNG"), ("쓰지", "NNG")]]]), "split": "train"},
    ]
    path = write_segments(tmp_path_factory.mktemp("measures") / "segments.parquet", documents)
    terms = ("손해배상", "책임", "피고", "뷁", "없는말", "법원", "民法")
    held_out = prepare(count_eojeols([path], "test"), terms)
    return measure(bert(PIECES), held_out, count_eojeols([path], "train"))


def test_figures_of_a_made_text(measures: Measures) -> None:
    # 피고 ##에게는 | 책임 ##을 | 民 法 의 | [UNK] . | 손해배 ##상 ##을 | 책임 ##을
    assert measures.figures["legal"] == pytest.approx(
        {
            "unk_share": 1 / 14,
            "tokens_per_eojeol": 14 / 6,
            "tokens_per_word": 14 / 9,
            "characters_per_token": 24 / 14,
            # Right: before 에게, before 을 three times. Wrong: before 상. Missed: 는, 하, 였다, 배상.
            "precision": 4 / 5,
            "recall": 4 / 8,
            "f1": 8 / 13,
            "functional_precision": 4 / 5,
            "functional_recall": 4 / 7,
            "functional_f1": 8 / 12,
            # 책임 and 피고 are pieces, 손해배상 is two, 뷁 unknown; 民法 is never one word.
            "terms_single": 2 / 4,
            "term_occurrences_single": 3 / 5,
            "renyi_efficiency": renyi_efficiency(np.array([3, 2, *[1] * 9]), 19),
            "unused_pieces": 4 / 14,
            # The training document, legal too, says 하 and 쓰지.
            "unused_pieces_train": 12 / 14,
        }
    )
    assert list(measures.figures["legal"]) == list(FIGURES)


def test_domains_are_measured_apart_and_together(measures: Measures) -> None:
    medical, everything = measures.figures["medical"], measures.figures["all"]
    assert list(measures.figures) == ["legal", "medical", "all"]
    assert medical["tokens_per_eojeol"] == 2
    assert medical["f1"] == medical["functional_f1"] == 1
    assert medical["unk_share"] == 0
    assert medical["unused_pieces"] == pytest.approx(12 / 14)
    # No term occurs there, and no training document is medical.
    assert math.isnan(medical["terms_single"])
    assert math.isnan(medical["term_occurrences_single"])
    assert math.isnan(medical["unused_pieces_train"])
    assert everything["tokens_per_eojeol"] == 20 / 9
    assert everything["recall"] == 7 / 11
    assert everything["unused_pieces"] == pytest.approx(3 / 14)
    assert everything["unused_pieces_train"] == pytest.approx(12 / 14)


def test_uses_count_occurrences(measures: Measures) -> None:
    uses = dict(zip((*SPECIAL, *PIECES), measures.uses.tolist(), strict=True))
    assert {piece: number for piece, number in uses.items() if number} == {
        **{"[UNK]": 1, "피고": 1, "##에게는": 1, "책임": 2, "##을": 6, "民": 1, "法": 1},
        **{"의": 1, ".": 1, "손해배": 1, "##상": 1, "약": 3},
    }


def test_a_text_without_boundaries_has_no_shares_of_them(tmp_path: Path) -> None:
    figures = of(tmp_path, bert(PIECES), [[("책임", "NNG")]])
    assert figures["tokens_per_word"] == 1
    for name in ("precision", "recall", "f1", "functional_f1", "terms_single"):
        assert math.isnan(figures[name])


def test_renyi_efficiency_is_one_for_equal_use_and_none_for_one_piece() -> None:
    assert renyi_efficiency(np.full(16, 7), 16) == pytest.approx(1)
    assert renyi_efficiency(np.array([7] * 4 + [0] * 12), 16) == pytest.approx(0.5)
    assert renyi_efficiency(np.array([7, 0, 0]), 16) == pytest.approx(0)
    assert math.isnan(renyi_efficiency(np.zeros(16), 16))


def test_a_longer_term_hides_the_shorter_one_in_it(tmp_path: Path) -> None:
    words: list[list[Morpheme]] = [
        [("손해", "NNG"), ("배상", "NNG"), ("을", "JKO")],
        [("손해", "NNG"), ("를", "JKO")],
        # No morpheme begins or ends there.
        [("손해인", "NNG")],
    ]
    pieces = ("손해", "##배상", "##을", "##를", "##인")
    figures = of(tmp_path, bert(pieces), words, ("손해", "손해배상"))
    # 손해 is one piece where it stands alone; 손해배상 is two.
    assert figures["term_occurrences_single"] == 1 / 2


def test_pieces_that_fall_into_jamo_count_where_their_syllable_stands(tmp_path: Path) -> None:
    lower = normalizers.BertNormalizer(lowercase=True)
    tokenizer = bert(("covid", "##\u1105", "##\u1173", "##\u11af"), lower)
    assert len(tokenizer.encode("COVID를").ids) == 4
    figures = of(tmp_path, tokenizer, [[("COVID", "SL"), ("를", "JKO")]])
    assert (figures["precision"], figures["recall"], figures["tokens_per_word"]) == (1, 1, 4)


def test_compatibility_characters_are_one_place(tmp_path: Path) -> None:
    nfkc = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer = bert(("5", "##m", "##g", "##을"), nfkc)
    figures = of(tmp_path, tokenizer, [[("5", "SN"), ("㎎", "SW"), ("을", "JKO")]])
    assert (figures["precision"], figures["recall"], figures["tokens_per_word"]) == (1, 1, 4)


WORDS: list[list[Morpheme]] = [
    [("피고", "NNG"), ("에게", "JKB"), ("는", "JX")],
    [("책임", "NNG"), ("을", "JKO")],
    [("책임", "NNG"), ("이", "JKS")],
]


@pytest.mark.parametrize("prepend", ["always", "first", "never"])
def test_sentencepiece_tokenizers(tmp_path: Path, prepend: str) -> None:
    pieces = ("▁피고", "피고", "에게", "는", "▁책임", "을", "이", "책임", "▁")
    tokenizer = Tokenizer(models.Unigram([("<unk>", -10), *((piece, -2) for piece in pieces)], 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend)
    figures = of(tmp_path, tokenizer, WORDS, ("책임",))
    assert figures["f1"] == 1
    assert figures["unk_share"] == 0
    assert figures["tokens_per_eojeol"] == 7 / 3
    assert figures["term_occurrences_single"] == 1


def test_an_unknown_piece_of_a_sentencepiece_tokenizer_is_counted(tmp_path: Path) -> None:
    pieces = [("<unk>", -10), ("▁피고", -2), ("에게", -2), ("▁책임", -2)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    figures = of(tmp_path, tokenizer, WORDS)
    assert figures["unk_share"] == 3 / 7


def test_bytes_are_no_boundaries_but_tokens(tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ids = {character: number for number, character in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(ids, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    figures = of(tmp_path, tokenizer, WORDS, ("책임",))
    # Three bytes a syllable, and the spaces between the words.
    assert figures["tokens_per_eojeol"] == (11 * 3 + 2) / 3
    # A cut before every syllable, four of eight at a morpheme.
    assert (figures["precision"], figures["recall"]) == (1 / 2, 1)
    assert figures["unk_share"] == figures["term_occurrences_single"] == 0


def test_truncation_and_padding_of_the_tokenizer_are_left_aside(tmp_path: Path) -> None:
    tokenizer = bert(PIECES)
    expected = of(tmp_path, tokenizer, LEGAL)
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=512)
    assert of(tmp_path, tokenizer, LEGAL) == pytest.approx(expected, nan_ok=True)
    assert tokenizer.truncation is not None


def test_figures_do_not_depend_on_how_many_eojeols_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = of(tmp_path, bert(PIECES), LEGAL, ("책임",))
    monkeypatch.setattr("malmoi.vocab.measures._JOINED", 2)
    monkeypatch.setattr("malmoi.vocab.measures._TEXTS", 2)
    assert of(tmp_path, bert(PIECES), LEGAL, ("책임",)) == pytest.approx(expected, nan_ok=True)


def plainly(tokenizer: Tokenizer, document: dict) -> dict[str, float]:
    """Return some figures of a document as their definitions say, without tables."""
    text = document["text"]
    encoding = tokenizer.encode(text, add_special_tokens=False)
    clean = text.replace("民", " 民 ").replace("法", " 法 ")
    words = len(pre_tokenizers.BertPreTokenizer().pre_tokenize_str(clean))
    parting = {place for place, letter in enumerate(text) if letter in "民法., "}
    edges = {0} | parting | {place + 1 for place in parting}
    gold = set(document["morpheme_starts"]) - edges
    cuts = {start for start, _ in encoding.offsets} - edges
    return {
        "unk_share": encoding.tokens.count("[UNK]") / len(encoding),
        "tokens_per_word": len(encoding) / words,
        "precision": len(gold & cuts) / len(cuts) if cuts else math.nan,
        "recall": len(gold & cuts) / len(gold) if gold else math.nan,
    }


FORMS = st.text(st.sampled_from("피고책임을民法.,하"), min_size=1, max_size=4)
TAGS = st.sampled_from(["NNG", "JKO", "XSV", "SF"])
TEXTS = st.lists(st.lists(st.tuples(FORMS, TAGS), min_size=1, max_size=4), min_size=1, max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_figures_are_what_their_definitions_say(
    tmp_path: Path, words: list[list[Morpheme]]
) -> None:
    tokenizer = bert(("피고", "##책", "책임", "##을", "##임을", "民", "法", ".", ",", "하", "고"))
    expected = plainly(tokenizer, lay_out([words]))
    figures = of(tmp_path, tokenizer, words)
    assert {name: figures[name] for name in expected} == pytest.approx(expected, nan_ok=True)
