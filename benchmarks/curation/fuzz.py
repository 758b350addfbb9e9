"""Give the readers 2,000 damaged files of every format and see that each is accounted for.

The seeds are small whole files: made here, or the sample's own HWPX and PDF, or HWP 5 of the real documents.
A mutation changes bytes anywhere (flips, cuts, splices, repeats, length fields), gives a file another name
or format, or goes inside: a zip's member, a compressed stream or a stream of HWP 5 is changed and packed
again, so that the damage reaches the reader behind the checksum.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import random
import shutil
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import olefile
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from malmoi import documents, ledger
from malmoi.readers.files import READERS
from malmoi.readers.ingest import ingest

INPUTS = 2_000
#: Of them, those read as a format their source sets, whatever they are.
FORCED = 30

SAMPLE = Path(__file__).resolve().parents[2] / "sample" / "raw"

_PROSE = (
    "제1조(목적) 이 규정은 솔내병원의 진료기록을 보관하는 데 필요한 사항을 정함을 목적으로 한다.\n"
    "제2조(정의) ① 이 규정에서 쓰는 말의 뜻은 다음과 같다.\n  1. “기록”이란 의사가 적은 것을 말한다.\n"
    "【주    문】\n피고는 원고에게 1,200,000원을 지급하라. 소송비용은 피고가 부담한다.\n"
)
_ROWS = [
    {"text": _PROSE, "title": "보관 규정", "group": "2031가단1", "date": "2031-02-03"},
    {
        "text": "하루 세 번 한 알을 먹는다. <b>주의</b>: 졸음이 온다.",
        "title": "복약",
        "n": [1, {"a": None}],
    },
]

#: Bytes that length fields and counts are set to.
_LENGTHS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000)

Mutation = Callable[[bytes, random.Random], bytes]


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return how many mutated files the readers were given, and how many are in neither output.

    An input is unaccounted for if no ledger row bears its name, if a kept row has no document or a document
    no row, or if the run it was part of raised.
    """
    folder = work / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    seeds = _seeds(data)
    names = sorted(seeds)
    choose = random.Random(20)
    forced = [name for name in READERS for _ in range(FORCED)]
    formats = ["auto"] * (INPUTS - len(forced)) + forced
    batches: dict[str, list[Path]] = {}
    for number, format_name in enumerate(formats):
        name = names[number % len(names)]
        other = seeds[choose.choice(names)]
        content, ending = _mutated(seeds[name], other, Path(name).suffix, names, choose)
        path = folder / "raw" / f"{number:04d}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # Small runs, so that one that raised would not hide what the others do.
        batches.setdefault(f"{format_name}-{number // 100}", []).append(path)
    outcomes: Counter[str] = Counter()
    unaccounted = 0
    # The readers' traces of what they caught are theirs to log.
    logging.getLogger("malmoi").setLevel(logging.CRITICAL)
    try:
        for batch, paths in batches.items():
            unaccounted += _read(batch, paths, folder, outcomes)
    finally:
        logging.getLogger("malmoi").setLevel(logging.INFO)
    for reason, count in sorted(outcomes.items()):
        print(f"fuzz: {count} {reason}", flush=True)
    stopped = sum(outcomes[reason] for reason in ("crashed", "too_slow", "too_much_memory"))
    return {
        "fuzz_inputs": float(len(formats)),
        "fuzz_unaccounted": float(unaccounted),
        "fuzz_documents": float(outcomes["kept"]),
        "fuzz_quarantined": float(sum(outcomes.values()) - outcomes["kept"]),
        "fuzz_stopped": float(stopped),
    }


def _read(batch: str, paths: list[Path], folder: Path, outcomes: Counter[str]) -> int:
    """Read files as one job does, count what came of them, and return how many are not accounted for."""
    source = {
        "name": "fuzz",
        "domain": "legal",
        "format": batch.partition("-")[0],
        "max_file_mb": 16,
        "max_file_seconds": 20,
        "max_file_memory_mb": 500,
    }
    out = folder / "out"
    shards = [out / "0.parquet", out / "1.parquet"]
    digests = [path.with_suffix(".sha256") for path in shards]
    try:
        ingest(source, paths, folder / "raw", (), shards, digests, out / "ledger.parquet")
    except Exception as error:
        print(f"fuzz: {batch} raised {type(error).__name__}: {error}", flush=True)
        return len(paths)
    rows = ledger.read([out / "ledger.parquet"]).to_pylist()
    kept = {row["doc_id"] for row in rows if row["status"] == "kept"}
    found = {each["doc_id"]: each["raw_path"] for each in documents.read(shards)}
    for row in rows:
        outcomes["kept" if row["status"] == "kept" else row["reason"].partition(":")[0]] += 1
    told = {row["raw_path"].partition("!")[0] for row in rows}
    astray = {row["raw_path"] for row in rows if row["doc_id"] in kept - found.keys()}
    astray |= {path for doc_id, path in found.items() if doc_id not in kept}
    missing = {path.name for path in paths} - told
    for name in sorted(missing | astray):
        print(f"fuzz: {name} is not accounted for", flush=True)
    return len(missing | {name.partition("!")[0] for name in astray})


