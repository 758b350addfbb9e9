"""Decisions, drug labels and Markdown keep their parts: each section stands where the record says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi.readers import json_records, markdown_text, xml_file

EFFECT = """<DOC title="효능효과" type="EE"><SECTION title=""><ARTICLE title="">
<PARAGRAPH tagName="p" textIndent="0"><![CDATA[두통&#xff65;치통]]></PARAGRAPH></ARTICLE></SECTION></DOC>"""

CAUTION = """<DOC title="사용상의주의사항" type="NB"><SECTION title="">
<ARTICLE title="1. 경고"><PARAGRAPH tagName="p"><![CDATA[혈소판 10<sup>9</sup>/L 미만<br/>음주자]]>
</PARAGRAPH></ARTICLE>
<ARTICLE title="2. 이상반응"><PARAGRAPH tagName="table"><![CDATA[<tbody><tr><td>빈도</td><td>반응</td></tr>
<tr><td>&lt;1%</td><td>두드러기</td></tr></tbody>]]></PARAGRAPH></ARTICLE></SECTION></DOC>"""


def cut(record):
    """Return the sections as name and text, each checked to be whole lines of the text."""
    lines = record.text.split("\n")
    for _, start, end in record.sections:
        assert record.text[start:end].split("\n")[0] in lines
        assert start == 0 or record.text[start - 1] == "\n"
        assert end == len(record.text) or record.text[end] == "\n"
    places = [place for _, *places in record.sections for place in places]
    assert places == sorted(places)
    return [(name, record.text[start:end]) for name, start, end in record.sections]


def test_parts_of_a_decision():
    data = """<PrecService><사건명>손해배상</사건명><사건번호>2019다1</사건번호><판시사항>[1] 쟁점</판시사항>
    <참조조문></참조조문>
    <판례내용><![CDATA[【원고】 갑 【주    문】 기각한다.<br/>【이 유】<br/>1. 살핀다.]]></판례내용>
    </PrecService>"""
    (record,) = xml_file.read(data.encode(), "a.xml", {})
    assert cut(record) == [
        ("판시사항", "판시사항\n[1] 쟁점"),
        ("판례내용", "판례내용\n【원고】 갑\n【주    문】 기각한다.\n【이 유】\n1. 살핀다."),
    ]


def test_decisions_of_other_courts_and_interpretations():
    data = """<DetcService><종국일자>20240328</종국일자><사건번호>2031헌마1</사건번호><사건명>위헌확인</사건명>
    <결정요지>가</결정요지><전문><![CDATA[【주문】 나]]></전문><심판대상조문>다</심판대상조문></DetcService>"""
    (record,) = xml_file.read(data.encode(), "a.xml", {})
    assert (record.date, record.group, record.title) == ("2024-03-28", "2031헌마1", "위헌확인")
    assert [name for name, _ in cut(record)] == ["결정요지", "심판대상조문", "전문"]
    data = (
        "<ExpcService><안건명>수수료</안건명><질의요지>가</질의요지><회답>나</회답>"
        "<이유>다</이유></ExpcService>"
    )
    (record,) = xml_file.read(data.encode(), "a.xml", {})
    assert [name for name, _ in cut(record)] == ["질의요지", "회답", "이유"]


def test_one_document_of_a_drug_label():
    (record,) = xml_file.read(CAUTION.encode(), "a.xml", {})
    assert record.title == "사용상의주의사항"
    assert record.text.startswith("사용상의주의사항\n1. 경고\n")
    assert cut(record) == [
        ("1. 경고", "1. 경고\n혈소판 10⁹/L 미만\n음주자"),
        ("2. 이상반응", "2. 이상반응\n빈도 | 반응\n<1% | 두드러기"),
    ]


PRODUCT = {"ITEM_SEQ": "203100001", "ITEM_NAME": "하나정", "ITEM_PERMIT_DATE": "20310102"}
PRODUCT |= {"EE_DOC_DATA": EFFECT, "NB_DOC_DATA": CAUTION, "UD_DOC_DATA": None}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda item: item,
        lambda item: [item],
        lambda item: {"header": {}, "body": {"items": [item]}},
        lambda item: {"body": {"items": [{"item": item}]}},
        lambda item: {"response": {"body": {"items": {"item": item}}}},
    ],
)
def test_permit_data_in_json(wrap):
    (record,) = json_records.read(json.dumps(wrap(PRODUCT)).encode(), "a.json", {})
    assert (record.title, record.group, record.date) == ("하나정", "203100001", "2031-01-02")
    assert [name for name, _ in cut(record)] == ["효능효과", "1. 경고", "2. 이상반응"]
    assert cut(record)[0] == ("효능효과", "효능효과\n두통･치통")


