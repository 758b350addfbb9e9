"""Filters keep Korean prose of every kind in the domain and drop what only looks like text."""

import base64
import json
import logging
import random

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from malmoi import documents, ledger
from malmoi.curate.filters import FILTERS, Text, filter_documents, objection

SETTINGS = {
    "min_chars": 25,
    "max_chars": 2_000_000,
    "max_kana_share": 0.1,
    "max_hanja_share": 0.85,
    "min_hangul_share": 0.12,
    "max_rare_syllable_share": 0.07,
    "max_symbol_share": 0.55,
    "max_repeated_line_share": 0.6,
    "max_repeated_character_share": 0.3,
    "max_repeated_phrase_share": 0.7,
    "max_emphasis_share": 0.05,
    "min_ending_share": 0.13,
    "max_page_furniture_share": 0.75,
    "ngram": 10,
    "share": 0.45,
}

KEPT = {
    "decision": (
        "【원고, 상고인】 원고 (소송대리인 변호사 김○○)\n【주문】\n상고를 기각한다. 상고비용은 "
        "원고가 부담한다.\n【이유】\n상고이유를 판단한다. 원심은 그 판시와 같은 사정을 들어 이 사건 "
        "매매계약이 유효하게 해제되었다고 판단하였다. 관련 법리와 기록에 비추어 살펴보면 원심의 판단은 "
        "정당하고, 거기에 계약 해제에 관한 법리를 오해한 잘못이 없다(대법원 2003. 4. 11. 선고 "
        "2002다1234 판결 등 참조)."
    ),
    "dismissed": "주문\n1. 원고의 항소를 기각한다.\n2. 항소비용은 원고가 부담한다.",
    "with its references": (
        "허가사항 범위 안에서 투여하는 경우에 요양급여를 인정하며, 그 밖에는 환자가 약값을 전부 부담한다.\n"
        "관련문헌\n"
        "· Handbook of Liver Disease, 3rd edition, Chapter 12: Treatment of Hepatic Encephalopathy\n"
        "· Clinical practice guideline for the management of cirrhosis and its complications, 2024"
    ),
    "order alone": (
        "【신청인】 신청인\n【피신청인】 피신청인\n【주문】\n이 사건 신청을 기각한다.\n신청비용은 신청인이 "
        "부담한다.\n판사 ○○○"
    ),
    "statute": (
        "제1조(목적) 이 규칙은 「공공기록물 관리에 관한 법률」 제5조제2항에서 위임된 사항과 그 시행에 "
        "필요한 사항을 규정함을 목적으로 한다.\n제2조(정의) ① 이 규칙에서 사용하는 용어의 뜻은 다음과 "
        "같다.\n1. “담당자”란 기록물을 관리하는 사람을 말한다.\n2. “열람”이란 기록물을 보는 것을 말한다."
        " <개정 2015. 12. 29.>"
    ),
    "one article": (
        "기록물관리위원회령은 이를 폐지한다.\n\n부칙 <제11111호, 1983. 2. 1.>\n이 영은 공포한 날부터 "
        "시행한다."
    ),
    "leaflet": (
        "이 약은 두통, 치통, 신경통의 진통과 발열 시의 해열에 사용합니다.\n성인은 1회 1~2정을 1일 3회 "
        "식후에 복용하십시오. 1일 최대 용량은 4,000 mg을 넘지 마십시오.\n다음과 같은 사람은 이 약을 "
        "복용하지 마십시오. 이 약에 과민반응을 보인 환자, 소화성궤양 환자, 간장애 환자"
    ),
    "side effects": (
        "두드러기, 발진, 가려움, 구역, 구토, 식욕부진, 위통, 변비, 설사, 어지러움 등이 나타날 수 있으며, "
        "이러한 증상이 나타나는 경우 복용을 즉각 중지하고 의사 또는 약사와 상의하십시오."
    ),
    "clinical note": (
        "69세 남자 환자로 내원 3일 전부터 지속된 흉통을 주소로 응급실에 내원함. ECG상 V1-V4의 ST "
        "elevation이 관찰되어 STEMI로 진단하고 coronary angiography를 시행함. LAD의 mid portion에 "
        "total occlusion이 있어 stent를 삽입하였으며 aspirin과 clopidogrel을 투여함."
    ),
    "criteria": "허가사항 범위 내에서 투여 시 요양급여를 인정하며, 그 외에는 약값 전액을 환자가 부담토록 함.",
    "hanja": (
        "被告는 原告에게 金 百萬원을 支給하라는 判決을 求하였다. 甲은 乙의 代理人으로서 本件 土地를 "
        "賣渡하였고, 丙은 그 登記를 經由하였다. 따라서 原審의 判斷은 正當하고 論旨는 理由 없다. 그러므로 "
        "上告를 棄却하고 上告費用은 敗訴者의 負擔으로 하기로 하여 主文과 같이 判決한다."
    ),
    "names left out": (
        "피고인은 ☆☆☆ 및 ◇◇◇과 함께 ★★식당에서 피해자 ♡♡♡을 만나, 계약서에 적힌 대금을 곧 "
        "지급할 것처럼 거짓말을 하였다. 그러나 사실은 그 돈을 다른 빚을 갚는 데 쓸 생각이었다."
    ),
    "drawn rule": (
        "같은 날 시술한 경우에는 주된 시술 하나만 인정함.\n"
        + "-" * 120
        + "\n종전에는 각각 산정하도록 "
        "되어 있었으나, 이 고시의 시행일부터는 소정점수의 50%를 산정하지 아니함."
    ),
    "terms of service": (
        "제1조(목적) 이 약관은 회사가 운영하는 홈페이지에서 제공하는 서비스의 이용조건을 정한다.\n"
        "제2조(회원가입) ① 이용자는 회사가 정한 양식에 따라 회원가입을 신청한다.\n② 회사는 신청자가 타인의 "
        "명의를 이용하거나 허위의 정보를 기재한 경우에는 승낙을 거절할 수 있다.\n제3조(탈퇴) 회원은 언제든지 "
        "탈퇴를 요청할 수 있으며 회사는 즉시 이를 처리한다.\n제4조(비밀번호) 회원은 비밀번호를 제3자에게 "
        "알려서는 아니 된다."
    ),
    "on cookies": (
        "원고는 피고의 웹사이트가 쿠키를 통하여 수집한 방문 기록을 동의 없이 제3자에게 제공하였다고 "
        "주장한다. 살피건대, 피고가 로그인하지 아니한 이용자의 기록을 따로 보관하였다고 볼 증거가 없고, "
        "그 기록만으로 특정 개인을 알아볼 수 있다고 단정하기도 어렵다. 나아가 원고가 입었다는 손해의 "
        "내용과 그 액수를 인정할 자료도 제출되지 아니하였으므로, 원고의 청구는 받아들일 수 없다."
    ),
}


