"""Measure curation on real documents and write down what came of it.

    make bench AREA=curation DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file. ``--only`` measures some
parts again and leaves the other figures as they are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

#: The modules that measure, in the order they run.
PARTS = (
    *("office_documents", "encodings", "normalize", "pii", "filters", "dedup"),
    *("fuzz", "memory", "whole_corpus"),
)

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: dict[str, tuple[str, float, str]] = {
    "hwp_hwpx_agreement": (">=", 0.98, "8-grams that HWP and HWPX of one document share"),
    "pdf_agreement": (">=", 0.95, "8-grams that a PDF and the HWP or HWPX of it share"),
    "encodings_right": (">=", 0.999, "texts in 8 encodings that are decoded right"),
    "cp949_latin1_repaired": (">=", 0.99, "texts of CP949 read as Latin-1 that are restored"),
    "pii_recall": (">=", 0.99, "generated personal data that is masked"),
    "pii_precision": (">=", 0.99, "masked places that are personal data"),
    "case_numbers_seen": (">=", 10_000, "case numbers in real decisions"),
    "case_numbers_altered": ("<=", 0, "of them changed by masking"),
    "pii_mb_per_cpu_s": (">=", 10, "megabytes masked in a CPU-second"),
    "dedup_recall_spacing": (">=", 0.99, "copies found with 5 to 20 % of spaces removed"),
    "dedup_recall_edits": (">=", 0.98, "copies found with 2 % of words edited"),
    "dedup_precision": (">=", 0.99, "pairs found that are copies or as similar"),
    "dedup_mb_per_cpu_s": (">=", 15, "megabytes deduplicated in a CPU-second"),
    "filters_keep_good": (">=", 0.99, "decisions, statutes and leaflets that stay"),
    "filters_drop_junk": (">=", 0.95, "generated junk that goes"),
    "fuzz_inputs": (">=", 2_000, "mutated files given to the readers"),
    "fuzz_unaccounted": ("<=", 0, "of them without a document or a reason"),
    "curate_cpu_s_per_mb": ("<=", 0.85, "CPU-seconds from read text to splits, per megabyte"),
    "peak_mb": ("<=", 1_500, "largest memory of a stage on one shard of 1 GB, in megabytes"),
    "ledger_balanced": (">=", 1, "documents and characters of every stage sum to 100 %"),
}


def readme(values: dict[str, float]) -> str:
    """Return the figures as Markdown: those asked for, then all others by name."""
    lines = [
        "# Curation on real documents",
        "",
        "`make bench AREA=curation DATA=../shared/data`, on 2 CPU cores. One part alone: "
        "`.venv/bin/python benchmarks/curation/run.py --only pii`.",
        "",
        "| figure | value | wanted | meaning |",
        "|---|---|---|---|",
    ]
    for name, (sign, limit, meaning) in WANTED.items():
        if name in values:
            lines.append(f"| `{name}` | {values[name]:,.5g} | {sign} {limit:,g} | {meaning} |")
    lines += ["", "All that was measured:", "", "| figure | value |", "|---|---|"]
    lines += [f"| `{name}` | {value:,.6g} |" for name, value in sorted(values.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the parts and write both files after each, so that a stop loses nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench" / "curation")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(
            f"{arguments.data} does not exist: give the folder of the real documents as --data"
        )
    arguments.work.mkdir(parents=True, exist_ok=True)
    path = HERE / "results.json"
    whole = tuple(arguments.only) == PARTS
    values = {} if whole or not path.is_file() else json.loads(path.read_text(encoding="utf-8"))
    for part in arguments.only:
        module = importlib.import_module(f"benchmarks.curation.{part}")
        found = module.measure(arguments.data.resolve(), arguments.work.resolve())
        print(part, json.dumps(found), flush=True)
        values |= found
        path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        (HERE / "README.md").write_text(readme(values), encoding="utf-8")
    missed = [
        name
        for name, (sign, limit, _) in WANTED.items()
        if name in values and (values[name] < limit if sign == ">=" else values[name] > limit)
    ]
    print("missed:", ", ".join(missed) or "none")


if __name__ == "__main__":
    main()
