"""Measure segmentation, dictionaries and the vocabulary on real documents and write down what came of it.

    make bench AREA=vocabulary DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("sentences", "dictionaries", "segmentation", "learning", "plain_ids")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "pieces_checked": (">=", 1_000_000, "pieces of real text rebuilt from their offsets"),
    "pieces_wrong": ("<=", 0, "of them not equal to the text"),
    "segment_vs_kiwi": (">=", 0.95, "throughput of the stage over that of bare Kiwi"),
    "reanalysed_after_1_percent": ("<=", 0.02, "blocks analysed again after 1 % of documents"),
    "sentence_f1": (">=", 0.87, "sentences found, both ends right, on the labelled set"),
    "sentence_f1_kiwi": (">=", 0.0, "the same by Kiwi alone"),
    "sentence_f1_kss_fast": (">=", 0.0, "the same by kss with its `fast` backend"),
    "sentence_general_f1": (">=", 0.78, "sentences of Kiwi's own benchmark, both ends right"),
    "blocks_mb_per_cpu_s": (">=", 20, "megabytes of text parted into blocks in a CPU-second"),
    "sentence_spans_share_of_kiwi": ("<=", 0.02, "CPU of finding sentences over that of Kiwi"),
    "terms_whole": (">=", 0.99, "shipped terms that are read whole in a sentence"),
    "repairs_right": (">=", 1, "repair examples that come out right"),
    "regression_right": (">=", 1, "sentences that the dictionaries must not harm, right"),
    "dictionary_cpu_ratio": (
        "<=",
        1.10,
        "CPU of Kiwi with dictionaries and patterns over bare Kiwi",
    ),
    "proposals_listed_accepted_share": (
        ">=",
        0.75,
        "shipped terms among the candidates that are accepted",
    ),
    "unk_share": ("<=", 0.0002, "[UNK] among tokens of documents left out"),
    "all_boundary_f1": (">=", 0.96, "morpheme boundaries, vocabulary `all`"),
    "all_tokens_per_word": ("<=", 1.85, "tokens per word, vocabulary `all`"),
    "functional_respected": (">=", 0.96, "stem and function parted, vocabulary `functional`"),
    "functional_tokens_per_word": ("<=", 1.70, "tokens per word, vocabulary `functional`"),
    "gsd_precision": (">=", 0.70, "boundaries that human labels have too, vocabulary `all`"),
    "gsd_recall": (">=", 0.92, "boundaries of human labels found, vocabulary `all`"),
    "all_terms_boundary_f1": (
        ">=",
        0.0,
        "morpheme boundaries, `all`, terms of the dictionaries whole",
    ),
    "all_terms_tokens_per_word": ("<=", 1.85, "tokens per word of the same vocabulary"),
    "functional_terms_respected": (">=", 0.96, "stem and function parted, terms whole"),
    "functional_terms_tokens_per_word": ("<=", 1.70, "tokens per word of the same vocabulary"),
    "raw_boundary_f1": (">=", 0.0, "morpheme boundaries, WordPiece learned on raw text"),
    "klue_boundary_f1": (">=", 0.0, "the same, learned on morphemes parted by spaces"),
    "plain_id_differences": ("<=", 0, "lines whose ids differ without the analyzer"),
    "learn_cpu_s_100mb": ("<=", 60, "CPU-seconds to learn from 100 MB of segments"),
    "learn_peak_mb_100mb": ("<=", 2_000, "megabytes of memory it takes"),
}

if __name__ == "__main__":
    main("vocabulary", "Segmentation and vocabulary on real documents", PARTS, WANTED)
