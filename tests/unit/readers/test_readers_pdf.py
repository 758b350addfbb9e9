"""PDFs drawn character by character: tables, running lines, and paragraphs put together again."""

import random

import pytest
from malmoi.readers import pdf
from malmoi.readers.pdf_breaks import Breaks
from malmoi.readers.record import ReadError

SIZE = 10


class Page:
    """Text at places and rulings; every character is as wide as it is high."""

    def __init__(self, turn=""):
        self.texts, self.rulings, self.notes, self.turn = [], [], [], turn

    def line(self, x, y, text, font="F"):
        self.texts.append((x, y, text, font))
        return self

    def note(self, x, y, entries):
        """Add an annotation 100 points wide."""
        self.notes.append(f"<</Type/Annot/Rect[{x} {y} {x + 100} {y + 12}]{entries}>>")
        return self

    def paragraph(self, y, *lines, x=80):
        for row, text in enumerate(lines):
            self.line(x, y - 16 * row, text)
        return self

    def table(self, columns, rows, texts, closed=True):
        """Rule a table and write each cell's lines."""
        sides = columns if closed else columns[1:-1]
        self.rulings += [(x, rows[-1], x, rows[0]) for x in sides]
        self.rulings += [(columns[0], y, columns[-1], y) for y in rows]
        for row, cells in enumerate(texts):
            for column, lines in enumerate(cells):
                for at, text in enumerate(lines):
                    self.line(columns[column] + 3, rows[row] - 12 - 13 * at, text)
        return self


def drawn(*pages, in_form=False):
    """Return a PDF with a map from its one-byte codes to Unicode; ``in_form`` draws it through a form."""
    characters = sorted({each for page in pages for _, _, text, _ in page.texts for each in text})
    codes = {each: code for code, each in enumerate(characters, 33)}
    pairs = "\n".join(f"<{code:02x}> <{ord(each):04x}>" for each, code in codes.items())
    to_unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(codes)} beginbfchar\n{pairs}\n"
        "endbfchar endcmap end end"
    )
    metrics = (
        f"/FirstChar 0/LastChar 255/Widths[{'1000 ' * 256}]/FontDescriptor 6 0 R/ToUnicode 4 0 R"
    )
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "",
        f"<</Type/Font/Subtype/TrueType/BaseFont/Batang{metrics}>>",
        f"<</Length {len(to_unicode)}>>stream\n{to_unicode}\nendstream",
        f"<</Type/Font/Subtype/TrueType/BaseFont/AAAAAA+Wingdings-Regular{metrics}>>",
        "<</Type/FontDescriptor/FontName/Batang/Flags 4/FontBBox[0 -200 1000 800]/ItalicAngle 0"
        "/Ascent 800/Descent -200/CapHeight 700/StemV 80>>",
    ]
    kids = []
    for page in pages:
        content = (
            page.turn
            + "".join(f"{x0} {y0} m {x1} {y1} l S\n" for x0, y0, x1, y1 in page.rulings)
            + "".join(
                f"BT /{font} {SIZE} Tf 1 0 0 1 {x} {y} Tm"
                f" <{''.join(f'{codes[each]:02x}' for each in text)}> Tj ET\n"
                for x, y, text, font in page.texts
            )
        )
        kids.append(len(objects) + 1)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {len(objects) + 2} 0 R"
            f"/Annots[{' '.join(page.notes)}]"
            f"/Resources<</Font<</F 3 0 R/W 5 0 R>>/XObject<</X {len(objects) + 3} 0 R>>>>>>"
        )
        form = (
            "/Type/XObject/Subtype/Form/BBox[0 0 1200 1700]/Matrix[2 0 0 2 0 0]"
            "/Resources<</Font<</F 3 0 R/W 5 0 R>>>>"
        )
        shown = "q 0.5 0 0 0.5 0 0 cm /X Do Q" if in_form else content
        objects.append(f"<</Length {len(shown)}>>stream\n{shown}\nendstream")
        objects.append(f"<<{form}/Length {len(content)}>>stream\n{content}\nendstream")
    references = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{references}]>>"
    body, offsets = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode(
        "latin-1"
    )


def lines(*pages, in_form=False):
    (found,) = pdf.read(drawn(*pages, in_form=in_form), "기록/이름.pdf", {})
    assert found.title == "이름"
    return found.text.split("\n")


#: Full lines: the first two were broken between words, the last inside one.
FULL = [
    "이 법은 국민의 건강을 보호하고 증진하기 위하여 필요한 사항을 정하는 것을 목적으",
    "하려는 자는 대통령령으로 정하는 바에 따라 보건복지부장관에게 신고하여야 하며 이를",
]


def test_a_blank_at_the_end_of_a_line_says_where_words_end():
    page = Page().paragraph(700, FULL[0], "로 " + FULL[1][2:] + " ", "변경할 때에도 같다.")
    assert lines(page) == [f"{FULL[0]}로 {FULL[1][2:]} 변경할 때에도 같다."]


