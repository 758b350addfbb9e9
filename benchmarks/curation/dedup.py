"""How many planted copies deduplication finds, what it finds beside them, how fast, and in how much memory."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
from malmoi import documents
from malmoi.curate.duplicates import find_duplicates
from malmoi.curate.sections import cut, repeated
from malmoi.fingerprint import shard_of
from malmoi.readers import markdown_text

from benchmarks.curation.corpus_text import body, large_archive, leaflets, markdown_files, texts

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"near": True, "threshold": 0.8}
SHARDS = 4
PLANTED = 500
REPEATS = 3
SIZES = {"50mb": 50_000_000, "500mb": 500_000_000}

#: What a process of its own runs, so that its peak memory is that of one job; it prints kilobytes.
#: The peak of getrusage would be that of the process that started it, where that was larger.
_JOB = """
import json, sys
from malmoi.curate.duplicates import find_duplicates
find_duplicates(**json.load(open(sys.argv[1])))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["VmHWM"].split()[0])
"""


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return recall, precision, speed, memory, and repeated sections before and after."""
    folder = work / "dedup"
    folder.mkdir(exist_ok=True)
    large = large_archive(data, work)
    return {
        **copies_found(data, folder),
        **speed(data, large, folder),
        **memory(large, folder),
        **repeated_sections(data),
    }


def copies_found(data: Path, folder: Path) -> dict[str, float]:
    """Return the recall of planted copies, by how they were changed, and the precision over both.

    Copies of 500 decisions, statutes and leaflets stand among all the others. The originals are no copies of
    something else themselves: of such a one only the cluster's head need be like its copy. A copy is found
    when it is in one cluster with its original. A pair reported is right when it is planted, or when its
    similarity, counted here on sets of strings, is at the threshold.
    """
    draw = random.Random(1)
    corpus = [*texts(data / "legal" / "precedents_md"), *texts(data / "legal" / "statutes_md")]
    corpus += leaflets(data)
    corpus = list({_squeezed(text): text for text in corpus}.values())
    ids = _write(folder / "corpus.parquet", corpus)
    rows = _found(folder, [folder / "corpus.parquet"])
    dropped = {row["doc_id"] for row in rows if row["relation"] != "kept"}
    standing = [place for place, doc_id in enumerate(ids) if doc_id not in dropped]
    originals = draw.sample(standing, PLANTED)
    words = " ".join(draw.sample(corpus, 50)).split()
    values: dict[str, float] = {}
    pairs = right = 0
    for name, change in (
        ("spacing", lambda text: without_spaces(text, draw.uniform(0.05, 0.2), draw)),
        ("edits", lambda text: with_edits(text, 0.02, words, draw)),
    ):
        copies = [change(corpus[place]) for place in originals]
        ids = _write(folder / f"{name}.parquet", [*corpus, *copies])
        text_of = dict(zip(ids, [*corpus, *copies], strict=True))
        planted = {
            frozenset((ids[place], ids[len(corpus) + number]))
            for number, place in enumerate(originals)
        }
        cluster = {}
        for row in _found(folder, [folder / f"{name}.parquet"]):
            cluster[row["doc_id"]] = row["cluster"]
            if row["relation"] != "kept":
                pairs += 1
                one, two = row["doc_id"], row["cluster"]
                right += frozenset((one, two)) in planted or (
                    _jaccard(text_of[one], text_of[two]) >= SETTINGS["threshold"]
                )
        together = sum(
            len({cluster.get(doc_id, doc_id) for doc_id in pair}) == 1 for pair in planted
        )
        values[f"dedup_recall_{name}"] = together / len(planted)
    return {**values, "dedup_precision": right / pairs, "dedup_pairs": pairs}


def without_spaces(text: str, share: float, draw: random.Random) -> str:
    """Return a text with a share of its spaces left out."""
    return "".join(char for char in text if char != " " or draw.random() >= share)


def with_edits(text: str, share: float, words: list[str], draw: random.Random) -> str:
    """Return a text with a share of its words (at least one) replaced, left out or doubled by a new one."""
    edited = text.split(" ")
    for place in draw.sample(range(len(edited)), max(1, round(share * len(edited)))):
        new = draw.choice(words)
        edited[place] = draw.choice([new, "", f"{edited[place]} {new}"])
    return " ".join(edited)


def speed(data: Path, large: Path, folder: Path) -> dict[str, float]:
    """Return megabytes per CPU-second on each part of the corpus, and the slowest of them."""
    values = {}
    for name, part in (
        ("decisions", islice(texts(large / "precedents_md"), 0, None, 3)),
        ("statutes", texts(large / "statutes_md")),
        ("leaflets", leaflets(data)),
    ):
        path = folder / f"{name}.parquet"
        _write(path, part)
        size = sum(len(document["text"].encode()) for document in documents.read([path]))
        times = []
        for _ in range(REPEATS):
            start = time.process_time()
            _found(folder, [path])
            times.append(time.process_time() - start)
        values[f"dedup_mb_per_cpu_s_{name}"] = size / 1e6 / min(times)
    return {**values, "dedup_mb_per_cpu_s": min(values.values())}


