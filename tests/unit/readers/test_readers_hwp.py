"""The same documents written as HWP 5 and as HWPX, and what a user's damaged and locked ones become."""

import io
import random
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.readers import hwp, hwp_equation
from malmoi.readers.hwp_text import written
from malmoi.readers.record import ReadError


@dataclass
class Obj:
    """An object in a paragraph: ``kind`` table, box, note, header, equation, tab, break or number."""

    kind: str
    content: list = field(default_factory=list)
    in_line: bool = False
    caption: str = ""
    above: bool = False


@dataclass
class Para:
    pieces: list
    shape: int = 0


def P(*pieces, shape=0):  # noqa: N802
    return Para(list(pieces), shape)


#: Paragraph shapes 1 to 3 are the first and second level of a numbering, and a bullet.
LEVELS = [("^1.", "DIGIT", 0), ("^2)", "HANGUL_SYLLABLE", 8)]


# ------------------------------------------------------------------------------------------ HWPX


def hwpx_paragraph(para):
    runs = "".join(hwpx_piece(piece) for piece in para.pieces)
    return f'<hp:p paraPrIDRef="{para.shape}"><hp:run>{runs}</hp:run></hp:p>'


def hwpx_list(paras):
    return f"<hp:subList>{''.join(map(hwpx_paragraph, paras))}</hp:subList>"


def hwpx_piece(piece):
    if isinstance(piece, str):
        return f"<hp:t>{escape(piece)}</hp:t>"
    if piece.kind == "tab":
        return "<hp:t>앞<hp:tab/>뒤</hp:t>"
    if piece.kind == "break":
        return "<hp:t><hp:lineBreak/></hp:t>"
    if piece.kind == "number":
        return '<hp:ctrl><hp:autoNum num="3" numType="TABLE"/></hp:ctrl>'
    if piece.kind == "equation":
        return f"<hp:equation><hp:sz/><hp:script>{escape(piece.content)}</hp:script></hp:equation>"
    if piece.kind in ("note", "header"):
        name = "footNote" if piece.kind == "note" else "header"
        return f"<hp:ctrl><hp:{name}>{hwpx_list(piece.content)}</hp:{name}></hp:ctrl>"
    side = "TOP" if piece.above else "BOTTOM"
    caption = (
        f'<hp:caption side="{side}">{hwpx_list([P(piece.caption)])}</hp:caption>'
        if piece.caption
        else ""
    )
    head = f'<hp:sz/><hp:pos treatAsChar="{int(piece.in_line)}"/>{caption}'
    if piece.kind == "box":
        inner = f"<hp:drawText>{hwpx_list(piece.content)}</hp:drawText>"
        return f"<hp:container><hp:sz/><hp:pos/><hp:rect>{head}{inner}</hp:rect></hp:container>"
    rows = "".join(
        f"<hp:tr>{''.join(f'<hp:tc>{hwpx_list(cell)}</hp:tc>' for cell in row)}</hp:tr>"
        for row in piece.content
    )
    return f"<hp:tbl>{head}{rows}</hp:tbl>"


