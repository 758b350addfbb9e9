"""Filters keep Korean prose of every kind in the domain and drop what only looks like text."""

import base64
import random

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import documents, ledger
from malmoi.curate.filters import FILTERS, filter_documents, reason_to_drop

SETTINGS = {
    "min_chars": 100,
    "max_chars": 2_000_000,
    "min_hangul_share": 0.3,
    "max_symbol_share": 0.5,
    "max_repeated_line_share": 0.5,
    "max_repeated_character_share": 0.3,
    "min_ending_share": 0.15,
}

KEPT = {
    "decision": (
        "【원고, 상고인】 원고 (소송대리인 변호사 김○○)\n【주    문】\n상고를 기각한다. 상고비용은 "
        "원고가 부담한다.\n【이    유】\n상고이유를 판단한다. 원심은 그 판시와 같은 사정을 들어 이 사건 "
        "매매계약이 유효하게 해제되었다고 판단하였다. 관련 법리와 기록에 비추어 살펴보면 원심의 판단은 "
        "정당하고, 거기에 계약 해제에 관한 법리를 오해한 잘못이 없다(대법원 2003. 4. 11. 선고 "
        "2002다1234 판결 등 참조)."
    ),
    "statute": (
        "제1조(목적) 이 규칙은 「공공기록물 관리에 관한 법률」 제5조제2항에서 위임된 사항과 그 시행에 "
        "필요한 사항을 규정함을 목적으로 한다.\n제2조(정의) ① 이 규칙에서 사용하는 용어의 뜻은 다음과 "
        "같다.\n1. “담당자”란 기록물을 관리하는 사람을 말한다.\n2. “열람”이란 기록물을 보는 것을 말한다."
        " <개정 2015. 12. 29.>"
    ),
    "leaflet": (
        "이 약은 두통, 치통, 신경통의 진통과 발열 시의 해열에 사용합니다.\n성인은 1회 1~2정을 1일 3회 "
        "식후에 복용하십시오. 1일 최대 용량은 4,000 mg을 넘지 마십시오.\n다음과 같은 사람은 이 약을 "
        "복용하지 마십시오. 이 약에 과민반응을 보인 환자, 소화성궤양 환자, 간장애 환자"
    ),
    "clinical note": (
        "69세 남자 환자로 내원 3일 전부터 지속된 흉통을 주소로 응급실에 내원함. ECG상 V1-V4의 ST "
        "elevation이 관찰되어 STEMI로 진단하고 coronary angiography를 시행함. LAD의 mid portion에 "
        "total occlusion이 있어 stent를 삽입하였으며 aspirin과 clopidogrel을 투여함."
    ),
    "hanja": (
        "被告는 原告에게 金 百萬원을 支給하라는 判決을 求하였다. 甲은 乙의 代理人으로서 本件 土地를 "
        "賣渡하였고, 丙은 그 登記를 經由하였다. 따라서 原審의 判斷은 正當하고 論旨는 理由 없다. 그러므로 "
        "上告를 棄却하고 上告費用은 敗訴者의 負擔으로 하기로 하여 主文과 같이 判決한다."
    ),
}


def random_text(characters: str, size: int = 400) -> str:
    return "".join(random.Random(4).choices(characters, k=size))


DROPPED = {
    "one line": ("상고를 기각한다.", "too_short"),
    "a book": ("상고를 기각한다. " * 300_000, "too_long"),
    "latin keyboard": (random_text("asdf jkl;"), "hangul_share"),
    "hangul keyboard": (random_text("ㅁㄴㅇㄹㅎㅗㅓㅏㅣ "), "hangul_share"),
    "random syllables": (
        random_text("".join(map(chr, range(0xAC00, 0xD7A4))) + " " * 4000),
        "ending_share",
    ),
    "english": ("The court held that the plaintiff was entitled to damages. " * 5, "hangul_share"),
    "base64": (
        "첨부 파일\n" + base64.b64encode(random.Random(5).randbytes(400)).decode(),
        "hangul_share",
    ),
    "numbers": (
        "품목\t수량\t금액\n"
        + "\n".join(f"연필\t{n * 7919 % 1000}\t{n * 104729}" for n in range(40)),
        "symbol_share",
    ),
    "menu": (
        "홈 | 로그인 | 회원가입 | 공지사항 | 진료안내 | 의료진 | 오시는길 | 고객센터 | 이용약관 | "
        "병원소개 | 인사말 | 조직도 | 진료과목 | 정형외과 | 신경외과 | 건강검진 | 예약안내 | "
        "증명서발급 | 보도자료 | 자료실 | 법령정보 | 판례검색 | 통합검색",
        "ending_share",
    ),
    "one line again and again": ("이 규칙은 공포한 날부터 시행한다.\n" * 10, "repeated_lines"),
    "drawn-out sound": ("재판은 끝났다" + "하" * 90 + " 우리는 이겼다.", "repeated_characters"),
    "spaces": (" \n" * 100, "hangul_share"),
}


@pytest.mark.parametrize("name", KEPT)
def test_domain_text_is_kept(name):
    assert reason_to_drop(KEPT[name], SETTINGS) is None


@pytest.mark.parametrize("name", DROPPED)
def test_other_text_is_dropped_for_its_reason(name):
    text, reason = DROPPED[name]
    assert reason_to_drop(text, SETTINGS) == reason


def test_a_document_that_says_everything_twice_is_kept():
    assert reason_to_drop(f"{KEPT['decision']}\n{KEPT['decision']}", SETTINGS) is None


@given(st.text())
def test_every_filter_answers_any_text_with_a_short_reason_or_none(text):
    for ask in FILTERS:
        reason = ask(text, SETTINGS)
        assert reason is None or reason.replace("_", "").isalpha()


@given(st.text(alphabet="가나다은 ab12\n", min_size=1))
def test_limits_at_their_ends_let_everything_with_korean_through(text):
    open_settings = {key: 0 if key.startswith("min") else 10**9 for key in SETTINGS}
    has_letters = any(char.isalpha() for char in text)
    assert reason_to_drop(text, open_settings) == (None if has_letters else "hangul_share")


def test_kept_documents_go_out_unchanged_and_every_document_has_a_row(
    tmp_path, write_documents, make_document
):
    texts = [*KEPT.values(), *(text for text, _ in DROPPED.values() if len(text) < 10_000)]
    records = [make_document(text, number) for number, text in enumerate(texts)]
    path = write_documents("normalized.parquet", records)

    filter_documents(path, SETTINGS, tmp_path / "out.parquet", tmp_path / "ledger.parquet")

    assert list(documents.read([tmp_path / "out.parquet"])) == records[: len(KEPT)]
    rows = ledger.read([tmp_path / "ledger.parquet"]).to_pylist()
    assert [row["doc_id"] for row in rows] == [record["doc_id"] for record in records]
    assert [row["chars_in"] for row in rows] == [len(text) for text in texts]
    for row in rows:
        kept = row["status"] == "kept"
        assert row["chars_out"] == (row["chars_in"] if kept else 0)
        assert kept != bool(row["reason"])


def test_an_empty_shard_gives_an_empty_shard(tmp_path, write_documents):
    path = write_documents("normalized.parquet", [])
    filter_documents(path, SETTINGS, tmp_path / "out.parquet", tmp_path / "ledger.parquet")
    assert pq.read_table(tmp_path / "out.parquet").schema == documents.SCHEMA
    assert len(ledger.read([tmp_path / "ledger.parquet"])) == 0
