"""Every raw format gives the text and the fields a reader of the file would name."""

import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi.readers import (
    delimited,
    hwp,
    json_records,
    markdown_text,
    parquet_rows,
    pdf,
    plain_text,
    web_page,
    xml_file,
)
from malmoi.readers.detect import format_of
from malmoi.readers.record import ReadError, iso_date

DECISION = """---
판례일련번호: '67198'
사건번호: 2003도6675
사건명: 명예훼손
사건종류: 형사
선고일자: 2004.2.13.
---

# 명예훼손

## 판결요지

**①** 제1항의 금액\\. <개정 2025.1.21> [1](가) 참조 [법령](https://law.go.kr/x)

> 인용한 글
  1\\. 첫째 \\*표

| 구분 | 금액 |
| :--- | ---: |
| 위자료 |  | 100원 |
---
- 끝
"""

STATUTE = """<?xml version="1.0" encoding="UTF-8"?>
<법령 법령키="1"><기본정보><법령ID>010674</법령ID><법종구분>대통령령</법종구분>
<법령명_한글><![CDATA[직제]]></법령명_한글><시행일자>20260331</시행일자></기본정보>
<조문><조문단위><조문내용><![CDATA[      제1장 총칙]]></조문내용></조문단위>
<조문단위><조문번호>1</조문번호><조문제목>목적</조문제목><조문내용>제1조(목적)</조문내용>
<항><항번호>①</항번호><항내용><![CDATA[① 다음과 같다. <개정 2019.3.26>]]></항내용>
<호><호내용>1.  가나<![CDATA[<img src="x"></img>]]></호내용>
<목><목내용>가.  다라</목내용></목></호></항></조문단위>
</조문><부칙><부칙단위><부칙내용><![CDATA[부칙 <제1호>]]><![CDATA[
]]><![CDATA[공포한 날부터 시행한다.]]></부칙내용></부칙단위></부칙>
<별표><별표단위><별표내용>│ 표 │</별표내용></별표단위></별표></법령>"""

PRECEDENT = """<?xml version="1.0" encoding="EUC-KR"?>
<PrecService><사건명><![CDATA[손해배상]]></사건명><사건번호>2019다1</사건번호><선고일자>20210311</선고일자>
<판시사항></판시사항><판결요지><![CDATA[요지이다.<br/>둘째 줄]]></판결요지>
<판례내용><![CDATA[【주    문】<br />상고를 기각한다.<br/><br/>【이    유】 1 &lt; 2 &amp; 3]]></판례내용>
</PrecService>"""

LABEL = """<DOC title="사용상의주의사항"><SECTION title=""><ARTICLE title="1. 경고">
<PARAGRAPH tagName="p"><![CDATA[매일 <b>세 잔</b> 이상]]></PARAGRAPH></ARTICLE></SECTION></DOC>"""


def read(reader, data, name="folder/이름.x", **fields):
    return list(reader(data if isinstance(data, bytes) else data.encode(), name, fields))


def one(reader, data, name="folder/이름.x", **fields):
    (record,) = read(reader, data, name, **fields)
    return record


def test_text_in_cp949():
    record = one(plain_text.read, "피고인은 무죄.\r\n".encode("cp949"))
    assert (record.text, record.title) == ("피고인은 무죄.\r\n", "이름")


def test_markdown_keeps_the_text_and_drops_the_marks():
    record = one(markdown_text.read, DECISION, label="사건종류")
    assert (record.title, record.date, record.group) == ("명예훼손", "2004-02-13", "2003도6675")
    assert record.meta == {"label": "형사"}
    assert [line for line in record.text.split("\n") if line] == [
        "명예훼손",
        "판결요지",
        "① 제1항의 금액. <개정 2025.1.21> [1](가) 참조 법령",
        "인용한 글",
        "  1. 첫째 *표",
        "구분 | 금액",
        "위자료 | 100원",
        "- 끝",
    ]


