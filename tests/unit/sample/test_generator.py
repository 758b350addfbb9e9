"""Tests of the seeded sample generator."""

import hashlib
import random
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[3] / "sample"
sys.path.insert(0, str(SAMPLE))

from generator import KINDS, MODULES, lines_of, make_record  # noqa: E402
from generator.shared import JOSA_PAIRS, Word, josa  # noqa: E402

try:
    from hypothesis import given
    from hypothesis import strategies as st
except ImportError:
    given = None

KEYS = ["id", "domain", "kind", "title", "date", "group", "label", "text"]
DEPARTMENTS = "내과 외과 정형외과 소아청소년과 응급의학과 정신건강의학과 산부인과 재활의학과"
LABELS = {
    "judgment": "민사 형사 행정 가사 노동 의료",
    "statute": "보건 행정 환경 상사",
    "contract": "임대차 용역 매매 근로 비밀유지 연구",
    "drug_leaflet": "해열진통 당뇨 고혈압 항생 위장 정신신경 알레르기",
    "clinical_note": DEPARTMENTS,
    "guideline": DEPARTMENTS,
}
PER_KIND = 334
# Measured on seed 20: 0.69 to 0.93 within a document, 0.016 to 0.028 between two.
WITHIN = 0.5
RATIO = 10.0


@pytest.fixture(scope="module")
def records() -> dict[str, list[dict[str, str]]]:
    """Return about 2,000 records by kind."""
    return {kind: [make_record(20, kind, i) for i in range(PER_KIND)] for kind in KINDS}


def run(output: Path, megabytes: str) -> str:
    """Run the command in a fresh interpreter and return what it prints."""
    command = [sys.executable, str(SAMPLE / "generate.py"), "--output", str(output)]
    command += ["--megabytes", megabytes, "--seed", "20"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_command_is_deterministic_and_only_appends(tmp_path: Path) -> None:
    """The same arguments give the same bytes, and more megabytes only append."""
    printed = run(tmp_path / "one", "0.3")
    run(tmp_path / "two", "0.3")
    run(tmp_path / "more", "0.6")
    assert printed.count("\n") == 1
    for kind in KINDS:
        one = (tmp_path / "one" / f"{kind}.jsonl").read_bytes()
        assert one == (tmp_path / "two" / f"{kind}.jsonl").read_bytes()
        more = (tmp_path / "more" / f"{kind}.jsonl").read_bytes()
        assert more.startswith(one)
        assert len(more) > len(one)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        f"{kind}.jsonl" for kind in KINDS
    )


def test_kinds_are_balanced() -> None:
    """No kind is more than one document larger than another."""
    sizes = [sum(map(len, lines_of(20, kind, 200_000))) for kind in KINDS]
    assert max(sizes) - min(sizes) < 6_000


def test_seeds_differ() -> None:
    """Another seed gives other documents."""
    for kind in KINDS:
        assert make_record(1, kind, 0)["text"] != make_record(2, kind, 0)["text"]


def test_records_have_the_agreed_form(
    records: dict[str, list[dict[str, str]]],
) -> None:
    """Keys, identifiers, labels, dates, and text sizes are as the pipeline expects."""
    for kind, rows in records.items():
        assert {row["label"] for row in rows} == set(LABELS[kind].split())
        for number, row in enumerate(rows):
            assert list(row) == KEYS
            assert row["id"] == f"{kind}-{number:06d}"
            assert row["domain"] == MODULES[kind][0]
            assert re.fullmatch(r"20[34]\d-\d\d-\d\d", row["date"])
            assert 1_200 <= len(row["text"].encode()) <= 4_096, row["id"]
            assert not re.search(r"[{}]", row["text"])
            assert unicodedata.is_normalized("NFC", row["text"])


def test_each_kind_has_many_subjects() -> None:
    """There are enough subjects for two documents rarely to share one."""
    labels = [label for label, _ in MODULES["judgment"][1].ROWS]
    assert min(map(labels.count, labels)) >= 12
    assert len(MODULES["drug_leaflet"][1].ROWS) >= 40
    assert len(MODULES["clinical_note"][1].ROWS) >= 40