def random_text(characters: str, size: int = 400) -> str:
    return "".join(random.Random(4).choices(characters, k=size))


def misread(text: str, share: float) -> str:
    """Return ``text`` with another syllable in the place of some, as a bad scan gives."""
    draw = random.Random(6)
    return "".join(
        chr(draw.randrange(0xAC00, 0xD7A4)) if char >= "가" and draw.random() < share else char
        for char in text
    )


DROPPED = {
    "one line": ("상고를 기각한다.", "too_short"),
    "a book": ("상고를 기각한다. " * 300_000, "too_long"),
    "latin keyboard": (random_text("asdf jkl;"), "language: Latin letters"),
    "hangul keyboard": (random_text("ㅁㄴㅇㄹㅎㅗㅓㅏㅣ "), "hangul_share"),
    "random syllables": (
        random_text("".join(map(chr, range(0xAC00, 0xD7A4))) + " " * 4000),
        "rare_syllables",
    ),
    "bad scan": (misread(KEPT["decision"], 0.2), "rare_syllables"),
    "english": (
        "The court held that the plaintiff was entitled to damages. " * 5,
        "language: Latin letters",
    ),
    "japanese": ("被告は原告に対し、損害の賠償をしなければならない。" * 4, "language: Japanese"),
    "chinese": (
        "被告應當賠償原告因該手術所受的全部損失，並承擔本案的訴訟費用。" * 3,
        "language: Chinese",
    ),
    "russian": ("Суд отказал истцу в иске полностью. " * 4, "hangul_share"),
    "base64": (
        "첨부 파일\n" + base64.b64encode(random.Random(5).randbytes(400)).decode(),
        "language: Latin letters",
    ),
    "numbers": (
        "품목\t수량\t금액\n"
        + "\n".join(f"연필\t{n * 7919 % 1000}\t{n * 104729}" for n in range(40)),
        "symbol_share",
    ),
    "menu": (
        "홈 | 진료안내 | 의료진 | 오시는길 | 병원소개 | 인사말 | 조직도 | 진료과목 | 정형외과 | 신경외과 | "
        "건강검진 | 예약안내 | 증명서발급 | 보도자료 | 자료실 | 법령정보 | 판례검색 | 통합검색",
        "ending_share",
    ),
    "one line again and again": ("이 규칙은 공포한 날부터 시행한다.\n" * 10, "repeated_lines"),
    "one phrase again and again": (
        "\n".join(f"{n}. 이 규칙은 공포한 날부터 시행한다." for n in range(40)),
        "repeated_phrases",
    ),
    "drawn-out sound": ("재판은 끝났다" + "하" * 90 + " 우리는 이겼다.", "repeated_characters"),
    "chat": (
        "오늘은 정말 좋은 날이네요!!! ㅋㅋㅋㅋ 저희 가게에 놀러 오세요^^ 할인을 해 드려요♥♥ 문의는 "
        "언제든지 환영해요!!! ㅎㅎㅎ 선물도 드리고 있어요♥♥ 빨리 오세요!!!",
        "emphasis",
    ),
    "consent": (
        "이 웹사이트는 쿠키를 사용합니다. 계속 이용하시면 쿠키를 받아들이는 것으로 봅니다. 자세한 것은 "
        "개인정보처리방침을 읽어 주십시오. 로그인하시면 더 많은 서비스를 이용하실 수 있습니다.",
        "page_furniture",
    ),
    "spaces": (" \n" * 100, "hangul_share"),
}


