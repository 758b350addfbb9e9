"""HWP 5: the records in the streams of its OLE file, by the convention in ``hwp``.

A distribution document ("배포용 문서") has its body in ``ViewText``, scrambled with a key that stands in
front of it. It opens without a password in every viewer, so it is read like any other.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import olefile
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from malmoi.readers import hwp_equation
from malmoi.readers.hwp_text import (
    FORMATS,
    Level,
    Lists,
    Paragraph,
    captioned,
)
from malmoi.readers.record import ReadError, table_lines

_SIGNATURE = b"HWP Document File"
_COMPRESSED, _PASSWORD, _DISTRIBUTION = 1 << 0, 1 << 1, 1 << 2
#: Locked by a password, by a rights manager, or by a certificate in two ways.
_LOCKED = _PASSWORD | 1 << 4 | 1 << 8 | 1 << 10

_NUMBERING, _BULLET, _PARA_SHAPE, _DISTRIBUTE_DATA = 23, 24, 25, 28
_PARA_HEADER, _PARA_TEXT, _CTRL_HEADER, _LIST_HEADER = 66, 67, 71, 72
_SHAPE_COMPONENT, _TABLE, _EQUATION, _TEXT_ART = 76, 77, 88, 90

#: Control characters of one code unit; of the others, each with seven more units, these have a record.
_SINGLE = {0: "", 10: "\n", 13: "", 24: "-", 30: " ", 31: " "}
_WITH_RECORD = frozenset((1, 2, 3, 11, 12, 14, 15, 16, 17, 18, 21, 22, 23))
_TAB = 9
_HEADINGS = ("NONE", "OUTLINE", "NUMBER", "BULLET")
#: Pictures, tables and equations: automatic numbers that are part of a caption.
_NUMBERED_OBJECTS = (3, 4, 5)

#: A document whose streams unpack to more is not read, since each is held in memory.
_MOST_BYTES = 256 * 2**20


@dataclass
class _Node:
    """A record with the records under it."""

    tag: int
    data: bytes
    children: list[_Node] = field(default_factory=list)


def read_lines(data: bytes) -> tuple[list[str], int]:
    """Return the lines of the document's text and the number of files, mostly images, it carries.

    Raises:
        ReadError: ``locked``, ``unsupported_format``, ``too_large`` or ``truncated_or_damaged``.
    """
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as streams:
            return _document(streams)
    except (OSError, ValueError, IndexError, TypeError, struct.error, zlib.error) as error:
        # What olefile raises on a file cut short depends on where it is cut.
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error


def _document(streams: olefile.OleFileIO) -> tuple[list[str], int]:
    if streams.exists("EncryptedPackage"):
        raise ReadError("locked", "an encrypted Office document")
    if not streams.exists("FileHeader"):
        raise ReadError("unsupported_format", "an OLE file that is not HWP")
    header = streams.openstream("FileHeader").read()
    if not header.startswith(_SIGNATURE):
        raise ReadError("unsupported_format", "an OLE file that is not HWP")
    _, flags = struct.unpack_from("<II", header, 32)
    if flags & _LOCKED:
        raise ReadError("locked", "the document is encrypted")
    storage = "ViewText" if flags & _DISTRIBUTION else "BodyText"
    sections = sorted(
        int(match[1])
        for folder, *rest in streams.listdir()
        if folder == storage and rest and (match := re.fullmatch(r"Section(\d+)", rest[0]))
    )
    if not sections:
        raise ReadError("truncated_or_damaged", f"there is no {storage}")
    left = _MOST_BYTES
    reader = _Reader(Lists())
    unpacked = _unpacked(streams.openstream("DocInfo").read(), flags, left)
    reader.read_settings(unpacked)
    lines: list[str] = []
    for number in sections:
        left -= len(unpacked)
        body = streams.openstream([storage, f"Section{number}"]).read()
        unpacked = _unpacked(_unscrambled(body) if flags & _DISTRIBUTION else body, flags, left)
        for node in _tree(unpacked):
            lines.extend(reader.paragraph(node))
    return lines, sum(folder == "BinData" for folder, *_ in streams.listdir())


def _unpacked(stream: bytes, flags: int, most: int) -> bytes:
    if not flags & _COMPRESSED:
        return stream
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = inflater.decompress(stream, most)
    if inflater.unconsumed_tail:
        raise ReadError("too_large", f"the streams unpack to more than {_MOST_BYTES >> 20} MiB")
    if not inflater.eof:
        raise ReadError("truncated_or_damaged", "a stream ends early")
    return unpacked


def _unscrambled(stream: bytes) -> bytes:
    """Return the compressed body of a distribution document.

    The first record holds, behind the seed of a generator whose numbers mask it, the key of the rest. The
    generator is that of Microsoft's C library.
    """
    tag, start, end = next(_spans(stream))
    if tag != _DISTRIBUTE_DATA or end - start != 256:
        raise ReadError("truncated_or_damaged", "the key of a distribution document is missing")
    masked = bytearray(stream[start:end])
    seed = state = int.from_bytes(masked[:4], "little")

    def number() -> int:
        nonlocal state
        state = (state * 214013 + 2531011) & 0xFFFFFFFF
        return state >> 16 & 0x7FFF

    mask = run = 0
    for at in range(len(masked)):
        if not run:
            mask, run = number() & 0xFF, (number() & 0xF) + 1
        if at >= 4:
            masked[at] ^= mask
        run -= 1
    key_at = 4 + (seed & 0xF)
    # The format's own choice of cipher; nothing is kept secret by it.
    cipher = Cipher(algorithms.AES(bytes(masked[key_at : key_at + 16])), modes.ECB())
    whole = (len(stream) - end) // 16 * 16
    return cipher.decryptor().update(stream[end : end + whole])


def _spans(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield tag, start and end of each record's data, the tag with the record's level in its upper bits."""
    at = 0
    while at + 4 <= len(stream):
        (head,) = struct.unpack_from("<I", stream, at)
        at += 4
        size = head >> 20
        if size == 0xFFF:
            (size,) = struct.unpack_from("<I", stream, at)
            at += 4
        if at + size > len(stream):
            raise ReadError("truncated_or_damaged", "a record ends behind its stream")
        yield head & 0xFFFFF, at, at + size
        at += size


