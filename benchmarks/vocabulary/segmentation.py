"""What the segment stage costs beside bare Kiwi, what its cache saves, and whether its offsets are right."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from kiwipiepy import Kiwi
from malmoi import documents
from malmoi.morphology import analyzer
from malmoi.morphology.blocks import blocks
from malmoi.morphology.dictionary import built_in
from malmoi.morphology.segments import segment_documents
from malmoi.morphology.spacing import has_spaced_syllables, lacks_spaces, repaired_blocks

from benchmarks.vocabulary import corpus

#: The configuration's defaults, which the corpus was segmented by.
SETTINGS = {"terms": ["legal", "medical"], "patterns": True, "spacing": "none", "input": "raw"}
#: Megabytes of documents that speed is measured on, and how often.
SPEED_MB = 2.5
REPEATS = 3
WORKERS = 2
#: Real paragraphs that are robbed of their spaces.
PARAGRAPHS = 400

_STAGE = """
import json, sys
from benchmarks.peak import peak_mb
from malmoi.morphology.segments import segment_documents
arguments = json.loads(sys.argv[1])
counts = segment_documents(**arguments)
print(json.dumps({"blocks": counts.blocks, "analysed": counts.analysed, "peak_mb": peak_mb()}))
"""


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the figures of segmentation on the corpus of decisions, statutes and medical text."""
    files = corpus.segments(data, work)
    results = files[0].parents[1]
    folder = work / "segmentation"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    curated = [results / "curated" / path.name for path in files]
    cache = results / "cache" / "segment" / f"{files[0].stem}.arrow"
    return {
        **rebuilt(files[:1]),
        **speed(_sample(curated[0], folder / "sample.parquet"), folder),
        **edited(curated[0], curated[1], cache, folder),
        **spacing(curated[0]),
    }


def rebuilt(paths: Sequence[Path]) -> dict[str, float]:
    """Rebuild each text from its pieces and the gaps between them, which must be white space."""
    checked = wrong = 0
    columns = ["text", "morpheme_starts", "morpheme_ends"]
    for table in (table for path in paths for table in documents.batches(path, columns)):
        for row in table.to_pylist():
            text, position, parts = row["text"], 0, []
            for start, end in zip(row["morpheme_starts"], row["morpheme_ends"], strict=True):
                gap, piece = text[position:start], text[start:end]
                wrong += (
                    bool(gap.strip()) or not piece or start < position or piece != piece.strip()
                )
                parts += [gap, piece]
                position = end
            rest = text[position:]
            if rest.strip() or "".join(parts) + rest != text:
                wrong += len(row["morpheme_starts"])
            checked += len(row["morpheme_starts"])
    return {"pieces_checked": checked, "pieces_wrong": wrong}


def speed(source: Path, folder: Path) -> dict[str, float]:
    """Compare the stage with bare Kiwi on the same lines: wall-clock and CPU time, median of ratios.

    Loading is left out on both sides; bare Kiwi has no dictionary.
    """
    texts = [document["text"] for document in documents.read([source])]
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    bare = analyzer.load_analyzer(WORKERS)
    loaded = analyzer.load_analyzer(WORKERS, built_in(SETTINGS["terms"], SETTINGS["patterns"]))
    for kiwi in (bare, loaded):
        deque(kiwi.tokenize(lines[:20]), maxlen=0)

    def stage(name: str, fresh: bool, kiwi: Kiwi = loaded) -> Path:
        if fresh:
            (folder / f"{name}.cache").unlink(missing_ok=True)
        with mock.patch.object(analyzer, "load_analyzer", lambda workers, dictionary: kiwi):
            segment_documents(**_arguments(source, folder, name))
        return folder / f"{name}.parquet"

    times: dict[str, list[tuple[float, float]]] = {"bare": [], "stage": [], "cached": []}
    for _ in range(REPEATS):
        times["bare"].append(_timed(lambda: deque(bare.tokenize(lines), maxlen=0)))
        times["stage"].append(_timed(lambda: stage("stage", fresh=True)))
        times["cached"].append(_timed(lambda: stage("stage", fresh=False)))

    def ratio(name: str, clock: int) -> float:
        pairs = zip(times["bare"], times[name], strict=True)
        return round(statistics.median(kiwi[clock] / other[clock] for kiwi, other in pairs), 3)

    dictionary = built_in(SETTINGS["terms"], SETTINGS["patterns"])
    alone = stage("one", True, analyzer.load_analyzer(1, dictionary))
    size = sum(len(line.encode()) for line in lines) / 1e6
    same = alone.read_bytes() == (folder / "stage.parquet").read_bytes()
    return {
        "segment_vs_kiwi": ratio("stage", 0),
        "segment_vs_kiwi_cpu": ratio("stage", 1),
        "segment_cached_vs_kiwi": ratio("cached", 0),
        "segment_mb_per_cpu_s": round(size / min(cpu for _, cpu in times["stage"]), 3),
        "segment_same_bytes_1_2_workers": int(same),
    }


