"""Personal data: found in made-up sentences, case numbers of real decisions untouched, and how fast."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

from malmoi.text.pii import PLACEHOLDERS, mask

from benchmarks.curation import personal_data
from benchmarks.curation.corpus_text import large_archive, markdown_files

#: Sentences with personal data for each of the 14 types, and sentences with none.
_EACH = 600
_NEGATIVES = 8000
_SEED = 20261121
_REPEATS = 3

#: Anything that has the shape of a case number: a year of two or four digits, one to three syllables, a number.
#: A lot of land (64의3, 86번지의1) has the same shape, but no court's letter is 의.
_CASE_NUMBER = re.compile(
    r"(?<![0-9가-힣])(?:(?:19|20)[0-9]{2}|4[0-9]{3}|[4-9][0-9])[가-힣]{1,3}(?<!의)[0-9]+(?![0-9])"
)
#: After a car's region these digits are its class, not a year.
_PLATE_REGION = re.compile(
    r"(?:서울|부산|대구|인천|광주|대전|울산|경기|강원|[충전경][북남]|제주) ?\Z"
)


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return recall and precision on made-up sentences, case numbers seen and altered, and MB per CPU-second.

    A piece of personal data counts as found when exactly its characters became the placeholder of its type,
    with all text before and after it as it was; every other placeholder counts against precision.
    """
    found = _on_sentences()
    files = [
        *markdown_files(large_archive(data, work)),
        *markdown_files(data / "legal" / "precedents_md"),
        *markdown_files(data / "medical" / "precedents_medical"),
    ]
    return found | _on_decisions([path.read_text(encoding="utf-8") for path in files])


def _on_sentences() -> dict[str, float]:
    right = placed = wanted = 0
    for sentence in personal_data.positives(_SEED, _EACH):
        masked, counts = mask(sentence.text, {})
        wanted += 1
        placed += sum(counts.values())
        right += masked == (
            sentence.text[: sentence.start]
            + PLACEHOLDERS[sentence.kind]
            + sentence.text[sentence.end :]
        )
    for sentence in personal_data.negatives(_SEED, _NEGATIVES):
        placed += sum(mask(sentence.text, {})[1].values())
    return {"pii_recall": right / wanted, "pii_precision": right / placed}


def _on_decisions(texts: list[str]) -> dict[str, float]:
    seen = altered = 0
    for text in texts:
        before = _case_numbers(text)
        seen += before.total()
        altered += (before - _case_numbers(mask(text, {})[0])).total()
    best = 0.0
    size = sum(len(text.encode()) for text in texts) / 1e6
    for _ in range(_REPEATS):
        start = time.process_time()
        for text in texts:
            mask(text, {})
        best = max(best, size / (time.process_time() - start))
    return {"case_numbers_seen": seen, "case_numbers_altered": altered, "pii_mb_per_cpu_s": best}


def _case_numbers(text: str) -> Counter[str]:
    return Counter(
        match[0]
        for match in _CASE_NUMBER.finditer(text)
        if not _PLATE_REGION.search(text, max(0, match.start() - 4), match.start())
    )