# Seeds ----------------------------------------------------------------------------------------------


def _seeds(data: Path) -> dict[str, bytes]:
    """Return whole files by a name whose ending tells their format."""
    statute = (
        "<법령><기본정보><법령ID>1</법령ID><법령명_한글><![CDATA[규정]]></법령명_한글></기본정보><조문>"
        "<조문단위><조문내용>제1조(목적)</조문내용><항><항내용><![CDATA[① 다음과 같다.]]></항내용>"
        "<호><호내용>1. 가</호내용></호></항></조문단위></조문></법령>"
    )
    decision = (
        '<?xml version="1.0" encoding="UTF-8"?><PrecService><사건명>손해배상</사건명><사건번호>2031나1'
        f"</사건번호><판시사항>쟁점</판시사항><판례내용><![CDATA[{_PROSE}<br/>끝]]></판례내용></PrecService>"
    )
    label = (
        '<DOC title="주의사항"><SECTION title=""><ARTICLE title="1. 경고"><PARAGRAPH><![CDATA[<table><tr>'
        "<td>빈도</td><td>반응 10<sup>9</sup></td></tr></table>]]></PARAGRAPH></ARTICLE></SECTION></DOC>"
    )
    product = {"ITEM_SEQ": "1", "ITEM_NAME": "하나정", "NB_DOC_DATA": label, "EE_DOC_DATA": "두통"}
    page = (
        f"<!doctype html><html><head><title>안내</title></head><body><nav>메뉴</nav><h1>안내</h1><p>{_PROSE}"
        "</p><table><tr><td>가</td><td>나</td></tr></table></body></html>"
    )
    markdown = f"---\n사건번호: 2031가합1\n제목: 판결\n---\n# 판결\n\n## 주문\n\n**{_PROSE}**\n|a|b|\n|--|--|\n"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _ROWS)
    table = "title,text\n가,둘째 줄\n" + '나,"셋째, ""줄"""\n' * 5
    seeds = {
        "utf8.txt": _PROSE.encode(),
        "marked.txt": _PROSE.encode("utf-8-sig"),
        "cp949.txt": _PROSE.encode("cp949", "replace"),
        "johab.txt": _PROSE.encode("johab", "replace"),
        "little.txt": _PROSE.encode("utf-16-le"),
        "big.txt": _PROSE.encode("utf-16"),
        "decision.md": markdown.encode(),
        "page.html": page.encode(),
        "list.json": json.dumps(_ROWS).encode(),
        "drug.json": json.dumps({"body": {"items": [product]}}, ensure_ascii=False).encode(),
        "lines.jsonl": lines.encode(),
        "table.csv": table.encode("cp949"),
        "table.tsv": table.replace(",", "\t").encode(),
        "statute.xml": statute.encode(),
        "decision.xml": decision.encode(),
        "label.xml": label.encode("cp949"),
        "book.xlsx": _workbook(),
        "rows.parquet": _parquet(),
    }
    seeds["files.zip"] = _zip({"안/글.txt": seeds["cp949.txt"], "표.csv": seeds["table.csv"]})
    seeds["nested.zip"] = _zip({"안.zip": seeds["files.zip"], "쪽.html": seeds["page.html"]})
    seeds["files.tar"] = _tar({"글.txt": seeds["utf8.txt"], "줄.jsonl": seeds["lines.jsonl"]})
    seeds["files.tar.gz"] = gzip.compress(seeds["files.tar"], mtime=0)
    seeds["files.tar.zst"] = zstandard.ZstdCompressor().compress(seeds["files.tar"])
    seeds["lines.jsonl.gz"] = gzip.compress(seeds["lines.jsonl"], mtime=0)
    seeds["page.html.zst"] = zstandard.ZstdCompressor().compress(seeds["page.html"])
    for pattern, most in (("*.hwpx", 3), ("*.pdf", 3)):
        whole = [path for path in SAMPLE.rglob(pattern) if "broken" not in path.parts]
        for path in sorted(whole, key=lambda each: each.stat().st_size)[:most]:
            seeds[f"sample_{path.stem}{path.suffix}"] = path.read_bytes()
    for path in sorted((data / "documents").rglob("*.hwp"), key=lambda each: each.stat().st_size)[
        :4
    ]:
        seeds[f"real_{path.stem}.hwp"] = path.read_bytes()
    return seeds


