"""A finished run says what a larger corpus takes, and a schedule when it ends."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi.errors import InputError
from malmoi.planning.__main__ import main
from malmoi.planning.estimate import estimate
from malmoi.planning.measured import FOLDERS, Stage, read_run
from malmoi.planning.schedule import Job, simulate

HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"


@pytest.fixture
def results(tmp_path):
    """The results of a run that read 3 MB, whose every stage took 2 seconds in each of two jobs."""
    for name in ("ingest/a/0000/0000", "ingest/b/0000/0000", "ingest/a/0000/ledger"):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": ["가" * 250_000, "나" * 250_000]}), path)
    for stage in FOLDERS:
        for number, cpu in enumerate(("1.5", "NA")):
            path = tmp_path / "benchmarks" / stage / f"{number}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{HEAD}2.0\t0:00:02\t99.0\t{cpu}\n")
    (tmp_path / "tokens" / "deep").mkdir(parents=True)
    (tmp_path / "tokens" / "deep" / "0000.arrow").write_bytes(bytes(600))
    return tmp_path


def test_a_run_is_read_from_its_documents_benchmarks_and_files(results):
    gigabytes, stages = read_run(results)
    assert gigabytes == 0.003
    assert stages["tokenize"] == Stage(4.0, 1.5, 600)


def test_a_run_that_is_not_finished_is_refused(results, tmp_path_factory):
    for path in (results / "benchmarks" / "ledger").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="nothing of ledger"):
        read_run(results)
    with pytest.raises(InputError, match="no documents"):
        read_run(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize(
    ("cores", "ends"),
    [
        (1, [2, 4, 7, 8]),
        (2, [2, 2, 5, 6]),
        # Two cores are asked for where there is one free: the job waits, and the next behind it.
        (3, [2, 2, 5, 6]),
    ],
)
def test_jobs_wait_for_each_other_and_for_cores(cores, ends):
    jobs = [Job("a", 2), Job("a", 2), Job("b", 3, 2, (0, 1)), Job("c", 1, 1, (2,))]
    assert simulate(jobs, cores) == ends


def test_a_wide_job_does_not_start_on_too_few_cores():
    assert simulate([Job("a", 5), Job("b", 1, 2), Job("c", 1)], 2) == [5, 6, 7]


def test_work_grows_with_the_text_and_a_sample_does_not():
    stages = {stage: Stage(36.0, 72.0, 1000) for stage in FOLDERS}
    rows = {row.stage: row for row in estimate(0.1, stages, 10, 1000, sample_megabytes=200)}
    assert rows["segment"].cpu_hours == pytest.approx(2.0)
    assert rows["segment"].size == pytest.approx(100_000)
    assert rows["vocabulary"].cpu_hours == pytest.approx(0.04)
    assert rows["segment"].jobs == 50 and rows["ledger"].jobs == 1
    # A shard's normalization waits for all batches, its filter for that shard; one job looks for duplicates.
    assert rows["normalize"].begins == pytest.approx(1 / 50)
    assert rows["find_duplicates"].begins == pytest.approx(3 / 50)
    assert rows["split"].begins == pytest.approx(3 / 50 + 1)
    # Nothing waits for the report.
    assert rows["segment"].ends < rows["curation_report"].ends


def test_one_core_takes_the_sum_of_all_stages():
    stages = {stage: Stage(36.0, 36.0, 0) for stage in FOLDERS}
    rows = estimate(1, stages, 1, 1)
    assert max(row.ends for row in rows) == pytest.approx(len(FOLDERS) * 0.01)


def test_the_command_prints_stages_and_training(results, capsys):
    options = ["--gigabytes", "3", "--cores", "4", "--tokens", "7.2e6", "--gpus", "2"]
    main([str(results), *options, "--tokens-per-second", "1000"])
    printed = capsys.readouterr().out
    assert "| tokenize | 15 | 0.42 | " in printed
    assert printed.endswith("Training: 2 GPU-hours, 1 hours.\n")
    with pytest.raises(SystemExit):
        main([str(results), "--gigabytes", "-1", "--cores", "4"])
    assert "must be above 0" in capsys.readouterr().err