def test_front_matter_stays_as_written_and_must_be_yaml():
    record = one(markdown_text.read, "---\n법령ID: 007100\n---\n본문", date="없음")
    assert (record.group, record.text, record.date) == ("007100", "본문", "")
    assert one(markdown_text.read, "---\n\n제목만\n").text.strip() == "제목만"
    with pytest.raises(ReadError) as caught:
        read(markdown_text.read, "---\na: [1\n---\n본문")
    assert caught.value.reason == "bad_record"


def test_json_list_object_and_path():
    items = [{"주문": "기각", "이유": ["하나", "둘"], "n": {"no": 3}}, {"주문": ""}, 5]
    found = read(json_records.read, json.dumps(items), text=["주문", "이유"], group="n.no")
    assert [(each.text, each.group, each.record, each.reason) for each in found] == [
        ("기각\n하나\n둘", "3", "item 1", ""),
        ("", "", "item 2", "no_text"),
        ("", "", "item 3", "bad_record: not an object, but int"),
    ]
    assert one(json_records.read, '{"a": {"b": "본문"}}', text="a.b").text == "본문"


def test_a_malformed_json_line_costs_only_itself():
    data = '{"text": "하나"}\n\n{"text": \n{"text": "둘\\u2028셋"}\n'
    found = read(json_records.read_lines, data)
    assert [(each.text, each.record) for each in found] == [
        ("하나", "line 1"),
        ("", "line 3"),
        ("둘\u2028셋", "line 4"),
    ]
    assert found[1].reason.startswith("bad_record: JSONDecodeError")


def test_csv_with_quotes_and_a_short_row():
    data = '제목,본문\r\n가,"첫 줄\r\n둘째, 줄"\r\n짧다\r\n나,\r\n'.encode("cp949")
    found = read(delimited.read, data, text="본문", title="제목", label="제목")
    assert [(each.text, each.title, each.record, each.reason) for each in found] == [
        ("첫 줄\r\n둘째, 줄", "가", "line 3", ""),
        ("", "", "line 4", "bad_record: 1 cells under 2 columns"),
        ("", "", "line 5", "no_text"),
    ]
    assert found[0].meta == {"label": "가"}


def test_csv_cell_longer_than_the_standard_limit_and_other_delimiters():
    assert len(one(delimited.read, f"text\n{'가' * 200_000}\n").text) == 200_000
    assert one(delimited.read, "a\ttext\n1\t가, 나\n", "x.tsv").text == "가, 나"
    assert one(delimited.read, "a;text\n1;가, 나\n", "x.csv").text == "가, 나"


def test_parquet():
    sink = io.BytesIO()
    table = pa.table({"본문": ["하나", None], "날짜": [20260331, 1], "다른": [b"x", b"y"]})
    pq.write_table(table, sink)
    found = read(parquet_rows.read, sink.getvalue(), text="본문", date="날짜")
    assert [(each.text, each.date, each.reason) for each in found] == [
        ("하나", "2026-03-31", ""),
        ("", "", "no_text"),
    ]
    with pytest.raises(ReadError) as caught:
        read(parquet_rows.read, sink.getvalue()[:-20], text="본문")
    assert caught.value.reason == "truncated_or_damaged"


def test_a_column_no_record_has_names_the_columns_there():
    sink = io.BytesIO()
    pq.write_table(pa.table({"본문": ["하나"]}), sink)
    for reader, data in (
        (json_records.read, '[{"본문": "하나"}]'),
        (json_records.read_lines, '{"본문": "하나"}'),
        (delimited.read, "본문\n하나"),
        (parquet_rows.read, sink.getvalue()),
    ):
        with pytest.raises(ReadError, match=r"'내용'.*'본문'") as caught:
            read(reader, data, text=["본문", "내용"])
        assert caught.value.reason == "no_column"