def _tree(stream: bytes) -> Iterator[_Node]:
    """Yield the records of the lowest level, each complete with what is under it."""
    path: list[tuple[int, _Node]] = []
    for head, start, end in _spans(stream):
        level, node = head >> 10, _Node(head & 0x3FF, stream[start:end])
        while path and path[-1][0] >= level:
            _, done = path.pop()
            if not path:
                yield done
        if path:
            path[-1][1].children.append(node)
        path.append((level, node))
    if path:
        yield path[0][1]


def _string(data: bytes, at: int) -> tuple[str, int]:
    """Return a string that its length precedes, and where it ends."""
    (length,) = struct.unpack_from("<H", data, at)
    end = at + 2 + 2 * length
    return data[at + 2 : end].decode("utf-16-le", "ignore"), end


def _identifier(control: _Node) -> str:
    return control.data[3::-1].decode("latin-1")


def _levels(data: bytes) -> list[Level]:
    """Return the levels of a numbering: seven, in newer documents ten."""
    levels: list[Level] = []
    at = 0
    for count in (7, 3):
        if at + 12 * count > len(data):
            break
        begin = len(levels)
        for _ in range(count):
            (attributes,) = struct.unpack_from("<I", data, at)
            pattern, at = _string(data, at + 12)
            form = attributes >> 5 & 0xF
            levels.append(Level(pattern, FORMATS[form] if form < len(FORMATS) else FORMATS[0]))
        at += 2 if count == 7 else 0
        for level in levels[begin:]:
            if at + 4 <= len(data):
                (level.start,) = struct.unpack_from("<I", data, at)
                at += 4
    return levels


def _lists(nodes: list[_Node]) -> Iterator[tuple[bool, bytes, list[_Node]]]:
    """Yield whether a list stands before the object's own record, its header's data, and its paragraphs."""
    first, found = True, None
    for node in nodes:
        if node.tag == _LIST_HEADER:
            if found:
                yield found
            found = (first, node.data, [])
        elif found and node.tag == _PARA_HEADER:
            found[2].append(node)
        first = first and node.tag not in (_TABLE, _SHAPE_COMPONENT)
    if found:
        yield found


