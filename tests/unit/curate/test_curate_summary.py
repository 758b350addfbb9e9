"""The ledger of a whole run: it balances, or the job fails and says where."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from malmoi import ledger
from malmoi.curate.duplicates import find_duplicates
from malmoi.curate.filters import filter_documents
from malmoi.curate.splits import split_documents
from malmoi.curate.summary import sum_ledger
from malmoi.fingerprint import shard_of

REPO = Path(__file__).resolve().parents[3]
SCHEMA = yaml.safe_load((REPO / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
STAGES = ["filter", "deduplicate"]
FILTERS = {
    name: value["default"]
    for name, value in SCHEMA["properties"]["curate"]["properties"]["filters"]["properties"].items()
}
SHARDS = range(2)


@pytest.fixture
def ledgers(tmp_path, write_documents, make_prose, make_document):
    """Run stage 3 on two shards with junk and copies in them; return the ledger files."""
    texts = [make_prose(number, 8) for number in range(10)]
    texts += ["짧은 글", "noise " * 50, make_prose(0, 8).replace(" ", "")] * 2
    records = [make_document(text, number) for number, text in enumerate(texts)]
    for shard in SHARDS:
        own = [each for each in records if shard_of(each["doc_id"], len(SHARDS)) == shard]
        filter_documents(
            write_documents(f"normalized/{shard}.parquet", own),
            FILTERS,
            [],
            tmp_path / f"filtered/{shard}.parquet",
            tmp_path / f"ledger/filter/{shard}.parquet",
        )
    filtered = sorted((tmp_path / "filtered").iterdir())
    drops = [tmp_path / f"drops/{shard}.parquet" for shard in SHARDS]
    find_duplicates(
        filtered,
        {"near": True, "threshold": 0.8},
        tmp_path / "clusters.parquet",
        drops,
        [path.with_suffix(".sha256") for path in drops],
    )
    for path, dropped in zip(filtered, drops, strict=True):
        split_documents(
            path,
            dropped,
            {"validation": 0.01, "test": 0.01, "sections": True, "section_containment": 0.6},
            20,
            tmp_path / "curated" / path.name,
            tmp_path / "ledger/deduplicate" / path.name,
        )
    return [path for stage in STAGES for path in sorted((tmp_path / "ledger" / stage).iterdir())]


def sums(folder):
    return folder / "ledger.parquet", folder / "ledger.csv", folder / "ledger_summary.csv"


def test_stage_3_balances_and_the_files_agree(tmp_path, ledgers):
    sum_ledger(ledgers, STAGES, *sums(tmp_path))

    rows = pq.read_table(tmp_path / "ledger.parquet").to_pandas()
    table = pd.read_csv(tmp_path / "ledger.csv", keep_default_na=False)
    assert len(rows) == 16 + 12
    assert table.to_dict("records") == rows.to_dict("records")
    summary = pd.read_csv(tmp_path / "ledger_summary.csv", keep_default_na=False)
    outcomes = {(r.stage, r.status, r.reason): r.documents for r in summary.itertuples()}
    assert outcomes == {
        ("filter", "kept", ""): 12,
        ("filter", "filtered", "language"): 2,
        ("filter", "filtered", "too_short"): 2,
        ("deduplicate", "kept", ""): 10,
        ("deduplicate", "duplicate", "exact"): 2,
    }
    assert list(summary["stage"].unique()) == STAGES
    curated = [len(pq.read_table(path)) for path in (tmp_path / "curated").iterdir()]
    assert sum(curated) == outcomes["deduplicate", "kept", ""]


def test_a_lost_shard_stops_the_job_and_leaves_nothing(tmp_path, ledgers):
    with pytest.raises(ledger.LedgerError, match=r"deduplicate: \d+ documents never arrived"):
        sum_ledger(ledgers[:-1], STAGES, *sums(tmp_path))
    assert not any(path.exists() for path in sums(tmp_path))


def test_the_files_are_the_same_bytes_each_time(tmp_path, ledgers):
    for name in ("a", "b"):
        sum_ledger(ledgers, STAGES, *sums(tmp_path / name))
    for first, second in zip(sums(tmp_path / "a"), sums(tmp_path / "b"), strict=True):
        assert first.read_bytes() == second.read_bytes()