def test_statute_xml():
    record = one(xml_file.read, STATUTE, kind="법종구분")
    assert (record.title, record.date, record.group) == ("직제", "2026-03-31", "010674")
    assert record.kind == "대통령령"
    assert record.text.split("\n") == [
        "제1장 총칙",
        "제1조(목적)",
        "① 다음과 같다. <개정 2019.3.26>",
        "1.  가나",
        "가.  다라",
        "부칙 <제1호>",
        "공포한 날부터 시행한다.",
    ]


def test_decision_xml_declared_in_another_encoding():
    record = one(xml_file.read, PRECEDENT.encode("cp949"))
    assert (record.title, record.date, record.group) == ("손해배상", "2021-03-11", "2019다1")
    assert record.text == (
        "판결요지\n요지이다.\n둘째 줄\n\n판례내용\n【주    문】\n상고를 기각한다.\n【이    유】 1 < 2 & 3"
    )


def test_other_xml_and_an_error_answer():
    record = one(xml_file.read, LABEL)
    assert record.text.split("\n") == ["사용상의주의사항", "1. 경고", "매일 세 잔 이상"]
    assert one(xml_file.read, "<a>하나<b>둘</b>셋<!-- 넷 -->다섯</a>").text == "하나\n둘\n셋\n다섯"
    with pytest.raises(ReadError, match="실패"):
        read(xml_file.read, "<Law><result>실패</result></Law>")


def test_html():
    page = """<!doctype html><html><head><title> 약  정보 </title><script>x()</script></head><body>
    <nav>메뉴</nav><header>머리</header><h1>타이레놀</h1><p>이 약은 <b>두통</b>에
    쓴다.<br>둘째 줄</p><table><tr><th>구분</th><th>값</th></tr><tr><td>1</td><td>2</td></tr></table>
    <div>하나<div>둘</div>셋</div><footer>저작권</footer></body></html>"""
    record = one(web_page.read, page)
    assert record.title == "약 정보"
    assert record.text.split("\n") == [
        *("타이레놀", "이 약은 두통에 쓴다.", "둘째 줄", "구분 | 값", "1 | 2", "하나", "둘", "셋"),
    ]
    assert one(web_page.read, "<div>" * 5000 + "깊다").text == "깊다"


def hwpx(paragraphs, table=()):
    """Return a minimal HWPX document."""
    namespaces = (
        'xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
        'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph"'
    )

    def paragraph(text):
        return f'<hp:p id="0"><hp:run charPrIDRef="0"><hp:t>{text}</hp:t></hp:run></hp:p>'

    rows = "".join(
        "<hp:tr>"
        + "".join(f"<hp:tc><hp:subList>{paragraph(cell)}</hp:subList></hp:tc>" for cell in row)
        + "</hp:tr>"
        for row in table
    )
    if rows:
        rows = f'<hp:p id="1"><hp:run charPrIDRef="0"><hp:tbl>{rows}</hp:tbl></hp:run></hp:p>'
    section = f"<hs:sec {namespaces}>{''.join(map(paragraph, paragraphs))}{rows}</hs:sec>"
    manifest = (
        '<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:manifest>'
        '<opf:item id="section0" href="Contents/section0.xml" media-type="application/xml"/>'
        '</opf:manifest><opf:spine><opf:itemref idref="section0"/></opf:spine></opf:package>'
    )
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mimetype", "application/hwp+zip")
        archive.writestr("version.xml", '<hv:HCFVersion xmlns:hv="x" major="5"/>')
        archive.writestr("Contents/content.hpf", manifest)
        archive.writestr("Contents/section0.xml", section)
    return sink.getvalue()


def test_hwpx_keeps_table_rows_together():
    data = hwpx(["제1조(목적)", "이 규칙은 …"], [["구분", "수수료"], ["등본", "", "400원"]])
    assert format_of(data, "무엇이든.zip") == "hwp"
    record = one(hwp.read, data)
    assert [line for line in record.text.split("\n") if line] == [
        "제1조(목적)",
        "이 규칙은 …",
        "구분 | 수수료",
        "등본 | 400원",
    ]
    assert record.title == "이름"