@pytest.mark.parametrize("name", KEPT)
def test_domain_text_is_kept(name):
    assert objection(Text(KEPT[name]), SETTINGS) is None


@pytest.mark.parametrize("name", DROPPED)
def test_other_text_is_dropped_for_its_reason(name):
    text, reason = DROPPED[name]
    assert objection(Text(text), SETTINGS)[1] == reason


def test_a_document_that_says_everything_twice_is_kept():
    assert objection(Text(f"{KEPT['decision']}\n{KEPT['decision']}"), SETTINGS) is None


@examples(max_examples=50)
@given(st.text())
def test_every_filter_answers_any_text_with_a_short_reason_or_none(text):
    for ask in FILTERS:
        reason = ask(Text(text), SETTINGS)
        assert reason is None or reason.partition(":")[0].replace("_", "").isalpha()


@examples(max_examples=50)
@given(st.text(alphabet="가나다은 ab12★\n漢かㅋ", min_size=1))
def test_limits_at_their_ends_let_everything_with_letters_through(text):
    open_settings = {key: 0 if key.startswith("min") else 10**9 for key in SETTINGS}
    has_letters = any(char.isalpha() for char in text)
    objected = objection(Text(text), open_settings)
    assert objected is None if has_letters else objected[1] == "hangul_share"


def test_kept_documents_go_out_unchanged_and_every_document_has_a_row(
    tmp_path, write_documents, make_document
):
    texts = [*KEPT.values(), *(text for text, _ in DROPPED.values() if len(text) < 10_000)]
    records = [make_document(text, number) for number, text in enumerate(texts)]
    path = write_documents("normalized.parquet", records)

    filter_documents(path, SETTINGS, [], tmp_path / "out.parquet", tmp_path / "ledger.parquet")

    assert list(documents.read([tmp_path / "out.parquet"])) == records[: len(KEPT)]
    rows = ledger.read([tmp_path / "ledger.parquet"]).to_pylist()
    assert [row["doc_id"] for row in rows] == [record["doc_id"] for record in records]
    assert [row["chars_in"] for row in rows] == [len(text) for text in texts]
    for row in rows:
        kept = row["status"] == "kept"
        assert row["chars_out"] == (row["chars_in"] if kept else 0)
        assert kept != bool(row["reason"])


def test_the_log_says_what_each_filter_dropped(tmp_path, write_documents, make_document, caplog):
    texts = [*list(KEPT.values())[:3], "짧은 글."]
    records = [make_document(text, number) for number, text in enumerate(texts)]
    path = write_documents("normalized.parquet", records)
    with caplog.at_level(logging.INFO, logger="malmoi"):
        filter_documents(path, SETTINGS, [], tmp_path / "out.parquet", tmp_path / "ledger.parquet")
    assert "length (min_chars 25, max_chars 2e+06): 25.00 % of the documents" in caplog.text
    assert "ending_share (min_ending_share 0.13): 0.00 % of the documents" in caplog.text


def test_a_document_with_an_evaluation_item_is_left_out_and_the_item_named(
    tmp_path, write_documents, make_document
):
    item = "원심은 그 판시와 같은 사정을 들어 이 사건 매매계약이 유효하게 해제되었다고 판단하였다."
    (tmp_path / "dev.jsonl").write_text(json.dumps({"id": "d7", "text": item}), encoding="utf-8")
    records = [make_document(KEPT["decision"], 1), make_document(KEPT["leaflet"], 2)]
    path = write_documents("normalized.parquet", records)

    sets = [{"name": "outcome", "path": str(tmp_path / "dev.jsonl"), "fields": ["text"]}]
    filter_documents(path, SETTINGS, sets, tmp_path / "out.parquet", tmp_path / "ledger.parquet")

    assert list(documents.read([tmp_path / "out.parquet"])) == records[1:]
    row = ledger.read([tmp_path / "ledger.parquet"]).to_pylist()[0]
    assert (row["status"], row["reason"], row["chars_out"]) == ("contaminated", "outcome: d7", 0)


def test_an_empty_shard_gives_an_empty_shard(tmp_path, write_documents):
    path = write_documents("normalized.parquet", [])
    filter_documents(path, SETTINGS, [], tmp_path / "out.parquet", tmp_path / "ledger.parquet")
    assert pq.read_table(tmp_path / "out.parquet").schema == documents.SCHEMA
    assert len(ledger.read([tmp_path / "ledger.parquet"])) == 0
