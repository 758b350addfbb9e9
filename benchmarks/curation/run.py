"""Measure curation on real documents and write down what came of it.

    make bench AREA=curation DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = (
    *("office_documents", "encodings", "normalize", "pii", "filters", "dedup"),
    *("fuzz", "memory", "whole_corpus"),
)

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
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

if __name__ == "__main__":
    main("curation", "Curation on real documents", PARTS, WANTED)