def memory(large: Path, folder: Path) -> dict[str, float]:
    """Return the peak of a process that deduplicates 50 MB and 500 MB of texts that are not all copies."""
    peaks = {}
    for name, size in SIZES.items():
        paths = [folder / f"{name}-{shard}.parquet" for shard in range(SHARDS)]
        _write_varied(paths, large, size)
        job = folder / "job.json"
        job.write_text(json.dumps(_arguments(folder, paths), default=str), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _JOB, str(job)],
            env={"PYTHONPATH": str(ROOT / "workflow" / "scripts")},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        peaks[f"dedup_peak_mb_{name}"] = int(done.stdout) / 1024
    return {**peaks, "dedup_peak_mb": max(peaks.values())}


def _write_varied(paths: list[Path], large: Path, size: int) -> None:
    """Write ``size`` bytes of decisions and statutes, each file several times with words changed.

    The first version is the text itself; of the others one in four has 2 % of its words changed, so that it
    is a near-duplicate, and the rest so many that they are documents of their own.
    """
    files = markdown_files(large)
    random.Random(2).shuffle(files)
    total = sum(file.stat().st_size for file in files)
    versions = -(-size // total)
    files = files[: max(1, round(len(files) * size / (versions * total)))]
    wanted = [
        (_id(str(version), file.name), version, file)
        for file in files
        for version in range(versions)
    ]
    for shard, path in enumerate(paths):
        with documents.writing(path) as add:
            for doc_id, version, file in sorted(wanted):
                if shard_of(doc_id, len(paths)) == shard:
                    draw = random.Random(doc_id)
                    text = body(file)
                    if version:
                        share = 0.02 if draw.random() < 0.25 else 0.2
                        text = with_edits(text, share, text.split()[:200], draw)
                    add(_document(doc_id, text))


def repeated_sections(data: Path) -> dict[str, float]:
    """Return the share of decisions whose 판결요지 holds over 60 % of the 판시사항's 8-grams, before and after.

    ``decisions_without_body`` are those that lost their 판례내용 to it: there must be none.
    """
    before = after = both = lost = 0
    for path in markdown_files(data / "legal" / "precedents_md"):
        for record in markdown_text.read(path.read_bytes(), path.name, {}):
            parts = [record.text[start:end].partition("\n")[2] for _, start, end in record.sections]
            removed = repeated(parts, 0.6)
            text, left = cut(record.text, record.sections, removed)
            names = [name for name, _, _ in left]
            given = {name: part for (name, _, _), part in zip(record.sections, parts, strict=True)}
            if not {"판시사항", "판결요지"} <= given.keys():
                continue
            both += 1
            repeats = _contained(given["판시사항"], given["판결요지"]) > 0.6
            before += repeats
            after += repeats and {"판시사항", "판결요지"} <= set(names)
            lost += "판례내용" in given and given["판례내용"] not in text
    return {
        "repeated_sections_before": before / both,
        "repeated_sections_after": after / both,
        "decisions_without_body": lost,
    }


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _grams(text: str) -> set[str]:
    squeezed = _squeezed(text)
    return {squeezed[start : start + 8] for start in range(len(squeezed) - 7)}


def _jaccard(first: str, second: str) -> float:
    ours, theirs = _grams(first), _grams(second)
    return len(ours & theirs) / max(1, len(ours | theirs))


def _contained(part: str, whole: str) -> float:
    grams = _grams(part)
    return len(grams & _grams(whole)) / max(1, len(grams))


def _id(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _document(doc_id: str, text: str) -> dict[str, str]:
    return {**dict.fromkeys(documents.FIELDS, ""), "doc_id": doc_id, "text": text, "meta": "{}"}


def _write(path: Path, given: Iterable[str]) -> list[str]:
    """Write texts as documents sorted by id, and return their ids in the order given."""
    identified = [(_id(str(number)), text) for number, text in enumerate(given)]
    with documents.writing(path) as add:
        for doc_id, text in sorted(identified):
            add(_document(doc_id, text))
    return [doc_id for doc_id, _ in identified]


def _arguments(folder: Path, paths: list[Path]) -> dict:
    return {
        "inputs": paths,
        "settings": SETTINGS,
        "clusters_path": folder / "clusters.parquet",
        "drops_paths": [folder / f"drops-{shard}.parquet" for shard in range(SHARDS)],
        "digest_paths": [folder / f"drops-{shard}.sha256" for shard in range(SHARDS)],
    }


def _found(folder: Path, paths: list[Path]) -> list[dict]:
    arguments = _arguments(folder, paths)
    find_duplicates(**arguments)
    return pq.read_table(arguments["clusters_path"]).to_pylist()
