"""Documents and Korean prose for the tests of stage 3."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from malmoi import documents
from malmoi.atomic import write_parquet

# The machine may be busy: no time limit for a single example.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

SUBJECTS = ("원고", "피고", "피고인", "환자", "의사", "약사", "법원", "보호자", "임차인", "매수인")
OBJECTS = (
    "계약",
    "처분",
    "기록",
    "손해",
    "대금",
    "복용량",
    "증상",
    "청구",
    "등기",
    "보증금",
    "수술",
)
ADVERBS = ("이미", "정당하게", "명백히", "다시", "즉시", "서면으로", "충분히", "임의로", "뒤늦게")
VERBS = (
    "확인하였다",
    "거절하였다",
    "주장한다",
    "설명하였다",
    "기록하였다",
    "취소하였다",
    "인정한다",
)


def prose(seed: int, sentences: int) -> str:
    """Return Korean sentences made of ``seed`` alone; two seeds share words but few phrases."""
    draw = random.Random(seed)
    made = []
    for _ in range(sentences):
        number, day = draw.randrange(1, 900), draw.randrange(1, 29)
        made.append(
            f"{draw.choice(SUBJECTS)}는 {day}일 {draw.choice(OBJECTS)}의 {draw.choice(OBJECTS)}을 "
            f"{draw.choice(ADVERBS)} {draw.choice(VERBS)}. 제{number}호 {draw.choice(OBJECTS)}에 관하여 "
            f"{draw.choice(SUBJECTS)}와 {draw.choice(SUBJECTS)}는 {draw.choice(VERBS)}."
        )
    return "\n".join(made)


def document(text: str, number: int = 0, group: str = "", source: str = "test") -> dict[str, str]:
    """Return a document record with ``text``."""
    path = f"raw/{number}.txt"
    return {
        **dict.fromkeys(documents.FIELDS, ""),
        "doc_id": documents.document_id(source, path, text),
        "source": source,
        "group": group,
        "text": text,
        "meta": "{}",
        "raw_path": path,
    }


@pytest.fixture
def make_prose() -> Callable[[int, int], str]:
    return prose


@pytest.fixture
def make_document() -> Callable[..., dict[str, str]]:
    return document


@pytest.fixture
def write_documents(tmp_path: Path) -> Callable[[str, list[dict[str, str]]], Path]:
    """Write documents to a Parquet file under the test's folder and return its path."""

    def write(name: str, records: list[dict[str, str]]) -> Path:
        path = tmp_path / name
        write_parquet(path, documents.table(records))
        return path

    return write
