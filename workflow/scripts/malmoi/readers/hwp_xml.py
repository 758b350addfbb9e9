"""HWPX: the XML parts of the document in their zip, by the convention in ``hwp``."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from lxml import etree

from malmoi.readers import hwp_equation
from malmoi.readers.hwp_text import Level, Lists, Paragraph, captioned
from malmoi.readers.record import ReadError, table_lines

_SECTION = re.compile(r"Contents/section(\d+)\.xml")
#: Elements of a text run's ``hp:t`` that stand for a character.
_CHARACTERS = {"tab": " ", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}
_NUMBERED_OBJECTS = ("PICTURE", "TABLE", "EQUATION")


def read_lines(data: bytes) -> tuple[list[str], int]:
    """Return the lines of the document's text and the number of files, mostly images, it carries.

    Raises:
        ReadError: ``locked`` or ``truncated_or_damaged``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if _locked(archive):
                raise ReadError("locked", "the parts of the document are encrypted")
            sections = sorted(
                (int(match[1]), name) for name in names if (match := _SECTION.fullmatch(name))
            )
            reader = _Reader(Lists())
            if "Contents/header.xml" in names:
                with archive.open("Contents/header.xml") as part:
                    reader.read_header(part)
            lines: list[str] = []
            for _, name in sections:
                with archive.open(name) as part:
                    lines.extend(reader.section(part))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OSError,
        RuntimeError,
        etree.LxmlError,
    ) as error:
        if isinstance(error, RecursionError):
            raise
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    return lines, sum(name.startswith("BinData/") for name in names)


def _locked(archive: zipfile.ZipFile) -> bool:
    if any(info.flag_bits & 0x1 for info in archive.infolist()):
        return True
    if "META-INF/manifest.xml" not in archive.namelist():
        return False
    with archive.open("META-INF/manifest.xml") as manifest:
        return any(_name(part) == "encryption-data" for part in _elements(manifest, "{*}*"))


def _elements(part: IO[bytes], tag: str) -> Iterator[etree._Element]:
    """Yield the elements of a tag as each is complete; entities, were there any, are not looked up."""
    checked = False
    for _, element in etree.iterparse(
        part, tag=tag, resolve_entities=False, no_network=True, load_dtd=False
    ):
        if not checked and element.getroottree().docinfo.doctype:
            raise ReadError("unsafe_member", "a part of the document has a DOCTYPE")
        checked = True
        yield element


def _name(element: etree._Element) -> str:
    # Comments and processing instructions have a function in place of a name.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if _name(child) == name), None)


class _Reader:
    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def read_header(self, part: IO[bytes]) -> None:
        """Read the numberings, bullets and paragraph shapes."""
        for element in _elements(part, "{*}*"):
            name, key = _name(element), element.get("id", "")
            if name == "numbering":
                heads = [child for child in element if _name(child) == "paraHead"]
                self._lists.numberings[key] = [
                    Level(
                        pattern="".join(head.itertext()),
                        form=head.get("numFormat", "DIGIT"),
                        start=int(head.get("start", "1")),
                    )
                    for head in heads
                ]
            elif name == "bullet":
                self._lists.bullets[key] = element.get("char", "")
            elif name == "paraPr":
                heading = _child(element, "heading")
                if heading is not None and heading.get("type", "NONE") != "NONE":
                    self._lists.shapes[key] = (
                        heading.get("type", ""),
                        heading.get("idRef", ""),
                        int(heading.get("level", "0")),
                    )

    def section(self, part: IO[bytes]) -> Iterator[str]:
        """Yield the lines of a section, holding one paragraph of its body at a time."""
        for element in _elements(part, "{*}p"):
            parent = element.getparent()
            if parent is not None and parent.getparent() is None:
                yield from self._paragraph(element)
                element.clear()
                while element.getprevious() is not None:
                    del parent[0]

    def _paragraph(self, element: etree._Element) -> list[str]:
        for settings in element.iterchildren("{*}run"):
            if (section := _child(settings, "secPr")) is not None:
                self._lists.outline = section.get("outlineShapeIDRef", "")
        paragraph = Paragraph(self._lists.mark(element.get("paraPrIDRef", "")))
        for run in element:
            for child in run:
                self._add(child, paragraph)
        return paragraph.lines()

    def _add(self, element: etree._Element, paragraph: Paragraph) -> None:
        name = _name(element)
        if name == "t":
            paragraph.write(element.text or "")
            for child in element:
                paragraph.write(_CHARACTERS.get(_name(child), "") + (child.tail or ""))
        elif name in ("ctrl", "switch"):
            # A switch offers newer and older forms of one object; every reader knows the default.
            default = _child(element, "default") if name == "switch" else element
            for child in default if default is not None else ():
                self._add(child, paragraph)
        elif name in ("footNote", "endNote"):
            paragraph.place(self._paragraphs_in(element), in_line=False)
        elif name == "autoNum" and element.get("numType") in _NUMBERED_OBJECTS:
            paragraph.write(element.get("num", ""))
        elif name == "equation":
            script = _child(element, "script")
            paragraph.write(
                f" {hwp_equation.as_text((script.text if script is not None else '') or '')} "
            )
        elif name == "compose":
            paragraph.write(element.get("composeText", ""))
        elif name == "dutmal":
            main = _child(element, "mainText")
            paragraph.write((main.text if main is not None else "") or "")
        elif _is_object(element):
            paragraph.place(self._object(element), in_line=_in_line(element))

    def _object(self, element: etree._Element) -> list[str]:
        """Return the lines of a table or a shape, of what is in it, and of its caption."""
        if _name(element) == "tbl":
            rows = (row for row in element if _name(row) == "tr")
            lines = table_lines(
                [self._paragraphs_in(cell) for cell in row if _name(cell) == "tc"] for row in rows
            )
        else:
            lines = [element.get("text", "")] if element.get("text", "").strip() else []
            for child in element:
                if _name(child) == "drawText":
                    lines.extend(self._paragraphs_in(child))
                elif _is_object(child):
                    lines.extend(self._object(child))
        caption = _child(element, "caption")
        if caption is None:
            return lines
        before = caption.get("side", "") in ("LEFT", "TOP")
        return captioned(lines, self._paragraphs_in(caption), before)

    def _paragraphs_in(self, element: etree._Element) -> list[str]:
        return [
            line
            for part in element
            if _name(part) == "subList"
            for child in part
            if _name(child) == "p"
            for line in self._paragraph(child)
        ]


def _is_object(element: etree._Element) -> bool:
    # Whatever is drawn has a size: its own, or, within a group, the one before it was grouped.
    return _name(element) == "tbl" or any(_name(child) in ("sz", "orgSz") for child in element)


def _in_line(element: etree._Element) -> bool:
    position = _child(element, "pos")
    return position is not None and position.get("treatAsChar") == "1"