def edited(source: Path, other: Path, cache: Path, folder: Path) -> dict[str, float]:
    """Edit 1 % of a shard's documents, half of them a paragraph and half of them whole, and segment again."""
    rows = list(documents.read([source]))
    fresh = documents.read([other])
    chosen = random.Random(0).sample(range(len(rows)), max(2, len(rows) // 100))
    for place, number in enumerate(chosen):
        row = rows[number]
        if place % 2:
            row["text"] = next(fresh)["text"]
        else:
            lines = row["text"].split("\n")
            lines[len(lines) // 2] += " 이 문장은 나중에 더하였다."
            row["text"] = "\n".join(lines)
    schema = pq.read_schema(source)
    path = folder / "edited_documents.parquet"
    with documents.writing(path, schema) as write:
        for row in rows:
            write(row)
    if cache.is_file():
        shutil.copyfile(cache, folder / "edited.cache")
    else:
        segment_documents(**_arguments(source, folder, "edited"))
    said = subprocess.run(
        [sys.executable, "-c", _STAGE, json.dumps(_arguments(path, folder, "edited"), default=str)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found = json.loads(said)
    return {
        "reanalysed_after_1_percent": round(found["analysed"] / found["blocks"], 5),
        "segment_peak_mb": round(found["peak_mb"]),
    }


def spacing(source: Path) -> dict[str, float]:
    """Count real blocks that are taken for broken, and the spaces found again where all were removed."""
    distinct = {
        text[start:end]: None
        for document in documents.read([source])
        for text in [document["text"]]
        for start, end in blocks(text)
    }
    flagged = [block for block in distinct if lacks_spaces(block) or has_spaced_syllables(block)]
    paragraphs = [block for block in distinct if block.count(" ") >= 9 and block.endswith("다.")]
    paragraphs = random.Random(0).sample(paragraphs, PARAGRAPHS)
    robbed = [block.replace(" ", "") for block in paragraphs]
    seen = [place for place, block in enumerate(robbed) if lacks_spaces(block)]
    repaired = repaired_blocks(analyzer.load_analyzer(WORKERS), [robbed[place] for place in seen])
    right = wanted = made = 0
    for place, block in zip(seen, repaired, strict=True):
        true, found = set(_spaces(paragraphs[place])), set(_spaces(block))
        right, wanted, made = right + len(true & found), wanted + len(true), made + len(found)
    return {
        "spacing_false_alarms": round(len(flagged) / len(distinct), 6),
        "spacing_noticed": round(len(seen) / len(robbed), 4),
        "spacing_recovered": round(right / wanted, 4),
        "spacing_precision": round(right / made, 4),
    }


def _spaces(block: str) -> Iterator[int]:
    """Yield how many characters stand before each space, spaces aside."""
    characters = 0
    for character in block:
        if character.isspace():
            yield characters
        else:
            characters += 1


def _sample(source: Path, path: Path) -> Path:
    """Write documents from all over a file, ``SPEED_MB`` of text in all."""
    table = pq.read_table(source)
    order = random.Random(0).sample(range(len(table)), len(table))
    sizes = [len(text.encode()) for text in table["text"].to_pylist()]
    chosen, size = [], 0
    for place in order:
        # One document of megabytes would make the sample one of its kind.
        if sizes[place] < 200_000:
            chosen.append(place)
            size += sizes[place]
        if size >= SPEED_MB * 1e6:
            break
    pq.write_table(table.take(pa.array(sorted(chosen))), path, row_group_size=256)
    return path


def _arguments(source: Path, folder: Path, name: str) -> dict[str, object]:
    return {
        "input_path": source,
        "settings": SETTINGS,
        "dictionaries": [],
        "cache_path": folder / f"{name}.cache",
        "workers": WORKERS,
        "output_path": folder / f"{name}.parquet",
        "changes_path": folder / f"{name}.changes.parquet",
        "ledger_path": folder / f"{name}.ledger.parquet",
    }


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = perf_counter(), process_time()
    work()
    return perf_counter() - wall, process_time() - cpu
