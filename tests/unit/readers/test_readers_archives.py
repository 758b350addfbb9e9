"""Archives and compressed files: what is in them is read, and what they pretend is not believed."""

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile

import pytest
import zstandard
from malmoi.readers.files import records_of

TEXT = "본문입니다.\n"


def found(folder, name, data, **source):
    path = folder / name
    path.write_bytes(data)
    return [(where, digest, each) for where, digest, each in records_of(path, name, source)]


def outcome(folder, name, data, **source):
    """Return text or reason by raw path."""
    return {
        where: each.reason.partition(":")[0] or each.text
        for where, _, each in found(folder, name, data, **source)
    }


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def tar_of(members, others=(), form=tarfile.GNU_FORMAT):
    """Return a tar archive of files and of (name, type, link) entries."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind, link in others:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            archive.addfile(info)
    return sink.getvalue()


def zstd_of(data):
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd_of])
def test_tar_in_its_own_order(tmp_path, pack):
    data = tar_of({"나.txt": TEXT.encode("cp949"), "폴더/가.jsonl": b'{"text": "x"}\n' * 2})
    rows = found(tmp_path, "무엇이든", pack(data))
    assert [(where, each.record, each.text) for where, _, each in rows] == [
        ("무엇이든!나.txt", "", TEXT),
        ("무엇이든!폴더/가.jsonl", "line 1", "x"),
        ("무엇이든!폴더/가.jsonl", "line 2", "x"),
    ]


@pytest.mark.parametrize("pack", [gzip.compress, zstd_of])
def test_a_compressed_file_keeps_its_own_path(tmp_path, pack):
    data = pack("text\tlabel\n가, 나\t1\n".encode("cp949"))
    ((where, digest, record),) = found(tmp_path, "표.tsv.gz", data)
    assert (where, record.text, record.record) == ("표.tsv.gz", "가, 나", "line 2")
    ((_, again, titled),) = found(tmp_path, "문서.txt.gz", pack(TEXT.encode()) * 2)
    assert (titled.text, titled.title) == (TEXT * 2, "문서")
    assert len(digest) == len(again) == 64


def test_what_leads_out_of_an_archive_is_refused(tmp_path):
    files = {"ok.txt": b"x", "../up.txt": b"x", "/abs.txt": b"x", "C:/x.txt": b"x"}
    others = [
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard", tarfile.LNKTYPE, "ok.txt"),
        ("device", tarfile.CHRTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("folder", tarfile.DIRTYPE, ""),
    ]
    refused = ("../up.txt", "/abs.txt", "C:/x.txt", "link", "hard", "device", "pipe")
    assert outcome(tmp_path, "a.tar", tar_of(files, others)) == {
        "a.tar!ok.txt": "x",
        **{f"a.tar!{name}": "unsafe_member" for name in refused},
    }
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert outcome(tmp_path, "a.zip", sink.getvalue()) == {"a.zip!link": "unsafe_member"}


def test_korean_names_of_old_systems(tmp_path):
    sink = io.BytesIO()
    with tarfile.open(
        fileobj=sink, mode="w", format=tarfile.GNU_FORMAT, encoding="cp949"
    ) as archive:
        info = tarfile.TarInfo("판결문.txt")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    assert outcome(tmp_path, "a.tar", sink.getvalue()) == {"a.tar!판결문.txt": "x"}


def test_what_ends_too_early(tmp_path):
    noise = random.Random(1).randbytes(3000)
    whole = tar_of({f"{number}.txt": TEXT.encode() * 60 for number in range(5)})
    first = len(tar_of({"0.txt": TEXT.encode() * 60}).rstrip(b"\0")) // 512 * 512 + 512
    cases = {
        "a.txt.gz": gzip.compress(noise)[:-20],
        "b.txt.zst": zstd_of(noise)[:-20],
        "c.txt.gz": gzip.compress(noise) + b"no more of it",
        "d.zip": zip_of({"x.txt": noise})[:-30],
    }
    for name, data in cases.items():
        assert outcome(tmp_path, name, data) == {name: "truncated_or_damaged"}
    # Within a member, between two members, and followed by another archive.
    for data in (whole[:2000], whole[:first], whole + whole):
        rows = outcome(tmp_path, "e.tar", data)
        assert rows.pop("e.tar") == "truncated_or_damaged"
        assert set(rows.values()) == {TEXT * 60}


def test_bombs_end_at_the_budget(tmp_path):
    zeros = b"a\n" * 1_500_000
    lying = zip_of({"x.txt": zeros}).replace(
        len(zeros).to_bytes(4, "little"), (10).to_bytes(4, "little")
    )
    cases = {
        "a.txt.gz": gzip.compress(zeros),
        "b.txt.zst": zstd_of(zeros),
        "c.tar.zst": zstd_of(tar_of({"x.txt": zeros})),
        "d.zip": zip_of({"x.txt": zeros}),
        "e.zip": zip_of({"i.zip": zip_of({"x.txt": zeros})}),
        "f.zip": lying,
    }
    for name, data in cases.items():
        reasons = set(outcome(tmp_path, name, data, max_file_mb=1).values())
        assert reasons == {"truncated_or_damaged" if name == "f.zip" else "too_large"}
    # A tar archive gives what comes before the limit.
    noise = random.Random(1).randbytes(20_000).hex().encode()
    mixed = zstd_of(tar_of({"ok.txt": noise, "x.txt": zeros}))
    rows = outcome(tmp_path, "g.tar.zst", mixed, max_file_mb=1)
    assert rows == {
        "g.tar.zst!ok.txt": noise.decode(),
        "g.tar.zst": "too_large",
    }


def test_entries_that_overlap(tmp_path):
    one = zip_of({"x.txt": b"a\n" * 100_000})
    directory, end = one.find(b"PK\1\2"), one.find(b"PK\5\6")
    entry, count = one[directory:end], 1000

    def archive(entry, count):
        told = min(count, 65_535)
        sizes = (0, 0, told, told, len(entry) * count, directory, 0)
        return one[:directory] + entry * count + b"PK\5\6" + struct.pack("<HHHHIIH", *sizes)

    assert outcome(tmp_path, "a.zip", archive(entry, count), max_file_mb=1) == {
        "a.zip": "too_large"
    }
    # zipfile makes an object of each entry: no more are listed than memory holds.
    many = archive(entry.replace((200_000).to_bytes(4, "little"), bytes(4)), 650_000)
    assert outcome(tmp_path, "b.zip", many) == {"b.zip": "too_large"}


def test_nesting_and_methods_no_reader_unpacks(tmp_path):
    deep = gzip.compress(gzip.compress(gzip.compress(TEXT.encode())))
    assert outcome(tmp_path, "a.gz", deep) == {"a.gz": "unsafe_member"}
    inside = zip_of({"b.tar.gz": gzip.compress(tar_of({"c.txt": b"x"}))})
    assert outcome(tmp_path, "a.zip", inside) == {"a.zip!b.tar.gz!c.txt": "x"}
    lzma = zip_of({"x.txt": TEXT}, zipfile.ZIP_LZMA)
    assert outcome(tmp_path, "a.zip", lzma) == {"a.zip!x.txt": "unsupported_format"}
    for magic in (
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"BZh91AY",
        b"\xfd7zXZ\0",
        b"ALZ\1",
        b"EGGA",
    ):
        assert outcome(tmp_path, "a.zip", magic + bytes(20)) == {"a.zip": "unsupported_format"}


def test_headers_made_to_trouble_tarfile(tmp_path):
    whole = tar_of({"a.txt": TEXT.encode() * 60, "b.txt": b"x"})
    for size in (b"77777777777\0", b"\xff" * 12):
        header = bytearray(whole[:512])
        header[124:136] = size
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        rows = outcome(tmp_path, "a.tar", bytes(header) + whole[512:])
        assert rows == {"a.tar": "truncated_or_damaged"}
    # tarfile itself takes a damaged header, except the first, for the end.
    second = whole.find(b"b.txt")
    rows = outcome(tmp_path, "a.tar", whole[:second] + b"\xff" + whole[second + 1 :])
    assert rows == {"a.tar!a.txt": TEXT * 60, "a.tar": "truncated_or_damaged"}
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.txt")
        info.size, info.pax_headers = 1, {"GNU.sparse.map": "0,1", "GNU.sparse.size": "99999999999"}
        archive.addfile(info, io.BytesIO(b"x"))
    assert outcome(tmp_path, "b.tar", sink.getvalue()) == {"b.tar!a.txt": "unsafe_member"}


def test_an_archive_of_nothing_and_a_pipe_are_accounted_for(tmp_path):
    assert outcome(tmp_path, "a.zip", zip_of({})) == {"a.zip": "empty"}
    assert outcome(tmp_path, "b.tar.gz", gzip.compress(tar_of({}))) == {"b.tar.gz": "empty"}
    os.mkfifo(tmp_path / "pipe")
    ((_, _, record),) = records_of(tmp_path / "pipe", "pipe", {})
    assert record.reason.startswith("unsafe_member")
