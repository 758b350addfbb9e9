"""What is masked in instances of real documents, whether it begins and ends with morphemes, and what it costs.

The check of boundaries does not use what the stage knows: it tokenizes the documents' text again with the
tokenizer itself and compares the characters of each masked unit with the offsets in the segments files.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from malmoi import sampling
from malmoi.instances.build import build_instances
from malmoi.instances.masking import (
    UNIT_BITS,
    MaskSettings,
    Vocabulary,
    mask,
    read_vocabulary,
)
from malmoi.vocab.learn import learn_vocabulary
from malmoi.vocab.tokens import tokenize_documents
from tokenizers import Tokenizer

from benchmarks.vocabulary import corpus

#: Megabytes of documents from each segments file.
SAMPLE_MB = 6
LENGTH, RATE, SEED = 128, 0.15, 20
#: Tokens that are masked at a time where speed is measured, and how often the same ones are.
BLOCK, REPEATS = 1 << 17, 30


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the figures of masks, those without a unit's name for morphemes, at length 128.

    ``mask_share`` is of all tokens but [CLS] and [SEP]; ``mask_80``, ``mask_10_random`` and ``mask_10_kept``
    are of masked units; ``morpheme_boundary_share`` is that of masked units whose first character begins and
    whose last character ends a morpheme.
    """
    folder = work / "masks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    samples = [_sample(path, folder / path.name) for path in corpus.segments(data, work)]
    tokenizer = folder / "tokenizer"
    learn_vocabulary(
        samples,
        **{"size": 32_000, "boundaries": "functional", "learner": "frequency", "sample_mb": 50},
        **{"min_frequency": 2, "reserved": 0, "prune": True, "seed": SEED},
        output=tokenizer,
    )
    tokens = [folder / f"{path.stem}.tokens.arrow" for path in samples]
    for path, output in zip(samples, tokens, strict=True):
        tokenize_documents(path, tokenizer, output, folder / "tokens.ledger.parquet")
    vocabulary = read_vocabulary(tokenizer / "vocab.txt")
    characters = _characters(samples, tokenizer)
    plain = _build(tokens, tokenizer, folder, "dynamic", "morpheme")
    figures: dict[str, float] = {}
    for unit in UNIT_BITS:
        static = _build(tokens, tokenizer, folder, "static", unit)
        name = "" if unit == "morpheme" else f"{unit}_"
        found = _shares(plain, static, unit, vocabulary)
        if unit == "morpheme":
            found["morpheme_boundary_share"] = _boundary_share(
                plain, static, vocabulary, characters
            )
        found["mask_ns_per_token"] = _nanoseconds(plain, unit, vocabulary)
        figures |= {name + key: value for key, value in found.items()}
    return figures


@dataclass(frozen=True)
class Characters:
    """Documents laid end to end, one character apart, as the tokenizer cuts their text.

    ``offsets`` gives the first token of each document by its id; ``ids``, ``begins`` and ``ends`` int64 [T] are
    the tokens and their characters; ``boundary`` bool is where a morpheme begins or ends.
    """

    offsets: dict[str, int]
    ids: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    boundary: np.ndarray


def _sample(source: Path, path: Path) -> Path:
    """Write training documents from all over a segments file, ``SAMPLE_MB`` of text in all."""
    table = pq.read_table(source)
    order = random.Random(SEED).sample(range(len(table)), len(table))
    sizes = [len(text.encode()) for text in table["text"].to_pylist()]
    splits = table["split"].to_pylist()
    chosen, size = [], 0
    for place in order:
        if splits[place] == "train" and size + sizes[place] <= SAMPLE_MB * 1e6:
            chosen.append(place)
            size += sizes[place]
    pq.write_table(table.take(pa.array(sorted(chosen))), path)
    return path


