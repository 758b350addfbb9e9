"""What malmoi's dictionaries keep whole and cost, and what its proposer makes of a corpus read without them."""

from __future__ import annotations

import csv
import random
import shutil
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import pyarrow as pa
import pyarrow.parquet as pq
from kiwipiepy import Kiwi
from malmoi.morphology.analyzer import analyze, load_analyzer
from malmoi.morphology.dictionary import BUILT_IN, Dictionary, built_in
from malmoi.morphology.proposals import propose_dictionary
from malmoi.morphology.regression import Expectation, broken, expectation, expectations
from malmoi.morphology.segments import segment_documents
from unit.morphology.morphology_repairs import REPAIRS

from benchmarks.vocabulary import corpus

WORKERS = 2
#: Megabytes of real lines that cost is measured on, and how often.
COST_MB = 1.0
REPEATS = 5
#: Megabytes of real documents that words are proposed from, and how often one must stand there.
PROPOSALS_MB = 10.0
PROPOSALS = {"sample_mb": 50, "min_count": 10, "min_documents": 5, "most": 1000}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the figures of the term lists, the patterns and the proposer."""
    folder = work / "dictionaries"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = folder / "documents.parquet"
    segments = corpus.segments(data, work)
    _sample([path.parents[1] / "curated" / path.name for path in segments], source)
    whole = built_in(BUILT_IN, patterns=True)
    bare, informed = load_analyzer(WORKERS), load_analyzer(WORKERS, whole)
    repairs = [expectation(sentence, wanted) for sentence, wanted in REPAIRS]
    return {
        "terms": len(whole.words),
        "terms_whole": terms_whole(informed, whole),
        "terms_whole_kiwi": terms_whole(bare, whole),
        "repairs_right": right(informed, repairs),
        "repairs_right_kiwi": right(bare, repairs),
        "regression_right": right(informed, expectations()),
        "regression_right_kiwi": right(bare, expectations()),
        **cost(source, bare, informed),
        **proposals(source, folder, whole),
    }


def terms_whole(kiwi: Kiwi, dictionary: Dictionary) -> float:
    """Return the share of the listed terms that are one piece before a josa, in a sentence of their own."""
    forms = sorted({form for form, _, _ in dictionary.words})
    analyses = analyze(kiwi, [f"여기서 {form}에 관하여 적었다." for form in forms])
    # The first word and the space behind it are four characters.
    whole = (
        [4, 4 + len(form)] in analysis.morphemes.tolist()
        for form, analysis in zip(forms, analyses, strict=True)
    )
    return round(statistics.fmean(whole), 4)


def right(kiwi: Kiwi, expected: Sequence[Expectation]) -> float:
    """Return the share of sentences that are read as expected."""
    return round(statistics.fmean(not fault for fault in broken(kiwi, expected)), 4)


def cost(source: Path, bare: Kiwi, informed: Kiwi) -> dict[str, float]:
    """Compare the CPU time of Kiwi on real lines with words, and with patterns too, to that of bare Kiwi."""
    lines, size = [], 0
    for text in pq.read_table(source, columns=["text"])["text"].to_pylist():
        lines += [line for line in text.split("\n") if line.strip()]
        size += len(text.encode())
        if size >= COST_MB * 1e6:
            break
    read = {
        "bare": bare,
        "words": load_analyzer(WORKERS, built_in(BUILT_IN, patterns=False)),
        "all": informed,
    }
    times: dict[str, list[float]] = {name: [] for name in read}
    for _ in range(REPEATS):
        for name, kiwi in read.items():
            times[name].append(_timed(lambda kiwi=kiwi: deque(kiwi.tokenize(lines), maxlen=0)))
    best = {name: min(values) for name, values in times.items()}
    return {
        "dictionary_words_cpu_ratio": round(best["words"] / best["bare"], 3),
        "dictionary_cpu_ratio": round(best["all"] / best["bare"], 3),
    }


def proposals(source: Path, folder: Path, listed: Dictionary) -> dict[str, float]:
    """Read documents without any dictionary, propose words, and compare these with the listed terms.

    Terms of the lists are known to be good, so all of those among the candidates should be accepted.
    """
    bare = {"terms": [], "patterns": False}
    segment_documents(
        input_path=source,
        settings=bare | {"spacing": "none", "input": "raw"},
        dictionaries=[],
        cache_path=folder / "cache.arrow",
        workers=WORKERS,
        output_path=folder / "segments.parquet",
        changes_path=folder / "changes.parquet",
        ledger_path=folder / "ledger.parquet",
    )
    path = folder / "proposed.csv"
    seconds = _timed(
        lambda: propose_dictionary(
            [folder / "segments.parquet"], bare | {"proposals": PROPOSALS}, [], WORKERS, 20, path
        )
    )
    with path.open(encoding="utf-8-sig", newline="") as file:
        accepted = {row["form"]: row["verdict"] == "accept" for row in csv.DictReader(file)}
    known = accepted.keys() & {form for form, _, _ in listed.words}
    return {
        "proposals_candidates": len(accepted),
        "proposals_accepted_share": round(statistics.fmean(accepted.values()), 4),
        "proposals_listed": len(known),
        "proposals_listed_accepted_share": round(
            statistics.fmean(accepted[form] for form in known), 4
        ),
        "proposals_cpu_s_10mb": round(seconds, 1),
    }


def _sample(sources: Sequence[Path], path: Path) -> None:
    """Write training documents from all files, an equal part of ``PROPOSALS_MB`` of each domain."""
    tables = [pq.read_table(source) for source in sources]
    table = pa.concat_tables(tables)
    rows = zip(*(table[name].to_pylist() for name in ("domain", "split", "text")), strict=True)
    places: dict[str, list[tuple[int, int]]] = {}
    for place, (domain, split, text) in enumerate(rows):
        if split == "train":
            places.setdefault(domain, []).append((place, len(text.encode())))
    chosen = []
    for domain in sorted(places):
        left = PROPOSALS_MB * 1e6 / len(places)
        for place, size in random.Random(0).sample(places[domain], len(places[domain])):
            if size <= left:
                chosen.append(place)
                left -= size
    pq.write_table(table.take(pa.array(sorted(chosen))), path, row_group_size=256)


def _timed(work: Callable[[], object]) -> float:
    begin = process_time()
    work()
    return process_time() - begin