class _Reader:
    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def read_settings(self, stream: bytes) -> None:
        """Read the numberings, bullets and paragraph shapes."""
        shapes = 0
        for head, start, end in _spans(stream):
            tag, data = head & 0x3FF, stream[start:end]
            if tag == _NUMBERING:
                self._lists.numberings[str(len(self._lists.numberings) + 1)] = _levels(data)
            elif tag == _BULLET:
                bullet = data[12:14].decode("utf-16-le", "ignore")
                self._lists.bullets[str(len(self._lists.bullets) + 1)] = bullet
            elif tag == _PARA_SHAPE:
                (attributes,) = struct.unpack_from("<I", data)
                if kind := attributes >> 23 & 0x3:
                    (named,) = struct.unpack_from("<H", data, 30)
                    level = attributes >> 25 & 0x7
                    self._lists.shapes[str(shapes)] = (_HEADINGS[kind], str(named), level)
                shapes += 1

    def paragraph(self, node: _Node) -> list[str]:
        """Return the lines of a paragraph record with all that is under it."""
        if node.tag != _PARA_HEADER:
            return []
        (shape,) = struct.unpack_from("<H", node.data, 8)
        controls = [child for child in node.children if child.tag == _CTRL_HEADER]
        for control in controls:
            if _identifier(control) == "secd":
                self._lists.outline = str(struct.unpack_from("<H", control.data, 18)[0])
        paragraph = Paragraph(self._lists.mark(str(shape)))
        waiting = iter(controls)
        for child in node.children:
            if child.tag == _PARA_TEXT:
                self._write(child.data, waiting, paragraph)
        for control in waiting:
            self._control(control, paragraph)
        return paragraph.lines()

    def _write(self, data: bytes, controls: Iterator[_Node], paragraph: Paragraph) -> None:
        units = memoryview(data[: len(data) // 2 * 2]).cast("H")
        at = begin = 0
        while at < len(units):
            unit = units[at]
            if unit >= 32:
                at += 1
                continue
            paragraph.write(data[2 * begin : 2 * at].decode("utf-16-le", "ignore"))
            if unit in _SINGLE or 25 <= unit <= 29:
                paragraph.write(_SINGLE.get(unit, ""))
                at += 1
            else:
                if unit == _TAB:
                    paragraph.write(" ")
                elif unit in _WITH_RECORD and (control := next(controls, None)):
                    self._control(control, paragraph)
                at += 8
            begin = at
        paragraph.write(data[2 * begin : 2 * at].decode("utf-16-le", "ignore"))

    def _control(self, control: _Node, paragraph: Paragraph) -> None:
        kind, data = _identifier(control), control.data
        if kind in ("tbl ", "gso "):
            (attributes,) = struct.unpack_from("<I", data, 4)
            lines = self._table(control) if kind == "tbl " else self._shape(control)
            paragraph.place(lines, in_line=bool(attributes & 1))
        elif kind in ("fn  ", "en  "):
            paragraph.place(self._paragraphs_in(control.children), in_line=False)
        elif kind == "atno":
            attributes, number = struct.unpack_from("<IH", data, 4)
            if attributes & 0xF in _NUMBERED_OBJECTS:
                paragraph.write(str(number))
        elif kind == "eqed":
            for child in control.children:
                if child.tag == _EQUATION:
                    paragraph.write(f" {hwp_equation.as_text(_string(child.data, 4)[0])} ")
        elif kind in ("tcps", "tdut"):
            paragraph.write(_string(data, 4)[0])

    def _table(self, control: _Node) -> list[str]:
        rows: dict[int, list[list[str]]] = {}
        for is_caption, data, paragraphs in _lists(control.children):
            if not is_caption:
                (row,) = struct.unpack_from("<H", data, 10)
                rows.setdefault(row, []).append(self._paragraphs_in(paragraphs))
        return self._captioned(table_lines(rows.values()), control)

    def _shape(self, control: _Node) -> list[str]:
        return self._captioned(self._components(control.children), control)

    def _components(self, nodes: list[_Node]) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if node.tag == _TEXT_ART:
                lines.extend(filter(str.strip, _string(node.data, 32)[0].split("\n")))
            elif node.tag == _SHAPE_COMPONENT:
                lines.extend(self._paragraphs_in(node.children))
                lines.extend(self._components(node.children))
        return lines

    def _captioned(self, lines: list[str], control: _Node) -> list[str]:
        for is_caption, data, paragraphs in _lists(control.children):
            if is_caption:
                (side,) = struct.unpack_from("<I", data, 8)
                return captioned(
                    lines, self._paragraphs_in(paragraphs), before=side & 0x3 in (0, 2)
                )
        return lines

    def _paragraphs_in(self, nodes: list[_Node]) -> list[str]:
        return [line for node in nodes for line in self.paragraph(node)]
