"""The table of what each stage took."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from malmoi.planning.stages import STAGES, benchmarks_of, write_table

REPO = Path(__file__).resolve().parents[3]
HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"

#: Rules that tell of the run, and so come after the table.
TELLING = {"measure_stages", "report_pages"}


@pytest.fixture
def results(tmp_path):
    """Two stages, the second of them with a vocabulary of its own."""
    for name, line in {
        "ingest/a-0000": "2.0\t0:00:02\t100.0\t1.5\n",
        "ingest/b-0000": "1.0\t0:00:01\tNA\tNA\n",
        "tokenize/0000": "3.0\t0:00:03\t50.0\t2.0\n",
        "tokenize-194d03ed/0000": "3.0\t0:00:03\t70.0\t2.5\n",
    }.items():
        path = tmp_path / "results" / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + line)
    for name, size in {
        "ingest/a/0000/0000.parquet": 10,
        "segments/0000.parquet": 20,
        "tokenizer/vocab.txt": 3,
        "tokenizer-194d03ed/vocab.txt": 4,
        "tokens/0000.arrow": 5,
        "tokens-194d03ed/0000.arrow": 6,
        "ledger/tokenize/0000.parquet": 1,
    }.items():
        path = tmp_path / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return tmp_path / "results"


def test_jobs_of_a_stage_are_summed_with_those_of_experiments(results, tmp_path):
    (tmp_path / "raw.jsonl").write_bytes(bytes(7))
    write_table(tmp_path / "table.csv", results, raw=[tmp_path / "raw.jsonl"])
    with open(tmp_path / "table.csv", newline="") as file:
        ingest, tokenize = csv.DictReader(file)
    assert ingest == {
        **{"stage": "ingest", "jobs": "2", "seconds": "3.0", "cpu_seconds": "1.5"},
        **{"cpu_share": "0.2500", "peak_memory_mb": "105", "bytes_read": "7"},
        "bytes_written": "10",
    }
    assert tokenize == {
        **{"stage": "tokenize", "jobs": "2", "seconds": "6.0", "cpu_seconds": "4.5"},
        **{"cpu_share": "0.7500", "peak_memory_mb": "73", "bytes_read": "27"},
        "bytes_written": "12",
    }


def test_every_rule_is_in_a_stage(tmp_path):
    text = "".join(path.read_text("utf-8") for path in (REPO / "workflow/rules").glob("*.smk"))
    names = re.findall(r'"results/benchmarks/(.+\.tsv)"', text)
    assert len(names) > 25
    for name in names:
        path = tmp_path / re.sub("{vocabulary}|{variant}", "-194d03ed", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD)
    assert set(benchmarks_of(tmp_path)) == STAGES.keys() | TELLING
