"""Build one shard of training instances: pairs, whole-unit masks, an Arrow file and its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from malmoi import ledger, sampling
from malmoi.atomic import replacing, write_json
from malmoi.fingerprint import of_file
from malmoi.instances import masking
from malmoi.instances.exchanged import Documents, Pairs, build_pairs
from malmoi.instances.store import schema
from malmoi.progress import LOG

#: Bits of ``unit_starts`` in the tokens files, by masking unit; a piece is a unit of its own.
UNIT_BITS = {"piece": 0, "eojeol": 1, "morpheme": 2}

#: Rows of one Arrow record batch.
BATCH = 4096


@dataclass(frozen=True)
class Vocabulary:
    """What instances need of a vocabulary: its size, special ids and the pieces a random choice may give."""

    size: int
    cls: int
    sep: int
    mask: int
    unknown: int
    candidates: np.ndarray


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read ``vocab.txt``; special tokens are never drawn as random pieces."""
    pieces = Path(path).read_text(encoding="utf-8").splitlines()
    ids = {piece: number for number, piece in enumerate(pieces)}
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    return Vocabulary(
        size=len(pieces),
        cls=ids["[CLS]"],
        sep=ids["[SEP]"],
        mask=ids["[MASK]"],
        unknown=ids["[UNK]"],
        candidates=np.array([ids[piece] for piece in pieces if piece not in special]),
    )


def build_instances(
    inputs: Sequence[str | Path],
    vocabulary_path: str | Path,
    *,
    split: str,
    phase: str,
    max_seq_length: int,
    short_share: float,
    masking_unit: str,
    masking_rate: float,
    duplicates: int,
    seed: int,
    output_path: str | Path,
    ledger_path: str | Path,
    statistics_path: str | Path,
) -> None:
    """Write the instances of one shard, its ledger rows and its statistics (JSON).

    Reads tokens files, uses their documents of one ``split``, and goes over them ``duplicates`` times with
    fresh pairs and masks. ``masking_unit`` is ``piece``, ``eojeol`` or ``morpheme``. The result depends on
    the documents, the settings and ``seed`` alone.
    """
    vocabulary = read_vocabulary(vocabulary_path)
    columns = schema(vocabulary.size)
    documents, corpus = _load(inputs, split)
    stream = sampling.key(seed, "instances", phase, split)
    statistics = dict.fromkeys(
        ("instances", "random", "tokens", "masked", "unknown", "positions", "maskable"), 0
    )
    passes = 1 if split != "train" else duplicates
    with (
        replacing(output_path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, columns) as writer,
    ):
        for number in range(passes):
            pairs = build_pairs(
                documents, max_seq_length, short_share, sampling.key(stream, "pairs", number)
            )
            for start in range(0, len(pairs), BATCH):
                rows = _instances(
                    pairs,
                    slice(start, start + BATCH),
                    corpus,
                    vocabulary,
                    UNIT_BITS[masking_unit],
                    masking_rate,
                    sampling.key(stream, "mask", number, start),
                    statistics,
                )
                writer.write_batch(pa.record_batch(rows, schema=columns))
            if number == 0:
                _write_ledger(ledger_path, corpus, pairs, phase)
    statistics |= {
        "documents": len(corpus.doc_ids),
        "corpus_tokens": len(corpus.input_ids),
        "passes": passes,
        "sha256": of_file(output_path),
        "max_seq_length": max_seq_length,
        "vocabulary_size": vocabulary.size,
    }
    write_json(statistics_path, statistics)
    LOG.info(
        "%s: %d instances of %d documents", phase, statistics["instances"], len(corpus.doc_ids)
    )


@dataclass(frozen=True)
class _Corpus:
    """The tokens of a shard end to end, with what identifies its documents."""

    input_ids: np.ndarray
    unit_starts: np.ndarray
    offsets: np.ndarray
    doc_ids: list[str]
    sources: list[str]
    characters: list[int]


def _load(inputs: Sequence[str | Path], split: str) -> tuple[Documents, _Corpus]:
    columns: dict[str, list] = {
        name: []
        for name in (
            *("doc_id", "source", "group", "characters"),
            *("input_ids", "unit_starts", "sentence_ends"),
        )
    }
    for path in inputs:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table = table.filter(pa.compute.equal(table["split"], split))
        for name in ("doc_id", "source", "group", "characters"):
            columns[name] += table[name].to_pylist()
        for name in ("input_ids", "unit_starts", "sentence_ends"):
            columns[name] += [value.values.to_numpy() for value in table[name]]
    lengths = [len(ids) for ids in columns["input_ids"]]
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    corpus = _Corpus(
        input_ids=np.concatenate([np.zeros(0, np.int64), *columns["input_ids"]]).astype(np.int64),
        unit_starts=np.concatenate([np.zeros(0, np.uint8), *columns["unit_starts"]]),
        offsets=offsets,
        doc_ids=columns["doc_id"],
        sources=columns["source"],
        characters=columns["characters"],
    )
    ends = [value.astype(np.int64) for value in columns["sentence_ends"]]
    return Documents(offsets, ends, columns["group"]), corpus