def _zip(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return sink.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def _parquet() -> bytes:
    sink = io.BytesIO()
    columns = {name: [row.get(name) for row in _ROWS] * 20 for name in ("text", "title", "date")}
    pq.write_table(pa.table(columns), sink, row_group_size=10)
    return sink.getvalue()


def _workbook() -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    rows = "".join(
        f'<row r="{number}"><c r="A{number}" t="s"><v>{number % 2}</v></c><c><v>{number}</v></c></row>'
        for number in range(1, 9)
    )
    relation = '<Relationship Id="{}" Type="' + office + '/{}" Target="{}"/>'
    return _zip(
        {
            "[Content_Types].xml": b"<Types/>",
            "_rels/.rels": f'<Relationships xmlns="{package}">'
            f"{relation.format('a', 'officeDocument', 'xl/workbook.xml')}</Relationships>".encode(),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="시트" sheetId="1" r:id="a"/></sheets></workbook>'.encode(),
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">'
            f"{relation.format('a', 'worksheet', 'worksheets/sheet1.xml')}"
            f"{relation.format('b', 'sharedStrings', 'sharedStrings.xml')}</Relationships>".encode(),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">'
            f"<sheetData>{rows}</sheetData></worksheet>".encode(),
            "xl/sharedStrings.xml": f'<sst xmlns="{main}">'
            f"<si><t>text</t></si><si><t>{_PROSE}</t></si></sst>".encode(),
        }
    )


# Mutations ------------------------------------------------------------------------------------------


def _mutated(
    seed: bytes, other: bytes, ending: str, names: Iterable[str], choose: random.Random
) -> tuple[bytes, str]:
    """Return a seed changed once to three times, and the ending of its name."""
    content = seed
    if choose.random() < 0.1:
        ending = Path(choose.choice(list(names))).suffix
    # First, while nothing is damaged that stands in the way.
    if choose.random() < 0.4:
        content = _inside(content, choose)
    for _ in range(choose.randint(0 if content != seed else 1, 2)):
        if choose.random() < 0.15:
            content = _splice(content, other, choose)
        else:
            content = choose.choice(_MUTATIONS)(content, choose)
    return content[:8_000_000], ending


def _flip(content: bytes, choose: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(choose.choice((1, 3, 20))):
        if changed:
            changed[choose.randrange(len(changed))] ^= 1 << choose.randrange(8)
    return bytes(changed)


def _cut(content: bytes, choose: random.Random) -> bytes:
    return content[: choose.randrange(len(content) + 1)]


def _remove(content: bytes, choose: random.Random) -> bytes:
    start, end = _range(content, choose)
    return content[:start] + content[end:]


def _repeat(content: bytes, choose: random.Random) -> bytes:
    start, end = _range(content, choose)
    return content[:end] + content[start:end] * choose.choice((1, 7, 200)) + content[end:]


def _blank(content: bytes, choose: random.Random) -> bytes:
    start, end = _range(content, choose)
    return content[:start] + choose.choice((b"\0", b"\xff", b" ")) * (end - start) + content[end:]


def _insert(content: bytes, choose: random.Random) -> bytes:
    start = choose.randrange(len(content) + 1)
    return content[:start] + choose.randbytes(choose.choice((1, 16, 500))) + content[start:]


def _length(content: bytes, choose: random.Random) -> bytes:
    """Set a number of two, four or eight bytes somewhere, or one that stands in digits."""
    size = choose.choice((2, 4, 4, 8))
    start = choose.randrange(max(1, len(content) - size))
    value = choose.choice(_LENGTHS) % (1 << 8 * size)
    if choose.random() < 0.2:
        return content[:start] + b"%d" % value + content[start + size :]
    order = choose.choice(("little", "big"))
    return content[:start] + value.to_bytes(size, order) + content[start + size :]


def _splice(content: bytes, other: bytes, choose: random.Random) -> bytes:
    start, end = _range(other, choose)
    place = choose.randrange(len(content) + 1)
    kept = choose.choice((place, min(len(content), place + end - start)))
    return content[:place] + other[start:end] + content[kept:]


def _range(content: bytes, choose: random.Random) -> tuple[int, int]:
    start = choose.randrange(len(content) + 1)
    return start, min(len(content), start + choose.choice((1, 30, 2_000, 50_000)))


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _cut, _remove, _repeat, _blank, _insert, _length)


def _inside(content: bytes, choose: random.Random) -> bytes:
    """Return a file with one of its packed parts changed; one without any as it is."""
    mutate = choose.choice(_MUTATIONS)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        name = choose.choice(sorted(members))
        return _zip(members | {name: mutate(members[name], choose)})
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(mutate(gzip.decompress(content), choose), mtime=0)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        whole = zstandard.ZstdDecompressor().decompress(content)
        return zstandard.ZstdCompressor().compress(mutate(whole, choose))
    if content.startswith(olefile.MAGIC):
        return _inside_hwp(content, mutate, choose)
    return content


def _inside_hwp(content: bytes, mutate: Mutation, choose: random.Random) -> bytes:
    """Return HWP 5 with one stream changed, if packed again it fits into the sectors it had."""
    sink = io.BytesIO(content)
    with olefile.OleFileIO(sink, write_mode=True) as file:
        name = choose.choice(file.listdir())
        stream = file.openstream(name).read()
        try:
            engine = zlib.decompressobj(-15)
            packed = zlib.compressobj(9, wbits=-15)
            changed = mutate(engine.decompress(stream) + engine.flush(), choose)
            changed = packed.compress(changed) + packed.flush()
        except zlib.error:
            changed = mutate(stream, choose)
        if len(changed) > len(stream):
            return content
        file.write_stream(name, changed.ljust(len(stream), b"\0"))
    return sink.getvalue()
