"""A gigabyte of raw text up to the instances, beside bare Kiwi and beside 50 MB."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import pandas as pd
import yaml
from malmoi.atomic import write_text
from malmoi.morphology.analyzer import load_analyzer

from benchmarks import workflow
from benchmarks.curation.corpus_text import large_archive
from benchmarks.scale import corpus, usage

#: Bytes of text of both runs, by what the names of their figures end in.
SIZES: Mapping[str, int] = {"50mb": 50_000_000, "1gb": 1_000_000_000}
#: Bytes of text in a shard, at most.
SHARD = 100_000_000
CORES = 2
#: Runs of Snakemake that a corpus is segmented in, at most, with bare Kiwi between them: where others share the
#: machine, the same work takes a third more at one time than at another.
PORTIONS = 5
#: Bare Kiwi reads one document in so many of the larger corpus each time, others every time.
EVERY = 180

#: What stages 1 to 7 end with; all else of them is made on the way.
TARGETS = (
    "results/curation/sources.csv",
    "results/vocabulary/measures.csv",
    "results/instances/l128/manifest.json",
    "results/instances/l512/manifest.json",
    "results/ledger_summary.csv",
)
#: Scripts in the order of the stages.
STAGES = (
    *("ingest", "digest_shards", "normalize", "filter_documents", "find_duplicates"),
    *("split_documents", "segment", "learn_vocabulary", "report_vocabulary"),
    *("tokenize_documents", "build_instances", "instances_manifest", "sum_ledger"),
    "report_curation",
)

_SEGMENTED = re.compile(r"segment: \d+ documents, (\d+) blocks, (\d+) analysed")


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return what stages 1 to 7 take at both sizes, by stage too, and what bare Kiwi takes.

    Needs an hour and a half on two cores and about 15 GB of disk. What was finished is kept in ``work`` and not
    measured again; a run that was cut off goes on, and what it took until then counts.
    """
    return measure_sizes(large_archive(data, work), work / "one_gigabyte", SIZES, SHARD, EVERY)