def _build(tokens: list[Path], tokenizer: Path, folder: Path, when: str, unit: str) -> pa.Table:
    """Return instances; those of the same tokens differ in their masks alone."""
    build_instances(
        tokens,
        tokenizer / "vocab.txt",
        split="train",
        phase="l128",
        max_seq_length=LENGTH,
        pairs={"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1},
        masking={
            **{"when": when, "unit": unit, "rate": RATE, "final_rate": None},
            **{"functional_weight": 1.0, "span_mean": 3.0},
        },
        duplicates=1,
        seed=SEED,
        output_path=folder / "0000.arrow",
        ledger_path=folder / "instances.ledger.parquet",
        statistics_path=folder / "statistics.json",
    )
    with pa.OSFile(str(folder / "0000.arrow")) as file:
        return pa.ipc.open_file(file).read_all()


def _values(table: pa.Table, name: str) -> np.ndarray:
    return table[name].combine_chunks().flatten().to_numpy()


def _starts(table: pa.Table, name: str) -> np.ndarray:
    lengths = pa.compute.list_value_length(table[name]).to_numpy()
    return np.append(0, np.cumsum(lengths))


def _masked(plain: pa.Table, static: pa.Table) -> np.ndarray:
    """Return which tokens of all instances are masked (bool [T]); checks that nothing else differs."""
    ids, seen = _values(plain, "input_ids"), _values(static, "input_ids")
    counts = np.diff(_starts(static, "mlm_positions"))
    places = _values(static, "mlm_positions") + np.repeat(_starts(plain, "input_ids")[:-1], counts)
    masked = np.zeros(len(ids), dtype=bool)
    masked[places] = True
    if (seen != ids)[~masked].any() or (_values(static, "mlm_labels") != ids[places]).any():
        raise ValueError("static instances are not the dynamic ones with masks")
    return masked


def _special(plain: pa.Table, vocabulary: Vocabulary) -> np.ndarray:
    """Return which tokens are [CLS] or [SEP] (bool [T])."""
    return np.isin(_values(plain, "input_ids"), (vocabulary.cls, vocabulary.sep))


def _opens(plain: pa.Table, unit: str, vocabulary: Vocabulary) -> np.ndarray:
    """Return where units begin (bool [T]): by the tokens files, and after each special token."""
    special = _special(plain, vocabulary)
    if unit == "piece":
        return np.ones(len(special), dtype=bool)
    opens = _values(plain, "unit_starts") & UNIT_BITS[unit] > 0
    opens[1:] |= special[:-1]
    return opens | special


def _shares(
    plain: pa.Table, static: pa.Table, unit: str, vocabulary: Vocabulary
) -> dict[str, float]:
    ids, seen = _values(plain, "input_ids"), _values(static, "input_ids")
    masked = _masked(plain, static)
    figures = {"mask_share": float(masked.sum() / (~_special(plain, vocabulary)).sum())}
    if unit != "span":
        # Spans that touch cannot be told apart.
        first = masked & _opens(plain, unit, vocabulary)
        fates = {
            "mask_80": seen == vocabulary.mask,
            "mask_10_random": (seen != vocabulary.mask) & (seen != ids),
            "mask_10_kept": seen == ids,
        }
        figures |= {name: float(fate[first].mean()) for name, fate in fates.items()}
    return figures


def _characters(samples: list[Path], tokenizer: Path) -> Characters:
    cut = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    cut.no_truncation()
    offsets: dict[str, int] = {}
    ids, begins, ends, edges = [], [], [], []
    tokens = base = 0
    for path in samples:
        for row in pq.read_table(path).to_pylist():
            encoding = cut.encode(row["text"], add_special_tokens=False)
            offsets[row["doc_id"]] = tokens
            tokens += len(encoding.ids)
            ids.append(np.array(encoding.ids, dtype=np.int64))
            places = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2) + base
            begins.append(places[:, 0])
            ends.append(places[:, 1])
            edges += [np.array(row[f"morpheme_{side}"]) + base for side in ("starts", "ends")]
            base += len(row["text"]) + 1
    boundary = np.zeros(base + 1, dtype=bool)
    boundary[np.concatenate(edges).astype(np.int64)] = True
    return Characters(
        offsets, np.concatenate(ids), np.concatenate(begins), np.concatenate(ends), boundary
    )


def _boundary_share(
    plain: pa.Table, static: pa.Table, vocabulary: Vocabulary, characters: Characters
) -> float:
    """Return the share of masked units whose first and last characters are at morpheme boundaries."""
    ids = _values(plain, "input_ids")
    special = _special(plain, vocabulary)
    # A segment goes from after a special token to the next one; the file says where it is from.
    first = np.flatnonzero(special[:-1] & ~special[1:]) + 1
    lengths = np.flatnonzero(~special[:-1] & special[1:]) + 1 - first
    names = static["doc_ids"].combine_chunks().flatten().to_pylist()
    base = [characters.offsets[name] for name in names]
    source = np.array(base) + _values(static, "segment_starts")
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    token = np.full(len(ids), -1)
    token[np.repeat(first, lengths) + within] = np.repeat(source, lengths) + within
    if (characters.ids[token[~special]] != ids[~special]).any():
        raise ValueError("instances hold other tokens than their documents")
    masked = _masked(plain, static)
    opens = _opens(plain, "morpheme", vocabulary)
    begins = masked & opens
    ends = masked & np.append(opens[1:], True)
    good = characters.boundary[characters.begins[token[begins]]]
    good &= characters.boundary[characters.ends[token[ends]]]
    return float(good.mean())


def _nanoseconds(plain: pa.Table, unit: str, vocabulary: Vocabulary) -> float:
    """Return the CPU time of masking a token, the best of several rounds over the same instances."""
    starts = _starts(plain, "input_ids")
    count = int(np.searchsorted(starts, BLOCK, side="right")) - 1
    starts = starts[: count + 1]
    ids, units = (_values(plain, name)[: starts[-1]] for name in ("input_ids", "unit_starts"))
    keys = sampling.bits(SEED, np.arange(count))
    settings = MaskSettings(unit)
    best = float("inf")
    for _ in range(REPEATS):
        begin = process_time()
        mask(ids, units, starts, keys, RATE, vocabulary, settings)
        best = min(best, process_time() - begin)
    return best / len(ids) * 1e9
