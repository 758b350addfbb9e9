"""Run the whole workflow on real documents and write what came of it.

    make bench AREA=pipeline DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file. Times and memory are those
Snakemake's own benchmark files give: seconds and CPU-seconds of each job with all its processes, and the
largest resident set among them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import workflow  # noqa: E402

#: Stages in pipeline order, by the folder or file of their benchmark files.
STAGES = (
    *(
        "ingest",
        "digest_shards",
        "normalize",
        "filter",
        "find_duplicates",
        "split",
        "curation_report",
    ),
    *("segment", "vocabulary"),
    *("tokenize", "instances", "ledger", "pretrain", "evaluate", "package", "publish"),
)


def stage_table(results: Path) -> pd.DataFrame:
    """Return seconds, CPU-seconds and peak megabytes per stage, summed over its jobs."""
    rows = []
    for stage in STAGES:
        folder = results / "benchmarks" / stage
        files = sorted(folder.glob("*.tsv")) if folder.is_dir() else [folder.with_suffix(".tsv")]
        jobs = pd.concat([pd.read_csv(file, sep="\t") for file in files])
        jobs = jobs.apply(pd.to_numeric, errors="coerce")
        rows.append(
            {
                "stage": stage,
                "jobs": len(jobs),
                "seconds": jobs["s"].sum(),
                "cpu_seconds": jobs["cpu_time"].sum(),
                "peak_mb": jobs["max_rss"].max(),
            }
        )
    return pd.DataFrame(rows)


def figures(results: Path, stages: pd.DataFrame) -> dict[str, float]:
    """Return the run's figures under flat names."""
    ledger = pd.read_csv(results / "ledger_summary.csv", keep_default_na=False)
    values: dict[str, float] = {}
    for stage, rows in ledger.groupby("stage", sort=False):
        values[f"{stage}_documents_in"] = int(rows["documents"].sum())
        values[f"{stage}_chars_in"] = int(rows["chars_in"].sum())
        for row in rows.itertuples():
            name = f"{row.status}_{row.reason}" if row.reason else row.status
            values[f"{stage}_{name}_documents"] = int(row.documents)
            values[f"{stage}_{name}_chars"] = int(row.chars_in)
    values["tokens"] = int(ledger.loc[ledger["stage"] == "tokenize", "tokens_out"].sum())
    for path in sorted(results.glob("instances/*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for split, content in manifest["splits"].items():
            of = f"{manifest['phase']}_{split}"
            for name in ("instances", "masked_share", "random_share", "unknown_share"):
                values[f"{of}_{name}"] = round(content[name], 6)
            used = content["used_once"] + content["used_again"]
            values[f"{of}_coverage"] = round(used / content["corpus_tokens"], 6)
    evaluation = results / "evaluation" / "tiny"
    pretraining = json.loads((evaluation / "pretraining.json").read_text(encoding="utf-8"))
    for arm in ("trained", "untrained", "unigram"):
        for name in ("mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"):
            if name in pretraining["test"][arm]:
                values[f"test_{arm}_{name}"] = pretraining["test"][arm][name]
    task = json.loads((evaluation / "task-case_type.json").read_text(encoding="utf-8"))
    for arm, scores in task["models"].items():
        values[f"case_type_{arm}_macro_f1"] = scores["macro_f1"]["mean"]
    for row in stages.itertuples():
        values[f"{row.stage}_seconds"] = round(row.seconds, 1)
        values[f"{row.stage}_cpu_seconds"] = round(row.cpu_seconds, 1)
        values[f"{row.stage}_peak_mb"] = round(row.peak_mb, 1)
    return values


def readme(results: Path, stages: pd.DataFrame, values: dict[str, float]) -> str:
    """Return the tables as Markdown."""
    ledger = pd.read_csv(results / "ledger_summary.csv", keep_default_na=False)
    lines = [
        "# The whole pipeline on real documents",
        "",
        "`make bench AREA=pipeline DATA=../shared/data`: court decisions, statutes, leaflets, notices and "
        "price lists through every stage to a tiny BERT, on 2 CPU cores.",
        "",
        "## What became of the documents",
        "",
        "| stage | outcome | documents | share | characters | share | characters out | tokens out |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in ledger.itertuples():
        outcome = f"{row.status}: {row.reason}" if row.reason else row.status
        lines.append(
            f"| {row.stage} | {outcome} | {row.documents:,} | {row.documents_share:.2%} | "
            f"{row.chars_in:,} | {row.chars_share:.2%} | {row.chars_out:,} | {row.tokens_out:,} |"
        )
    lines += [
        "",
        "## What the model learned",
        "",
        "| held-out test documents | value |",
        "|---|---|",
    ]
    lines += [
        f"| {name.removeprefix('test_').replace('_', ' ')} | {value:.4f} |"
        for name, value in values.items()
        if name.startswith(("test_", "case_type_"))
    ]
    unknown = values["l128_test_unknown_share"]
    lines.append(f"| [UNK] share of tokens | {unknown:.4%} |")
    lines += [
        "",
        "## What it cost",
        "",
        "| stage | jobs | seconds | CPU-seconds | peak MB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.stage} | {row.jobs} | {row.seconds:.1f} | {row.cpu_seconds:.1f} | {row.peak_mb:.0f} |"
        for row in stages.itertuples()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench" / "pipeline")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(
            f"{arguments.data} does not exist: give the folder of the real documents as --data"
        )
    config = workflow.read_config(HERE / "config.yaml", arguments.data.resolve())
    results = workflow.run(config, arguments.work.resolve(), cores=arguments.cores)
    stages = stage_table(results)
    values = figures(results, stages)
    (HERE / "results.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    (HERE / "README.md").write_text(readme(results, stages, values), encoding="utf-8")
    print((HERE / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
