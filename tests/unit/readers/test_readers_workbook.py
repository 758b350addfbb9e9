"""Excel workbooks: sheets, headers and cells as a person reads them, and no bombs."""

import io
import zipfile

import pytest
from malmoi.readers import workbook
from malmoi.readers.detect import format_of
from malmoi.readers.files import records_of
from malmoi.readers.record import ReadError

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def sheet_of(rows, first=1):
    """Return a sheet's XML; texts are written in place, a date is its number in style 1."""
    lines = []
    for number, row in enumerate(rows, start=first):
        cells = "".join(
            f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            if isinstance(cell, str)
            else f"<c><v>{cell}</v></c>"
            for cell in row
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return "".join(lines)


def xlsx(sheets, strings=""):
    """Return a workbook of sheets by name, each given as the XML of its rows."""
    names = list(sheets)
    numbers = range(1, len(names) + 1)
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    if strings:
        relations += (
            f'<Relationship Id="rId0" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        )
    listed = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="a" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{relations}</Relationships>",
    }
    for number, name in zip(numbers, names, strict=True):
        rows = f"<sheetData>{sheets[name]}</sheetData>"
        files[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{_MAIN}">{rows}</worksheet>'
    if strings:
        files["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{strings}</sst>'
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def read(data, **fields):
    return list(workbook.read(data, "폴더/명부.xlsx", fields))


def test_rows_under_the_header_that_names_the_columns():
    first = [
        ["2026년 의견서"],
        ["번호", "제목", "본문"],
        [1, "가", "첫째"],
        [],
        [2, "나", ""],
        [3, "다"],
    ]
    data = xlsx({"의견": sheet_of(first), "안내": sheet_of([["읽는 법"]])})
    assert format_of(data, "무엇이든") == "xlsx"
    found = read(data, text="본문", title="제목", number="번호")
    assert [
        (each.record, each.text, each.title, each.reason.partition(":")[0]) for each in found
    ] == [
        ("sheet 의견 row 3", "첫째", "가", ""),
        ("sheet 의견 row 5", "", "", "no_text"),
        ("sheet 의견 row 6", "", "", "no_text"),
        ("sheet 안내", "", "", "no_column"),
    ]
    assert found[0].meta == {"number": "1"}
    with pytest.raises(ReadError, match=r"'내용'.*'번호', '제목', '본문'"):
        read(data, text="내용")


def test_a_workbook_without_a_text_column_is_a_table_for_each_sheet():
    data = xlsx(
        {"수수료": sheet_of([["구분", "금액"], ["등본", 400], [], ["초본", 2.5]], 3), "빈": ""}
    )
    (record,) = read(data)
    assert (record.record, record.title) == ("sheet 수수료", "명부 수수료")
    assert record.text == "구분 | 금액\n등본 | 400\n초본 | 2.5"
    assert read(xlsx({"표": sheet_of([["가", "나"]])}))[0].title == "명부"


def outcome(folder, data, **source):
    (folder / "a.xlsx").write_bytes(data)
    return [
        each.reason.partition(":")[0]
        for _, _, each in records_of(folder / "a.xlsx", "a.xlsx", source)
    ]


def test_workbooks_that_would_fill_the_memory(tmp_path):
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row><c r=\'xfd1048576\'><v>1</v></c></row>'
    told = '<row r="1">' + '<c t="s"><v>0</v></c>' * 200 + "</row>"
    assert outcome(tmp_path, xlsx({"a": far})) == ["too_large"]
    shared = xlsx({"a": told}, f"<si><t>{'x' * 100_000}</t></si>")
    assert outcome(tmp_path, shared, max_file_mb=10) == ["too_large"]
    assert outcome(tmp_path, xlsx({"a": " " * 2_000_000}), max_file_mb=1) == ["too_large"]


def test_damaged_and_locked_workbooks(tmp_path):
    whole = xlsx({"a": sheet_of([["가", "나"]])})
    assert outcome(tmp_path, whole[:-200]) == ["truncated_or_damaged"]
    assert outcome(tmp_path, whole.replace(b"xl/worksheets/", b"xl/worksheetx/")) == [
        "truncated_or_damaged"
    ]
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    with pytest.raises(ReadError) as caught:
        format_of(compound + "EncryptedPackage\0".encode("utf-16-le"), "a.xlsx")
    assert caught.value.reason == "locked"
    with pytest.raises(ReadError) as caught:
        format_of(compound + "WordDocument\0".encode("utf-16-le"), "a.xlsx")
    assert caught.value.reason == "unsupported_format"
    assert format_of(compound + "Workbook\0".encode("utf-16-le"), "a.xls") == "xlsx"


def test_a_sheet_packed_in_a_way_that_has_no_limit_is_not_unpacked():
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx({"가": sheet_of([["본문"], ["하나"]])}))) as given,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as written,
    ):
        for name in given.namelist():
            written.writestr(name, given.read(name))
    with pytest.raises(ReadError) as caught:
        workbook.check_size(packed.getvalue(), 1_000_000)
    assert caught.value.reason == "unsupported_format"