def test_without_blanks_the_rest_of_the_document_decides():
    clauses = [
        "그는 목적으로 삼은 바를 정하는 사람이고 사람으로 보는 것을 목적으로 삼는다.",
        "법률이 정하는 사람은 목적으로 정하는 바가 있고 그 사람은 이를 본다.",
    ]
    page = Page().line(80, 780, clauses[0]).line(80, 740, clauses[1])
    inside = "이 법은 국민의 건강을 보호하고 증진하기 위하여 필요한 사항을 정하는 것을 목적으"
    page.paragraph(700, inside, "로 삼는다.")
    between = "이 법은 국민의 건강을 보호하고 증진하기 위하여 필요한 사항을 낱낱이 모두 정하는"
    page.paragraph(640, between, "사람은 없다.")
    assert lines(page)[2:] == [f"{inside}로 삼는다.", f"{between} 사람은 없다."]


def test_what_begins_or_ends_a_paragraph():
    page = Page().paragraph(
        780,
        f"{FULL[0][:-4]}다.",  # ends a sentence
        FULL[1],
        "① 다음 각 호의 어느 하나에 해당하는 자",  # begins an item
        "1. 첫째",
        "짧은 줄",  # would have had room above
        "또 짧은 줄",
    )
    page.line(80, 660, FULL[0]).line(80, 620, "떨어진 글")  # stands apart
    assert lines(page) == [
        f"{FULL[0][:-4]}다.",
        FULL[1],
        "① 다음 각 호의 어느 하나에 해당하는 자",
        "1. 첫째",
        "짧은 줄",
        "또 짧은 줄",
        FULL[0],
        "떨어진 글",
    ]


def test_a_paragraph_goes_on_over_the_end_of_a_page():
    bodies = [f"{name}{FULL[1][1:]}" for name in "가나다라"]
    pages = [Page().line(80, 780, "머리말").line(80, 100, f"{body} ") for body in bodies]
    pages[3].line(80, 84, "끝이다.")
    assert lines(*pages[:2]) == ["머리말", " ".join(bodies[:2])]
    assert lines(*pages) == [f"{' '.join(bodies)} 끝이다."]


def test_running_lines_and_page_numbers_go_and_titles_stay():
    pages = [
        Page()
        .line(80, 800, "의료법 해설")
        .line(80, 700, f"제{number}장")
        .line(80, 600, f"{name} 장의 본문이다.")
        .line(80, 60, f"이십 년사 {number}쪽")
        .line(280, 40, f"- {number} -")
        for number, name in enumerate("가나다라마", 7)
    ]
    pages[0].line(80, 650, "의료법 해설")
    found = lines(*pages)
    assert [line for line in found if "본문" in line] == [
        f"{each} 장의 본문이다." for each in "가나다라마"
    ]
    assert found.count("의료법 해설") == 1
    assert not any("쪽" in line or "-" in line for line in found)


@pytest.mark.parametrize("in_form", [False, True])
def test_a_ruled_table_becomes_rows(in_form):
    page = Page().line(80, 760, "별표").line(80, 500, "비고")
    page.table(
        [80, 180, 320, 420],
        [740, 700, 660, 600],
        [
            [["구분"], ["수수료"], ["기한"]],
            [["등본"], ["400원"], []],
            [["초본"], ["주민등록번호를포함", "하는경우"], ["3일"]],
        ],
    )
    assert lines(page, in_form=in_form) == [
        "별표",
        "구분 | 수수료 | 기한",
        "등본 | 400원",
        "초본 | 주민등록번호를포함 하는경우 | 3일",
        "비고",
    ]


def test_a_table_open_at_its_sides_and_cells_of_two_columns():
    page = Page()
    page.table([80, 180, 320], [740, 700, 660], [[[], ["합계"]], [["가"], ["나"]]], closed=False)
    assert lines(page) == ["합계", "가 | 나"]
    merged = Page()
    merged.rulings += [(80, y, 320, y) for y in (740, 700, 660)]
    merged.rulings += [(80, 660, 80, 740), (320, 660, 320, 740), (180, 660, 180, 700)]
    merged.line(150, 715, "넓은 칸").line(90, 675, "왼쪽").line(200, 675, "오른쪽")
    assert lines(merged) == ["넓은 칸", "왼쪽 | 오른쪽"]


def test_a_table_over_two_pages_keeps_one_heading_and_whole_rows():
    columns = [80, 180, 300]
    first = Page().table(
        columns,
        [200, 160, 100],
        [[["구분"], ["내용"]], [["신고"], ["의료기관을 개설 ", "하려는 자는 관할 "]]],
    )
    second = Page().table(
        columns,
        [800, 760, 720, 680],
        [[["구분"], ["내용"]], [[], ["구청에 낸다."]], [["허가"], ["없음"]]],
    )
    assert lines(first, second) == [
        "구분 | 내용",
        "신고 | 의료기관을 개설 하려는 자는 관할 구청에 낸다.",
        "허가 | 없음",
    ]


