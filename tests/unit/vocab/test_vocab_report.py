"""The report of a vocabulary: its tables and plots, other tokenizers beside it, and the page of sentences."""

from __future__ import annotations

import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.errors import InputError
from malmoi.vocab.comparison import load_candidates
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer
from malmoi.vocab.measures import FIGURES
from malmoi.vocab.report import OWN, report_vocabulary
from malmoi.vocab.sentences import LONGEST, SHORTEST, Sentence, choose_sentences
from malmoi.vocab.side_by_side import write_page
from malmoi.vocab.terms import read_terms
from tokenizers import Tokenizer
from tools.hub_server import HubServer, StoredFile
from transformers import CanineTokenizer
from vocab_made_text import SYLLABLES, lay_out, made_sentences, write_segments

OUTPUTS = {
    "measures_csv": "measures.csv",
    "coverage_csv": "coverage.csv",
    "boundaries_png": "boundaries.png",
    "coverage_png": "coverage.png",
    "page": "sentences.html",
}


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files with training and test documents of two domains, and two kinds of one of them."""
    folder = tmp_path_factory.mktemp("segments")
    paths = []
    for file in range(2):
        documents = []
        for number in range(24):
            sentences = made_sentences(6, 100 * file + number)
            kind = {
                "domain": "medical" if number % 3 == 0 else "legal",
                "kind": f"k{number // 4 % 2}",
            }
            split = "test" if number % 4 == 0 else "train"
            documents.append({**lay_out(sentences), **kind, "split": split})
        paths.append(write_segments(folder / f"{file}.parquet", documents))
    return paths


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of single syllables and some josa."""
    syllables = [*SYLLABLES, *"에게서은을의이하였다."]
    pieces = dict.fromkeys([*syllables, *(f"##{each}" for each in syllables), "##에게", "##였다"])
    folder = tmp_path_factory.mktemp("tokenizer")
    bert_tokenizer([*SPECIAL_TOKENS, *pieces]).save_pretrained(folder)
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub_cache"))


def report(segments: list[Path], folder: Path, output: Path, **changes: object) -> None:
    plainly: dict = {"terms": [], "compare": [], "sentences": 2, "seed": 20}
    files = {name: output / file for name, file in OUTPUTS.items()}
    report_vocabulary(segments, folder, **(plainly | changes), **files)


def test_tables_plots_and_page(
    segments: list[Path], folder: Path, tmp_path: Path, offline: None
) -> None:
    pieces = [*SPECIAL_TOKENS, "가", "##가", "."]
    bert_tokenizer(pieces).save_pretrained(tmp_path / "poor")
    compare = [str(tmp_path / "poor"), "made/of_nothing"]
    report(segments, folder, tmp_path / "one", compare=compare)
    measures = pd.read_csv(tmp_path / "one" / "measures.csv")
    assert list(measures) == ["tokenizer", "domain", "pieces", *FIGURES, "skipped"]
    rows = list(zip(measures["tokenizer"], measures["domain"], strict=True))
    domains = ("legal", "medical", "all")
    assert rows == [
        *((name, domain) for name in (OWN, "poor") for domain in domains),
        ("made/of_nothing", "all"),
    ]
    skipped = measures.iloc[-1]
    assert "cannot be fetched" in skipped["skipped"]
    assert skipped[["pieces", *FIGURES]].isna().all()
    assert measures["skipped"][:-1].isna().all()
    assert (measures["unk_share"][:3] == 0).all()
    assert (measures["unk_share"][3:6] > 0.8).all()
    coverage = pd.read_csv(tmp_path / "one" / "coverage.csv")
    own = coverage[coverage["tokenizer"] == OWN]
    assert own["token_share"].is_monotonic_increasing
    assert own["token_share"].iloc[-1] == 1
    assert own["pieces"].iloc[-1] == measures["pieces"][0]
    for name in ("boundaries.png", "coverage.png"):
        assert (tmp_path / "one" / name).read_bytes().startswith(b"\x89PNG")
    assert "made/of_nothing" not in (tmp_path / "one" / "sentences.html").read_text()

    # The order of the shards changes nothing, and neither does a second run.
    report(segments[::-1], folder, tmp_path / "two", compare=compare)
    for name in OUTPUTS.values():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_terms_come_from_dictionaries_of_both_kinds(tmp_path: Path) -> None:
    plain, table = tmp_path / "a.tsv", tmp_path / "b.csv"
    plain.write_text("# 소송\n손해배상\tNNG\t1\n\n책임\nre:[0-9]+조\tNNP\n", encoding="utf-8-sig")
    rows = "Form,tag,verdict\n요양급여,NNG,accept\n하여야,NNG,reject\n책임,NNG,accept\n"
    table.write_text(rows, encoding="utf-8")
    assert read_terms([plain, table]) == ["손해배상", "요양급여", "책임"]