def measure_sizes(
    large: Path, work: Path, sizes: Mapping[str, int], shard: int, every: int
) -> dict[str, float]:
    """Do the same for a smaller and a larger size in bytes, by what the names of their figures end in."""
    small, big = sizes
    made = {name: corpus.make(work / name / "raw", large, size) for name, size in sizes.items()}
    shards = {name: math.ceil(size / shard) for name, size in sizes.items()}
    total = sum(len(portions(number)) for number in shards.values()) + 1
    bare: list[Bare] = []

    def sample() -> None:
        texts = corpus.read(work / big / "raw", every, len(bare) * every // total)
        bare.append(bare_kiwi(work / f"kiwi-{len(bare)}.json", texts))

    sample()
    runs: dict[str, usage.Usage] = {}
    values: dict[str, float] = {}
    for name in sizes:
        for number, targets in enumerate(portions(shards[name])):
            run(work / name, number, targets, shards[name])
            sample()
        runs[name] = usage.read((work / name / "usage").glob("*.json"))
        values |= run_figures(name, made[name], runs[name], work / name / "results")
    rates = [part.cpu_seconds / part.characters for part in bare]
    read = sum(part.characters for part in bare)
    kiwi = sum(part.cpu_seconds for part in bare) / read * made[big].characters
    kept = kiwi * values[f"kept_share_{big}"]
    spent = runs[big].cpu_seconds
    growth = math.log(spent / runs[small].cpu_seconds, made[big].bytes / made[small].bytes)
    return values | {
        "kiwi_samples": len(bare),
        "kiwi_sample_share": round(read / made[big].characters, 4),
        "kiwi_slowest_vs_fastest": round(max(rates) / min(rates), 4),
        f"kiwi_cpu_seconds_{big}": round(kiwi, 1),
        f"cpu_vs_kiwi_{big}": round(spent / kiwi, 4),
        f"cpu_vs_kiwi_on_kept_{big}": round(spent / kept, 4),
        "growth_exponent": round(growth, 4),
    }


def portions(shards: int) -> list[Sequence[str]]:
    """Return what each run of Snakemake makes: the segments of some shards, and all the rest in the last."""
    segments = [f"results/segments/{number:04d}.parquet" for number in range(shards)]
    each = math.ceil(shards / PORTIONS)
    return [*(segments[start : start + each] for start in range(0, shards, each)), TARGETS]


def run(folder: Path, number: int, targets: Sequence[str], shards: int) -> None:
    """Run the workflow on the documents of ``folder``/raw up to the targets, or the rest of that.

    What it takes is in ``folder``/usage, a file for each time it was started.
    """
    reports = folder / "usage"
    done = reports / f"{number}.done"
    if not done.is_file():
        reports.mkdir(exist_ok=True)
        report = reports / f"{len(list(reports.glob('*.json'))):04d}.json"
        through = [sys.executable, usage.__file__, str(report)]
        workflow.run(config(folder / "raw", shards), folder, targets, CORES, through)
        done.touch()


def config(raw: Path, shards: int) -> dict[str, object]:
    """Return the repository's own configuration with these documents as its only source."""
    settings = yaml.safe_load((workflow.ROOT / "config.yaml").read_text(encoding="utf-8"))
    source = {
        **{"name": "archive", "path": str(raw), "pattern": "*.tar.zst", "domain": "legal"},
        **{"license": "Korean Copyright Act, Art. 7", "batches": shards},
        "fields": {"title": "사건명", "date": "선고일자", "group": "사건번호", "label": "사건종류"},
    }
    return settings | {"corpus": {"shards": shards, "sources": [source]}}


def run_figures(
    name: str, made: corpus.Size, taken: usage.Usage, results: Path
) -> dict[str, float]:
    """Return the figures of one run, each under a name that ends in ``name``."""
    ledger = pd.read_csv(results / "ledger_summary.csv", keep_default_na=False)
    segmented = ledger.loc[ledger["stage"] == "segment", "chars_in"].sum()
    tokens = ledger.loc[ledger["stage"] == "tokenize", "tokens_out"].sum()
    logs = [path.read_text(encoding="utf-8") for path in results.glob("logs/segment/*.log")]
    blocks = [tuple(map(int, found)) for log in logs for found in _SEGMENTED.findall(log)]
    values = {
        "text_mb": made.bytes / 1e6,
        "documents": made.documents,
        "kept_share": round(segmented / made.characters, 4),
        "tokens": int(tokens),
        "blocks_analysed_share": round(
            sum(analysed for _, analysed in blocks) / sum(number for number, _ in blocks), 4
        ),
        "seconds": round(taken.seconds, 1),
        "cpu_seconds": round(taken.cpu_seconds, 1),
        "watched_cpu_share": round(taken.watched_cpu_seconds / taken.cpu_seconds, 4),
        "peak_mb": round(taken.peak_mb, 1),
        "results_mb": sum(p.stat().st_size for p in results.rglob("*") if p.is_file()) / 1e6,
    }
    for stage, part in taken.stages.items():
        values |= {
            f"{stage}_jobs": part.jobs,
            f"{stage}_seconds": round(part.seconds, 1),
            f"{stage}_cpu_seconds": round(part.cpu_seconds, 1),
            f"{stage}_peak_mb": round(part.peak_mb, 1),
        }
    return {f"{key}_{name}": value for key, value in values.items()}


@dataclass(frozen=True)
class Bare:
    """What bare Kiwi took for some documents."""

    characters: int
    cpu_seconds: float


def bare_kiwi(done: Path, texts: Iterable[str]) -> Bare:
    """Measure Kiwi alone, two threads and no dictionary, on the lines of texts, or return what ``done`` says.

    Reading the texts and loading Kiwi do not count.
    """
    if not done.is_file():
        given = list(texts)
        lines = [line for text in given for line in text.split("\n") if line.strip()]
        kiwi = load_analyzer(CORES)
        deque(kiwi.tokenize(lines[:20]), maxlen=0)
        began = process_time()
        deque(kiwi.tokenize(lines), maxlen=0)
        write_text(done, json.dumps([sum(map(len, given)), process_time() - began]))
    return Bare(*json.loads(done.read_text(encoding="utf-8")))


def table(values: Mapping[str, object]) -> list[str]:
    """Return what each stage took at both sizes, as lines of Markdown; none where it was not measured."""
    lines: list[str] = []
    for name in SIZES:
        total = values.get(f"cpu_seconds_{name}")
        if total is None:
            continue
        size = values[f"text_mb_{name}"]
        lines += [
            "",
            f"## {size:,.0f} MB of text on {CORES} cores",
            "",
            "| script | jobs | seconds | CPU-seconds | share | MB per CPU-second | peak MB |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        rest = total
        for stage in (stage for stage in STAGES if f"{stage}_jobs_{name}" in values):
            jobs, seconds, cpu, peak = (
                values[f"{stage}_{key}_{name}"]
                for key in ("jobs", "seconds", "cpu_seconds", "peak_mb")
            )
            rest -= cpu
            lines.append(
                f"| {stage} | {jobs} | {seconds:,.0f} | {cpu:,.0f} | {cpu / total:.1%} | "
                f"{size / max(cpu, 0.1):,.2f} | {peak:,.0f} |"
            )
        lines += [
            f"| Snakemake itself, and what looking misses | | | {rest:,.0f} | {rest / total:.1%} | | |",
            f"| all | | {values[f'seconds_{name}']:,.0f} | {total:,.0f} | 100% | {size / total:,.2f} | "
            f"{values[f'peak_mb_{name}']:,.0f} |",
        ]
    return lines