def test_permit_data_in_xml_and_without_its_markup():
    items = "".join(
        f"<item><ITEM_SEQ>{number}</ITEM_SEQ><ITEM_NAME>둘정</ITEM_NAME>"
        f"<EE_DOC_DATA>{EFFECT}</EE_DOC_DATA><NB_DOC_DATA>의사와 상의한다.</NB_DOC_DATA></item>"
        for number in (1, 2)
    )
    data = f"<response><body><items>{items}</items></body></response>"
    found = list(xml_file.read(data.encode(), "a.xml", {"label": "ITEM_NAME"}))
    assert [(each.record, each.group, each.meta) for each in found] == [
        ("item 1", "1", {"label": "둘정"}),
        ("item 2", "2", {"label": "둘정"}),
    ]
    assert cut(found[0])[1] == ("사용상의주의사항", "사용상의주의사항\n의사와 상의한다.")


def test_a_table_nested_without_end_in_a_label_costs_its_rows_only():
    table = f"<td>가</td>{'<div>' * 20_000}나"
    item = PRODUCT | {"NB_DOC_DATA": table}
    (record,) = json_records.read(json.dumps([item]).encode(), "a.json", {})
    assert cut(record)[1] == ("사용상의주의사항", "사용상의주의사항\n가나")


def test_plain_leaflets_are_known_by_their_keys_unless_fields_say_otherwise():
    line = {
        "itemName": "셋정",
        "itemSeq": "3",
        "efcyQesitm": "<p>두통에 쓴다.</p>",
        "seQesitm": "발진",
    }
    data = (json.dumps(line) + '\n{"itemName": "빈", "seQesitm": ""}\n').encode()
    found = list(json_records.read_lines(data, "a.jsonl", {}))
    assert (found[0].title, found[0].group, found[1].reason) == ("셋정", "3", "no_text")
    assert cut(found[0]) == [("효능", "효능\n두통에 쓴다."), ("부작용", "부작용\n발진")]
    (mapped, _) = json_records.read_lines(data, "a.jsonl", {"text": "seQesitm"})
    assert (mapped.text, mapped.sections) == ("발진", [])


def test_headings_of_markdown():
    data = (
        "앞\n# 제목\n글\n## 판시사항\n\n가 **나** 다\n\n### 첫째 ##\n> 인용\n\n## 빈\n\n# 끝\n라\n"
    )
    (record,) = markdown_text.read(data.encode(), "a.md", {})
    assert cut(record) == [("판시사항", "판시사항\n\n가 나 다"), ("첫째", "첫째\n인용")]


@given(
    st.lists(
        st.sampled_from(["## 가", "# 나", "글 *x*", "", "  ", "> 다", "---", "|a|", "<!-- -->"])
    )
)
def test_sections_stand_right_whatever_the_markdown(lines):
    text, _, sections = markdown_text.plain("\n".join(lines))
    for name, start, end in sections:
        part = text[start:end].split("\n")
        assert part[0] == name == "가" and part[-1].strip() and len(part) > 1
        assert "나" not in part


def test_marks_of_emphasis_and_blanks_to_be_filled_in():
    body = "**①** 제1항 __굵게__ ***둘 다*** 성명 ____ 인 a__b__c 2 ** 3"
    assert markdown_text.plain(body)[0] == "① 제1항 굵게 둘 다 성명 ____ 인 a__b__c 2 ** 3"