def test_terms_are_counted_in_the_table(segments: list[Path], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("하\n였다\n", encoding="utf-8")
    report(segments, folder, tmp_path, terms=[tmp_path / "terms.tsv"], sentences=0)
    row = pd.read_csv(tmp_path / "measures.csv").iloc[-1]
    # Both are one piece inside a word; 였다 is two at the start of one.
    assert row["term_occurrences_single"] == 1
    assert row["terms_single"] == 0.5


def test_nothing_held_out_says_the_cure(folder: Path, tmp_path: Path) -> None:
    path = write_segments(tmp_path / "0.parquet", [lay_out(made_sentences(3, 1))])
    with pytest.raises(InputError, match=r"no document is in the test split.*curate\.split\.test"):
        report([path], folder, tmp_path)


def test_a_name_that_is_no_folder_and_no_id_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a/b/c.*no such folder.*owner/name"):
        load_candidates([str(tmp_path / "a/b/c")])


def test_what_cannot_be_measured_is_skipped_with_a_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    CanineTokenizer().save_pretrained(tmp_path / "slow")
    (tmp_path / "empty").mkdir()
    slow, empty = load_candidates([str(tmp_path / "slow"), str(tmp_path / "empty")])
    assert (slow.name, slow.tokenizer) == ("slow", None)
    assert "slow tokenizer, which gives no offsets" in slow.skipped
    assert empty.tokenizer is None and "cannot be loaded" in empty.skipped
    assert "comparison vocabulary" in caplog.text and "is skipped: it is a slow" in caplog.text


def test_a_folder_with_nothing_but_a_tokenizer_file_is_loaded(folder: Path, tmp_path: Path) -> None:
    for name in ("a/same", "b/same"):
        (tmp_path / name).mkdir(parents=True)
        Tokenizer.from_file(str(folder / "tokenizer.json")).save(
            str(tmp_path / name / "tokenizer.json")
        )
    names = [str(tmp_path / name) for name in ("a/same", "b/same")]
    candidates = load_candidates([*names, names[0]])
    # Named once each, and by the whole path where the last part alone would not tell them apart.
    assert [each.name for each in candidates] == names
    assert candidates[0].tokenizer.encode("가나").tokens == ["[CLS]", "가", "##나", "[SEP]"]


def test_a_tokenizer_of_the_hub_is_fetched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer(tokens={"secret": "owner"}) as hub:
        repository = hub.create("owner/private", private=True)
        files = {path.name: StoredFile(path.read_bytes(), lfs=False) for path in folder.iterdir()}
        repository.add("all", files | {"weights.bin": StoredFile(b"0", lfs=False)})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_TOKEN", "secret")
        (fetched,) = load_candidates(["owner/private@main"])
        assert fetched.name == "owner/private@main"
        assert fetched.tokenizer.get_vocab_size() > 50
        assert not list(tmp_path.rglob("weights.bin"))
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "other"))
        (refused,) = load_candidates(["owner/private"])
        assert refused.tokenizer is None and "cannot be fetched" in refused.skipped


def test_a_hub_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        (candidate,) = load_candidates(["owner/name"], limit=1.5)
    assert candidate.tokenizer is None
    assert "within 1.5 seconds" in candidate.skipped


