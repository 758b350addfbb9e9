"""The report's tables count what the ledgers say, and every plot is drawn, also of nothing."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi import ledger
from malmoi.curate import report

REPAIRS = pa.schema(
    [
        ("source", pa.string()),
        ("doc_id", pa.string()),
        ("kind", pa.string()),
        ("rule", pa.string()),
        ("count", pa.int64()),
    ]
)
CLUSTERS = pa.schema([("cluster", pa.string()), ("relation", pa.string())])


def row(stage, number, reason="", chars=100, status="filtered"):
    outcome = {"status": status, "reason": reason} if reason else {"chars_out": chars}
    return ledger.row(stage, "notes", doc_id=f"{number:032x}", chars_in=chars, **outcome)


@pytest.fixture
def written(tmp_path):
    def write(rows, repairs, clusters):
        ledger.write(tmp_path / "ledger.parquet", rows)
        pq.write_table(pa.Table.from_pylist(repairs, REPAIRS), tmp_path / "repairs.parquet")
        pq.write_table(pa.Table.from_pylist(clusters, CLUSTERS), tmp_path / "clusters.parquet")
        report.write_report(
            [tmp_path / "ledger.parquet"],
            [tmp_path / "repairs.parquet"],
            tmp_path / "clusters.parquet",
            {name: tmp_path / f"{name}.csv" for name in report.TABLES},
            {name: tmp_path / f"{name}.png" for name in report.FIGURES},
        )
        assert all(
            (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in report.FIGURES
        )
        return {name: pd.read_csv(tmp_path / f"{name}.csv") for name in report.TABLES}

    return write


def test_the_tables_count_what_the_ledgers_say(written):
    rows = [row("ingest", number) for number in range(6)]
    rows.append(
        ledger.row("ingest", "notes", raw_path="x", status="quarantined", reason="locked: HWP")
    )
    rows += [row("normalize", number, chars=100) for number in range(6)]
    rows += [row("filter", number, "too_short" if number == 0 else "") for number in range(6)]
    rows += [
        row("deduplicate", number, "near" if number < 3 else "", status="duplicate")
        for number in range(1, 6)
    ]
    tables = written(
        rows,
        [
            {"source": "notes", "doc_id": "a", "kind": "repair", "rule": "space_run", "count": 7},
            {"source": "notes", "doc_id": "b", "kind": "repair", "rule": "space_run", "count": 1},
            {"source": "notes", "doc_id": "a", "kind": "pii", "rule": "phone", "count": 2},
        ],
        [
            {"cluster": "c", "relation": "kept"},
            {"cluster": "c", "relation": "near"},
            {"cluster": "c", "relation": "near"},
        ],
    )
    assert tables["sources"].to_dict("records") == [
        {
            "source": "notes",
            "documents_read": 6,
            "chars_read": 600,
            "ingest_dropped": 1,
            "normalize_dropped": 0,
            "filter_dropped": 1,
            "deduplicate_dropped": 2,
            "documents_kept": 3,
            "chars_kept": 300,
            "documents_share": 0.5,
        }
    ]
    drops = tables["drops"].set_index("reason")["documents"]
    assert drops.to_dict() == {"locked": 1, "too_short": 1, "near": 2}
    assert list(tables["drops"]["stage"]) == ["ingest", "filter", "deduplicate"]
    assert tables["repairs"].values.tolist() == [["space_run", "notes", 2, 8]]
    assert tables["personal_data"].values.tolist() == [["phone", "notes", 1, 2]]
    assert tables["duplicates"].values.tolist() == [[3, 1, 0, 2]]


def test_a_corpus_without_drops_is_drawn_too(written):
    tables = written([row(stage, 1) for stage in report.STAGES], [], [])
    assert tables["sources"]["documents_share"].tolist() == [1.0]
    assert all(tables[name].empty for name in report.TABLES if name != "sources")


def test_two_runs_write_the_same_bytes(written, tmp_path):
    rows = [row("ingest", 1), row("filter", 1, "too_short: 9")]
    written(rows, [], [])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    written(rows, [], [])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