def hwpx(paras, parts=()):
    """Return a document; ``parts`` replace or add files of the zip."""
    heads = "".join(
        f'<hh:paraHead start="1" level="{at}" numFormat="{form}">{pattern}</hh:paraHead>'
        for at, (pattern, form, _) in enumerate(LEVELS, 1)
    )
    header = (
        f'<hh:head xmlns:hh="h"><hh:numbering id="1">{heads}</hh:numbering>'
        '<hh:bullet id="1" char="○"/><hh:paraPr id="0"><hh:heading type="NONE"/></hh:paraPr>'
        '<hh:paraPr id="1"><hh:heading type="NUMBER" idRef="1" level="0"/></hh:paraPr>'
        '<hh:paraPr id="2"><hh:heading type="NUMBER" idRef="1" level="1"/></hh:paraPr>'
        '<hh:paraPr id="3"><hh:heading type="BULLET" idRef="1" level="0"/></hh:paraPr></hh:head>'
    )
    body = "".join(map(hwpx_paragraph, paras))
    files = {
        "mimetype": "application/hwp+zip",
        "Contents/header.xml": header,
        "Contents/section0.xml": f'<hs:sec xmlns:hs="s" xmlns:hp="p">{body}</hs:sec>',
        **dict(parts),
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return sink.getvalue()


# ----------------------------------------------------------------------------------------- HWP 5


def record(tag, level, data=b""):
    size = min(len(data), 0xFFF)
    longer = struct.pack("<I", len(data)) if size == 0xFFF else b""
    return struct.pack("<I", tag | level << 10 | size << 20) + longer + data


def control(level, name, data=b""):
    return record(71, level, name.encode()[::-1] + data)


def hwp_string(text):
    return struct.pack("<H", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")


def hwp_paragraph(para, level):
    """Return the records of a paragraph: header, text, then the records of its controls."""
    text, controls = b"", b""
    for piece in para.pieces:
        if isinstance(piece, str):
            text += piece.encode("utf-16-le")
        elif piece.kind == "tab":
            text += "앞".encode("utf-16-le") + struct.pack("<8H", 9, *[0] * 6, 9)
            text += "뒤".encode("utf-16-le")
        elif piece.kind == "break":
            text += struct.pack("<H", 10)
        else:
            code, records = hwp_object(piece, level + 1)
            text += struct.pack("<8H", code, *[0] * 6, code)
            controls += records
    header = struct.pack("<IIHBBHHHI", len(text) // 2, 0, para.shape, 0, 0, 0, 0, 0, 0)
    text += struct.pack("<H", 13)
    return record(66, level, header) + record(67, level + 1, text) + controls


def hwp_list(paras, level, data=b""):
    header = record(72, level, struct.pack("<II", len(paras), 0) + data)
    return header + b"".join(hwp_paragraph(para, level) for para in paras)


def hwp_object(piece, level):
    if piece.kind == "number":
        return 18, control(level, "atno", struct.pack("<IH", 4, 3))
    if piece.kind == "equation":
        script = record(88, level + 1, struct.pack("<I", 0) + hwp_string(piece.content))
        return 11, control(level, "eqed", struct.pack("<I", 1)) + script
    if piece.kind in ("note", "header"):
        code, name = (17, "fn  ") if piece.kind == "note" else (16, "head")
        return code, control(level, name) + hwp_list(piece.content, level + 1)
    caption = b""
    if piece.caption:
        side = struct.pack("<I", 2 if piece.above else 3)
        caption = hwp_list([P(piece.caption)], level + 1, side)
    head = struct.pack("<I", int(piece.in_line))
    if piece.kind == "box":
        # A box in a group, as the container in HWPX.
        inner = record(76, level + 2) + hwp_list(piece.content, level + 3)
        return 11, control(level, "gso ", head) + caption + record(76, level + 1) + inner
    cells = b"".join(
        hwp_list(cell, level + 1, struct.pack("<4H", column, row, 1, 1))
        for row, cells in enumerate(piece.content)
        for column, cell in enumerate(cells)
    )
    return 11, control(level, "tbl ", head) + caption + record(77, level + 1, bytes(8)) + cells


def doc_info():
    heads = b"".join(
        struct.pack("<IIi", code << 5, 0, 0) + hwp_string(pattern)
        for pattern, _, code in [*LEVELS, *[("", "", 0)] * 5]
    )
    numbering = heads + struct.pack("<H7I", 0, *[1] * 7)
    bullet = bytes(12) + "○".encode("utf-16-le")
    shapes = [(0, 0), (2, 0), (2, 1), (3, 0)]
    return (
        record(23, 0, numbering)
        + record(24, 0, bullet)
        + b"".join(
            record(25, 0, struct.pack("<I24xHH", kind << 23 | level << 25, 0, 1))
            for kind, level in shapes
        )
    )


def ole(streams):
    """Return a compound file; every stream is made at least 4,096 bytes long."""
    sector, folders, entries, body = 512, {}, [("Root Entry", 5, 0, 0)], b""
    for path, data in streams.items():
        *folder, name = path.split("/")
        data = data + bytes(max(0, 4096 - len(data)))
        entries.append((name, 2, len(body) // sector, len(data)))
        folders.setdefault("/".join(folder), []).append(len(entries) - 1)
        body += data + bytes(-len(data) % sector)
    children = {0: folders.pop("", [])}
    for name, inside in folders.items():
        entries.append((name, 1, 0, 0))
        children[len(entries) - 1] = inside
        children[0].append(len(entries) - 1)
    none, end = 0xFFFFFFFF, 0xFFFFFFFE
    directory = b""
    for at, (name, kind, start, size) in enumerate(entries):
        inside = children.get(at, [])
        siblings = next((each for each in children.values() if at in each), [])
        after = siblings[siblings.index(at) + 1 :] if siblings else []
        encoded = (name + "\0").encode("utf-16-le")
        directory += struct.pack(
            "<64sHBBIII36xIQ",
            encoded,
            len(encoded),
            kind,
            1,
            none,
            after[0] if after else none,
            inside[0] if inside else none,
            end if kind == 5 else start,
            size,
        )
    directory += (bytes(64) + bytes(4) + b"\xff" * 12 + bytes(48)) * (-len(entries) % 4)
    table = []
    for _, kind, start, size in entries:
        if kind == 2:
            last = start + -(-size // sector) - 1
            table += [*range(start + 1, last + 1), end]
    at_directory = len(table)
    table += [*range(at_directory + 1, at_directory + len(directory) // sector), end]
    at_fat = len(table)
    fat_sectors = -(-(len(table) + 1) // 127)
    table += [0xFFFFFFFD] * fat_sectors
    fat = b"".join(struct.pack("<I", each) for each in table)
    fat += b"\xff" * (fat_sectors * sector - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack(
        "<16x5H6xIIIIIIIII",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, fat_sectors, at_directory, 0, 4096, end, 0, end, 0),
    )
    header += b"".join(struct.pack("<I", at_fat + at) for at in range(fat_sectors))
    return header + b"\xff" * (512 - len(header)) + body + directory + fat


def scrambled(body):
    """Return the stream of a distribution document: its masked key, then the body under it."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    plain = bytearray(range(256))
    plain[:4] = struct.pack("<I", 0x1234567)
    key = bytes(plain[4 + 7 : 4 + 7 + 16])
    state, mask, run = 0x1234567, 0, 0
    masked = bytearray(plain)
    for at in range(256):
        if not run:
            state = (state * 214013 + 2531011) % 2**32
            mask = state >> 16 & 0xFF
            state = (state * 214013 + 2531011) % 2**32
            run = (state >> 16 & 0xF) + 1
        if at >= 4:
            masked[at] ^= mask
        run -= 1
    body += bytes(-len(body) % 16)
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return record(28, 0, bytes(masked)) + cipher.update(body)


def hwp5(paras, flags=1, extra=()):
    section = b"".join(hwp_paragraph(para, 0) for para in paras)

    def packed(stream):
        # Stored, not squeezed, so that a stream is not too short for a compound file's own sectors.
        squeezer = zlib.compressobj(0, wbits=-15)
        padded = stream + record(999, 0, bytes(4096))
        return squeezer.compress(padded) + squeezer.flush()

    body = packed(section)
    streams = {
        "FileHeader": b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010001, flags),
        "DocInfo": packed(doc_info()),
        **({"ViewText/Section0": scrambled(body)} if flags & 4 else {"BodyText/Section0": body}),
        **dict(extra),
    }
    return ole(streams)


# ----------------------------------------------------------------------------------------- tests

FORMATS = [pytest.param(hwp5, id="hwp5"), pytest.param(hwpx, id="hwpx")]


def lines(data):
    (found,) = hwp.read(data, "기록/이름.hwp", {})
    assert found.title == "이름"
    return found.text.split("\n")


CASES = {
    "paragraphs": ([P("제1조(목적)"), P(""), P("  본문 & 끝 ")], ["제1조(목적)", "본문 & 끝"]),
    "tab and break": ([P(Obj("tab")), P("가", Obj("break"), "나")], ["앞 뒤", "가", "나"]),
    "floating table": (
        [P("앞 글", Obj("table", [[[P("구분")], [P("값")]], [[P("가")], [P("")]]]), "뒷글")],
        ["앞 글뒷글", "구분 | 값", "가"],
    ),
    "table in the line": (
        [P("앞", Obj("table", [[[P("가")], [P("나"), P("다")]]], in_line=True), "뒤")],
        ["앞", "가 | 나 다", "뒤"],
    ),
    "captions": (
        [
            P(Obj("table", [[[P("가")], [P("나")]]], caption="표 위", above=True)),
            P(Obj("table", [[[P("다")], [P("라")]]], caption="표 아래")),
        ],
        ["표 위", "가 | 나", "다 | 라", "표 아래"],
    ),
    "table in a table": (
        [P(Obj("table", [[[P("밖")], [P(Obj("table", [[[P("안")], [P("속")]]]))]]]))],
        ["밖 | 안 | 속"],
    ),
    "box": ([P("글", Obj("box", [P("상자"), P("둘째")]))], ["글", "상자", "둘째"]),
    "one cell": ([P(Obj("table", [[[P("첫 문단"), P("둘째 문단")]]]))], ["첫 문단", "둘째 문단"]),
    "note and header": (
        [P("본문", Obj("note", [P(" 각주이다.")]), "이다.", Obj("header", [P("머리말")]))],
        ["본문이다.", "각주이다."],
    ),
    "equation": ([P("값은", Obj("equation", "{a+b} over 2"), "이다")], ["값은 a+b / 2 이다"]),
    "caption number": ([P("표 ", Obj("number"), ". 현황")], ["표 3. 현황"]),
    "lists": (
        [
            P("첫째", shape=1),
            P("안쪽", shape=2),
            P("또", shape=2),
            P("둘째", shape=1),
            P("다시", shape=2),
            P("점", shape=3),
        ],
        ["1. 첫째", "가) 안쪽", "나) 또", "2. 둘째", "가) 다시", "○ 점"],
    ),
    "first letter of Hancom": ([P("\uf53a글")], ["ᄒᆞᆫ글"]),
}


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_both_formats_read_to_the_same_lines(write, case):
    paras, expected = CASES[case]
    assert lines(write(paras)) == expected


def cells(inner):
    return st.lists(st.lists(inner, min_size=1, max_size=2), min_size=1, max_size=3)


words = st.text("가나다라 ab.①\U0001f4dc", max_size=6)
paragraphs = st.recursive(
    st.builds(P, words),
    lambda inner: st.builds(
        lambda text, kind, content, in_line, caption, shape: P(
            text,
            Obj(kind, [content] if kind == "table" else content[0], in_line, caption),
            shape=shape,
        ),
        words,
        st.sampled_from(["table", "box", "note"]),
        cells(inner),
        st.booleans(),
        words.map(str.strip),
        st.integers(0, 3),
    ),
    max_leaves=8,
)


@given(st.lists(paragraphs, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_document_agrees_in_both_formats(paras):
    # Only the box differs between the builders: HWPX places it by its group.
    for para in paras:
        for piece in para.pieces:
            if isinstance(piece, Obj) and piece.kind == "box":
                piece.in_line, piece.caption = False, ""
    paras = [*paras, P("끝")]
    assert lines(hwp5(paras)) == lines(hwpx(paras))


def test_sections_come_in_the_order_of_their_numbers():
    section = '<hs:sec xmlns:hs="s" xmlns:hp="p">{}</hs:sec>'
    parts = {
        f"Contents/section{number}.xml": section.format(hwpx_paragraph(P(f"제{number}편")))
        for number in (10, 2)
    }
    assert lines(hwpx([P("처음")], parts)) == ["처음", "제2편", "제10편"]


def test_a_distribution_document_is_read():
    assert lines(hwp5([P("배포용 본문")], flags=5)) == ["배포용 본문"]


def test_a_hwp_without_compression_is_read():
    data = hwp5([P("본문")])
    assert lines(data) == ["본문"]


ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    '<x xmlns:hp="p"><hp:p><hp:run><hp:t>&a;&b;</hp:t></hp:run></hp:p></x>'
)
MANIFEST = '<m><file-entry><encryption-data checksum="x"/></file-entry></m>'
REFUSED = {
    "empty": [hwp5([P(" ")]), hwpx([P("")])],
    "image_only": [
        hwp5([P("")], extra={"BinData/BIN0001.jpg": b"\xff\xd8"}),
        hwpx([P("")], {"BinData/image1.jpg": "x"}),
    ],
    "locked": [
        hwp5([P("본문")], flags=3),
        hwpx([P("본문")], {"META-INF/manifest.xml": MANIFEST}),
        ole({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}),
    ],
    "unsupported_format": [ole({"WordDocument": b"x"})],
    "truncated_or_damaged": [
        hwp5([P("본문")])[:3000],
        hwp5([P("본문")], extra={"BodyText/Section0": b"\xff" * 5000}),
        hwpx([P("본문")])[:200],
        hwpx([P("본문")], {"Contents/section0.xml": "<hs:sec xmlns:hs='s'><a"}),
        hwpx([P("본문")], {"Contents/section0.xml": "<a>" * 3000 + "</a>" * 3000}),
    ],
    "unsafe_member": [hwpx([P("본문")], {"Contents/section0.xml": ENTITIES})],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_read_says_why(reason):
    for data in REFUSED[reason]:
        with pytest.raises(ReadError) as caught:
            list(hwp.read(data, "이름", {}))
        assert caught.value.reason == reason


def test_objects_nested_too_deep_are_refused():
    paras = [P("속")]
    for _ in range(60):
        paras = [P(Obj("table", [[paras]]))]
    assert lines(hwp5(paras)) == ["속"]
    records = b"".join(
        record(66, 3 * depth % 1023, bytes(22)) + control(3 * depth % 1023 + 1, "tbl ", bytes(4))
        for depth in range(340)
    )
    squeezer = zlib.compressobj(0, wbits=-15)
    body = squeezer.compress(records + record(999, 0, bytes(4096))) + squeezer.flush()
    with pytest.raises(ReadError):
        list(hwp.read(hwp5([P("")], extra={"BodyText/Section0": body}), "이름", {}))


def test_a_stream_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("malmoi.readers.hwp_binary._MOST_BYTES", 10_000)
    with pytest.raises(ReadError) as caught:
        list(hwp.read(hwp5([P("가" * 20_000)]), "이름", {}))
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("write", FORMATS)
def test_mutated_documents_raise_nothing_else(write):
    good = write([P("본문", Obj("table", [[[P("가")], [P("나")]]])), P("끝", shape=1)])
    generator = random.Random(1)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(generator.randrange(1, 12)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        cut = generator.choice([len(data), generator.randrange(len(data))])
        try:
            for found in hwp.read(bytes(data[:cut]), "이름", {}):
                found.text.encode()
        except ReadError:
            pass


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        (3, "CIRCLED_DIGIT", "③"),
        (21, "CIRCLED_DIGIT", "21"),
        (9, "ROMAN_CAPITAL", "IX"),
        (14, "ROMAN_SMALL", "xiv"),
        (2, "LATIN_SMALL", "b"),
        (15, "HANGUL_SYLLABLE", "거"),
        (12, "HANGUL_PHONETIC", "십이"),
        (20, "IDEOGRAPH", "二十"),
        (0, "LATIN_CAPITAL", "0"),
        (7, "OTHER", "7"),
    ],
)
def test_numbers_of_list_items(number, form, expected):
    assert written(number, form) == expected


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("rm 2H_2 O = 2H_2 + O_2", "2H2 O = 2H2 + O2"),
        ("보험료 = {월액 times 9} over 100", "보험료 = 월액 × 9 / 100"),
        ("A UNION B`~ le  {scale 70 C}", "A ∪ B ≤ C"),
        ("alpha + OMEGA -> inf", "α + Ω → ∞"),
        ('sum from {k=1} to n "글자 over"', "∑ k=1 n 글자 over"),
    ],
)
def test_equations_become_a_line(script, text):
    assert hwp_equation.as_text(script) == text