def test_sentences_take_turns_between_kinds(segments: list[Path]) -> None:
    sentences = choose_sentences(segments, "test", 4, 20)
    assert [each.domain for each in sentences] == ["legal"] * 4 + ["medical"] * 4
    assert [each.kind for each in sentences[:4]] == ["k0", "k1"] * 2
    assert all(SHORTEST <= len(each.text) <= LONGEST for each in sentences)
    assert choose_sentences(segments[::-1], "test", 4, 20) == sentences
    assert choose_sentences(segments, "test", 4, 21) != sentences
    assert choose_sentences(segments, "test", 0, 20) == []
    for each in sentences:
        places = {
            place for place in range(len(each.text)) if not place or each.text[place - 1] == " "
        }
        assert places <= set(each.starts)


class Page(HTMLParser):
    """The elements of a page and the text of its rows; signs are kept apart from the sentence."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.rows: list[str] = []
        self.signed: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        if tag == "dd":
            self.rows.append("")
            self.signed.append("")
        if tag not in ("meta",):
            self._open.append(tag)
        if tag == "span" and "dd" in self._open:
            self.signed[-1] += "{"

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "span" and "dd" in self._open:
            self.signed[-1] += "}"

    def handle_data(self, data: str) -> None:
        if "dd" in self._open:
            self.signed[-1] += data
            if "b" not in self._open:
                self.rows[-1] += data


def page_of(tmp_path: Path, sentences: list[Sentence], tokenizers: dict[str, Tokenizer]) -> Page:
    write_page(tmp_path / "page.html", sentences, tokenizers)
    return Page((tmp_path / "page.html").read_text(encoding="utf-8"))


def test_signs_of_a_sentence(tmp_path: Path) -> None:
    pieces = [*SPECIAL_TOKENS, "피고", "##에", "##게는", "책임을", "民", "法", "."]
    tokenizer = bert_tokenizer(pieces).backend_tokenizer
    text = "피고에게는 책임을 民法 뷁하다."
    sentence = Sentence(0, "legal", "made", "", text, (0, 2, 4, 6, 8, 10, 13, 14, 15, 16))
    page = page_of(tmp_path, [sentence], {"mine": tokenizer})
    assert page.signed == [
        "피고|에게|는 책임|을 民法 뷁|하|다|.",
        # Right before 에, wrong before 게, missed before 는 and 을; 뷁하다 is unknown.
        "피고|에×게·는 책임·을 民|法 {뷁·하·다}|.",
    ]
    assert "8 tokens: 1 right, 1 wrong, 4 missed" in (tmp_path / "page.html").read_text()


HOSTILE = "<script>alert('&amp;\"')</script> 피고에게 </dd></article> {{notice}} &lt;b&gt;"


def test_nothing_of_the_corpus_becomes_markup(folder: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    sentence = Sentence(0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (0, 8))
    page = page_of(tmp_path, [sentence], {HOSTILE: tokenizer})
    assert page.rows == [HOSTILE, HOSTILE]
    assert "script" not in page.elements
    assert not page.elements & {"img", "link", "iframe", "a"}
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text


@settings(max_examples=40, deadline=None)
@given(
    st.text(
        st.sampled_from("가나 에게뷁民.<&>'\"{}😀㎎")
        | st.characters(exclude_categories=["C", "Z"]),
        min_size=1,
        max_size=12,
    ).filter(lambda text: text == text.strip())
)
def test_rows_hold_the_sentence_and_nothing_else(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    sentence = Sentence(0, "legal", "made", "", text, (0,))
    page = page_of(tmp_path_factory.mktemp("page"), [sentence], {"mine": tokenizer})
    assert page.rows == [text, text]


def test_sentences_can_be_left_out(segments: list[Path], folder: Path, tmp_path: Path) -> None:
    report(segments, folder, tmp_path, sentences=0)
    text = (tmp_path / "sentences.html").read_text(encoding="utf-8")
    assert "<article" not in text
    assert "No sentences are shown" in text
    report(segments, folder, tmp_path, sentences=1)
    text = (tmp_path / "sentences.html").read_text(encoding="utf-8")
    assert text.count("<article") == 2
    assert "Whoever may not read the corpus may not see this page" in text