@pytest.mark.parametrize(
    "turn", ["0 1 -1 0 595 0 cm\n", "0 -1 1 0 0 595 cm\n", "-1 0 0 -1 595 842 cm\n"]
)
def test_a_page_lying_on_its_side(turn):
    page = (
        Page(turn)
        .line(80, 560, "별표 1. 수수료")
        .table([80, 180, 320], [540, 500, 460], [[["구분"], ["수수료"]], [["등본"], ["400원"]]])
    )
    page.line(80, 440, FULL[0]).line(80, 424, "로 한다.")
    assert lines(page) == ["별표 1. 수수료", "구분 | 수수료", "등본 | 400원", f"{FULL[0]}로 한다."]


def test_a_frame_is_no_table():
    page = Page().table([80, 500], [740, 600], [[["첫 문장이다.", "둘째 문장이다."]]])
    assert lines(page) == ["첫 문장이다.", "둘째 문장이다."]


def test_leaders_bullets_hyphens_and_bold():
    page = Page().line(80, 780, "1. 총칙 ············ 5").line(80, 760, "본문은 ... 이다")
    page.line(80, 700, "§", font="W").line(100, 700, "항목")
    page.line(80, 660, "제목").line(80.2, 660, "제목")
    page.line(80, 620, "old \uf53a글")
    assert lines(page) == ["1. 총칙 5", "본문은 ... 이다", "\uf0a7 항목", "제목", "old ᄒᆞᆫ글"]


def test_hyphens_at_the_ends_of_lines():
    page = Page().line(80, 780, "These are well-known facts.")
    page.paragraph(
        700, "Patients with a history of an inter-", "national normalised ratio, of a well-"
    )
    page.paragraph(668, "known drug or of an illness like 코로나-", "19 are treated.")
    assert lines(page)[1] == (
        "Patients with a history of an international normalised ratio, of a well-known drug or "
        "of an illness like 코로나-19 are treated."
    )
    assert lines(Page().line(80, 700, "서울-")) == ["서울-"]


def test_what_was_filled_into_a_form_and_written_on_the_page():
    def string(text):
        return f"<feff{text.encode('utf-16-be').hex()}>"

    page = Page().line(80, 700, "성명:").line(80, 660, "주소:").line(80, 600, "서명")
    page.note(140, 698, f"/Subtype/Widget/FT/Tx/T(a)/V{string('홍길동')}")
    page.note(140, 658, "/Subtype/Widget/FT/Btn/T(b)/V/Yes/AS/Yes")
    page.note(140, 640, f"/Subtype/FreeText/Contents{string('덧붙인 글')}")
    page.note(140, 620, f"/Subtype/Text/Contents{string('쪽지')}")
    assert lines(page) == ["성명:", "홍길동", "주소:", "덧붙인 글", "서명"]


def test_fonts_without_a_map_to_unicode():
    with pytest.raises(ReadError) as caught:
        lines(Page().line(80, 700, "\ue123\ue124\ue125 가"))
    assert caught.value.reason == "undecodable"


def test_mutated_documents_raise_nothing_else():
    good = drawn(
        Page().paragraph(780, *FULL).table([80, 180, 320], [700, 660, 600], [[["가"], ["나"]]])
    )
    generator = random.Random(2)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(generator.randrange(1, 20)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        try:
            for found in pdf.read(bytes(data), "이름", {}):
                found.text.encode()
        except ReadError:
            pass


def test_a_document_that_breaks_between_words_only():
    sentence = (
        "의료인은 환자가 요구하면 진료기록을 보여 주어야 하고 고쳐 쓰면 고친 날을 적어야 하며 "
    )
    words = (sentence * 12).split()
    rows = [""]
    for word in words:
        if len(rows[-1]) + len(word) >= 31:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}".strip()
    breaks = Breaks(rows)
    assert breaks.only_between_words
    assert breaks.is_between_words("처음 보는 글귀의", "끝부분")
    text = " ".join(words)
    rows = [text[at : at + 31].strip() for at in range(0, len(text), 31)]
    breaks = Breaks(rows)
    assert not breaks.only_between_words
    assert not breaks.is_between_words("고쳐 쓰면 진료기", "록을 보여")
    assert breaks.is_between_words("고쳐 쓰면 진료기록을", "보여 주어야")
    assert breaks.is_between_words("모두 1", "2")


def test_ragged_lines_break_between_words():
    rows = [
        "이 계약은 병원과 기업이 환자의 발을 찍은 사진을 분류하는 기술(이하",
        '"대상기술"이라 한다)을 함께 개발함에',
    ]
    page = Page()
    for clause in range(5):
        page.paragraph(
            780 - 70 * clause,
            "제14조부터 제18조까지에서 정하는 것 말고는 이 규칙에 따른다고 한다.",
            *rows,
        )
    assert lines(page)[1] == f"{rows[0]} {rows[1]}"


def test_a_reference_at_the_beginning_of_a_line_is_no_heading():
    page = Page().paragraph(
        700, FULL[1] + " ", "제18조까지에서 정하는 바에 따른다.", "제19조(벌칙) 없음"
    )
    assert lines(page) == [f"{FULL[1]} 제18조까지에서 정하는 바에 따른다.", "제19조(벌칙) 없음"]