def _instances(
    pairs: Pairs,
    part: slice,
    corpus: _Corpus,
    vocabulary: Vocabulary,
    unit_bit: int,
    rate: float,
    stream: int,
    statistics: dict[str, int],
) -> list[pa.Array]:
    """Return the Arrow columns of some pairs and add their counts to ``statistics``."""
    a, b, label = pairs.a[part], pairs.b[part], pairs.label[part]
    length_a, length_b = a[:, 1] - a[:, 0], b[:, 1] - b[:, 0]
    length = length_a + length_b + 3
    ends = np.cumsum(length)
    starts = ends - length
    total = int(ends[-1])
    instance = np.repeat(np.arange(len(length)), length)

    ids = np.empty(total, dtype=np.int64)
    unit_opens = np.ones(total, dtype=bool)
    for begin, source, count in (
        (starts + 1, a[:, 0], length_a),
        (starts + 2 + length_a, b[:, 0], length_b),
    ):
        places, taken = _ranges(begin, count), _ranges(source, count)
        ids[places] = corpus.input_ids[taken]
        if unit_bit:
            unit_opens[places] = (corpus.unit_starts[taken] & unit_bit) > 0
        # A segment may begin inside a unit: what is left of it there is a unit of its own.
        unit_opens[begin] = True
    ids[starts] = vocabulary.cls
    ids[starts + 1 + length_a] = vocabulary.sep
    ids[ends - 1] = vocabulary.sep

    unit = np.cumsum(unit_opens) - 1
    first = np.flatnonzero(unit_opens)
    size = np.diff(np.append(first, total))
    unknown = ids == vocabulary.unknown
    # A text may spell out "[MASK]" or "[PAD]"; no special token is ever to be predicted.
    special = np.ones(vocabulary.size, dtype=bool)
    special[vocabulary.candidates] = False
    allowed = np.bincount(unit, weights=special[ids], minlength=len(first)) == 0
    chosen = np.zeros(len(first), dtype=bool)
    chosen[allowed] = masking.choose_units(
        size[allowed],
        instance[first][allowed],
        masking.budgets(length_a + length_b, rate, sampling.key(stream, "budget")),
        sampling.key(stream, "order"),
    )
    positions = np.flatnonzero(chosen[unit])
    labels = ids[positions]
    seen = ids.copy()
    seen[positions] = masking.replacements(
        labels, unit[positions], vocabulary.mask, vocabulary.candidates, stream
    )
    token_type = (np.arange(total) - starts[instance] > length_a[instance] + 1).astype(np.uint8)
    masked = np.bincount(instance[positions], minlength=len(length))

    for name, value in (
        ("instances", len(length)),
        ("random", int(label.sum())),
        ("tokens", int((length_a + length_b).sum())),
        ("masked", len(positions)),
        ("unknown", int(unknown.sum())),
        ("positions", total),
        ("maskable", int(size[allowed].sum())),
    ):
        statistics[name] += value
    id_type = schema(vocabulary.size).field("input_ids").type.value_type
    doc_ids = np.array(corpus.doc_ids, dtype=object)
    return [
        _lists(seen, length, id_type),
        _lists(token_type, length, pa.uint8()),
        _lists(positions - starts[instance[positions]], masked, pa.uint16()),
        _lists(labels, masked, id_type),
        pa.array(label, pa.uint8()),
        pa.array(doc_ids[pairs.document_a[part]], pa.string()),
        pa.array(doc_ids[pairs.document_b[part]], pa.string()),
    ]


def _ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return start, start + 1, … of every range, one range after the other."""
    shift = np.repeat(starts - np.cumsum(counts) + counts, counts)
    return np.arange(int(counts.sum())) + shift


def _lists(values: np.ndarray, lengths: np.ndarray, kind: pa.DataType) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, kind))


def _write_ledger(path: str | Path, corpus: _Corpus, pairs: Pairs, phase: str) -> None:
    """Write how many tokens of each document one pass used."""
    used = np.zeros(len(corpus.doc_ids), dtype=np.int64)
    np.add.at(used, pairs.document_a, pairs.a[:, 1] - pairs.a[:, 0])
    np.add.at(used, pairs.document_b, pairs.b[:, 1] - pairs.b[:, 0])
    rows = []
    for number, doc_id in enumerate(corpus.doc_ids):
        kept = bool(used[number])
        rows.append(
            ledger.row(
                f"instances-{phase}",
                corpus.sources[number],
                doc_id=doc_id,
                status="kept" if kept else "filtered",
                reason="" if kept else "single_token",
                chars_in=corpus.characters[number],
                chars_out=corpus.characters[number] if kept else 0,
                tokens_in=int(corpus.offsets[number + 1] - corpus.offsets[number]),
                tokens_out=int(used[number]),
            )
        )
    ledger.write(path, rows)