def test_personal_data_is_rare_and_marked(records: dict[str, list[dict[str, str]]]) -> None:
    """About three in a hundred notes and contracts carry marked, invented personal data."""
    marked = 0
    for kind, rows in records.items():
        for row in rows:
            lines = row["text"].split("\n")
            for above, line in zip(["", *lines], lines, strict=False):
                found = re.search(r"\d{6}-\d{7}|010-\d{4}|@example\.com", line)
                assert (above == "[가상의 개인정보]") == bool(found)
                if found:
                    assert kind in ("clinical_note", "contract")
                    assert "010-0000-" in line
                    marked += 1
    assert 0.01 < marked / (2 * PER_KIND) < 0.06


def test_no_two_documents_are_nearly_the_same(
    records: dict[str, list[dict[str, str]]],
) -> None:
    """Among 2,000 documents none repeats, and no pair shares most of its sentences."""
    texts = [row["text"] for rows in records.values() for row in rows]
    digests = {hashlib.sha256(text.encode()).digest() for text in texts}
    assert len(digests) == len(texts)
    for rows in records.values():
        grams = [triples(row["text"]) for row in rows]
        for i, one in enumerate(grams):
            for other in grams[:i]:
                assert len(one & other) < 0.5 * len(one | other)


def triples(text: str) -> set[tuple[str, ...]]:
    """Return the runs of three words in a text."""
    parts = text.split()
    return set(zip(parts, parts[1:], parts[2:], strict=False))


def stems(text: str) -> set[str]:
    """Return rough content words: the first three syllables of each longer Hangul run."""
    return {run[:3] for run in re.findall(r"[가-힣]{3,}", text)}


def share(one: set[str], other: set[str]) -> float:
    """Return the part of the smaller set that both hold."""
    return len(one & other) / min(len(one), len(other))


def test_halves_of_a_document_belong_together(
    records: dict[str, list[dict[str, str]]],
) -> None:
    """Halves of one document share far more content words than halves of two documents."""
    shuffle = random.Random(7)
    for kind, rows in records.items():
        halves = []
        for row in rows:
            cut = row["text"].index("\n", len(row["text"]) // 2)
            halves.append((stems(row["text"][:cut]), stems(row["text"][cut:])))
        # Words most documents of a kind share (headings, stock phrases) say nothing of the topic.
        counts: dict[str, int] = {}
        for stem in (stem for one, other in halves for stem in one | other):
            counts[stem] = counts.get(stem, 0) + 1
        common = {stem for stem, count in counts.items() if count > len(rows) * 0.15}
        halves = [(one - common, other - common) for one, other in halves]
        within = sum(share(one, other) for one, other in halves) / len(halves)
        others = [other for _, other in halves]
        shuffle.shuffle(others)
        between = sum(
            share(one, other) for (one, _), other in zip(halves, others, strict=True)
        ) / len(halves)
        print(f"{kind}: within {within:.3f}, between {between:.3f}")
        assert within > WITHIN, (kind, within)
        assert within > RATIO * between, (kind, within, between)


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("법원", "은", "은"),
        ("원고", "은", "는"),
        ("서울", "으로", "로"),
        ("부산", "으로", "으로"),
        ("대구", "으로", "로"),
        ("「민법」", "을", "을"),
        ("수술(복강경)", "을", "을"),
        ("500㎎", "을", "을"),
        ("40%", "은", "는"),
        ("제3", "이", "이"),
        ("CT", "을", "를"),
    ],
)
def test_josa_of_examples(word: str, particle: str, expected: str) -> None:
    """Particles agree with plain words, quotations, glosses, units, and letters."""
    assert josa(word, particle) == expected
    assert f"{Word(word):{particle}}" == word + expected


def check_agreement(syllable: str) -> None:
    """Compare josa with the syllable's canonical decomposition."""
    final = unicodedata.normalize("NFD", syllable)[2:]
    for particle, (closed, opened) in JOSA_PAIRS.items():
        if particle.startswith("으로") and final == "\u11af":
            assert josa("가" + syllable, particle) == opened
        else:
            assert josa("가" + syllable, particle) == (closed if final else opened)


if given is not None:

    @given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
    def test_josa_agrees_with_every_final(syllable: str) -> None:
        """The particle follows from the final consonant of any Hangul syllable."""
        check_agreement(syllable)

else:

    def test_josa_agrees_with_every_final() -> None:
        """The particle follows from the final consonant of any Hangul syllable."""
        for code in range(0xAC00, 0xD7A4):
            check_agreement(chr(code))