def test_damaged_hwp():
    for data in (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, hwpx(["본문"])[:200]):
        with pytest.raises(ReadError) as caught:
            read(hwp.read, data)
        assert caught.value.reason == "truncated_or_damaged"


def pdf_of(pages, encrypt=False):
    """Return a PDF that draws each line's characters by one-byte codes with a map to Unicode."""
    characters = sorted(set("".join("".join(page) for page in pages)))
    codes = {character: number for number, character in enumerate(characters, start=1)}
    pairs = "\n".join(f"<{code:02x}> <{ord(char):04x}>" for char, code in codes.items())
    unicode_map = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
    )
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 4 0 R>>")
    objects.append(f"<</Length {len(unicode_map)}>>stream\n{unicode_map}\nendstream")
    kids = []
    for page in pages:
        lines = "".join(
            f"1 0 0 1 20 {780 - 20 * row} Tm <{''.join(f'{codes[each]:02x}' for each in line)}> Tj\n"
            for row, line in enumerate(page)
        )
        content = f"BT /F 10 Tf\n{lines}ET"
        kids.append(len(objects) + 1)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {len(objects) + 2} 0 R"
            "/Resources<</Font<</F 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]>>"
    body, offsets = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    lock = ""
    if encrypt:
        lock = (
            f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'aa' * 32}>/U<{'bb' * 32}>>>/ID[<00><00>]"
        )
    trailer = f"trailer<</Size {len(objects) + 1}/Root 1 0 R{lock}>>\nstartxref\n{len(body)}\n%%EOF"
    return (f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}").encode(
        "latin-1"
    )


def test_pdf_text_of_every_page_without_page_numbers():
    pages = [
        ["머리말", f"{name} 쪽의 본문이다.", f"- {number} -"]
        for number, name in enumerate("가나다라마", 1)
    ]
    record = one(pdf.read, pdf_of(pages))
    assert record.text.split("\n") == [f"{name} 쪽의 본문이다." for name in "가나다라마"]


def test_pdf_without_text_locked_or_cut():
    cases = {
        "image_only": pdf_of([[], []]),
        "locked": pdf_of([["본문"]], encrypt=True),
        "truncated_or_damaged": b"%PDF-1.7 nothing",
    }
    for reason, data in cases.items():
        with pytest.raises(ReadError) as caught:
            read(pdf.read, data)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "name", "found"),
    [
        ("[1] 판시사항\n[2] 둘째", "a", "text"),
        ("[1]", "a.txt", "text"),
        ('[{"a": 1}]', "a", "json"),
        ('\ufeff{\n"a": 1}', "a", "json"),
        ('{"a": 1}\n{"a": 2}', "a", "jsonl"),
        ('{"a": \n{"a": 2}', "a", "jsonl"),
        ('{"a": ', "a.json", "json"),
        ("<개정 2015.12.29> 본문", "a", "text"),
        ("<개정 >", "a", "text"),
        ("<법령><조문/></법령>", "a.txt", "xml"),
        ("<?xml version='1.0'?><html/>", "a", "html"),
        ("<!DOCTYPE html><p>", "a.xml", "html"),
        ("---\na: 1\n---\n본문", "a.txt", "markdown"),
        ("# 제목", "a.md", "markdown"),
        ("a,b\n1,2", "a.csv", "csv"),
        ("a,b\n1,2", "a.txt", "text"),
    ],
)
def test_the_content_decides_the_format(data, name, found):
    assert format_of(data.encode(), name) == found


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("20260331", "2026-03-31"),
        ("2026.3.31.", "2026-03-31"),
        ("2026. 3. 31", "2026-03-31"),
        ("2026년 3월 31일", "2026-03-31"),
        ("2026-03-31T10:00:00", "2026-03-31"),
        ("2026-02-30", "2026-02-30"),
        ("미상", "미상"),
        ("2026", "2026"),
    ],
)
def test_dates(raw, iso):
    assert iso_date(raw) == iso
