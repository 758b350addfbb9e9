"""Build one shard of training instances: pairs, masks, an Arrow file and what it amounts to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from malmoi import ledger, sampling
from malmoi.atomic import replacing, write_json
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances import shards
from malmoi.instances.counts import Counts, ledger_rows, left_out_row
from malmoi.instances.documents import Block, Chosen, read_blocks, read_left_out
from malmoi.instances.layout import lay_out, lengths, pack, part
from malmoi.instances.masking import MaskSettings, Vocabulary, mask, read_vocabulary
from malmoi.instances.pairs import PairSettings, Sequences, build_pairs
from malmoi.progress import LOG, track

#: The columns that have an entry for each masked token.
MASKS = ("mlm_positions", "mlm_labels")


def build_instances(
    inputs: Sequence[str | Path],
    vocabulary_path: str | Path,
    *,
    split: str,
    phase: str,
    max_seq_length: int,
    pairs: Mapping[str, Any],
    masking: Mapping[str, Any],
    duplicates: int,
    share: float = 1.0,
    seed: int,
    output_path: str | Path,
    ledger_path: str | Path,
    statistics_path: str | Path,
) -> None:
    """Write the instances of one shard, its ledger rows and its statistics (JSON).

    Reads tokens files block by block, uses their documents of one ``split``, and goes over each block of the
    training split ``duplicates`` times with fresh pairs and, where they are static, fresh masks; once where
    passes would be the same. Only a ``share`` of the documents is taken, chosen by their ids; the others have a
    ledger row of their own.

    ``pairs`` has the fields of ``PairSettings``. ``masking`` has ``when``, ``static`` (masks are written into
    the file) or ``dynamic`` (the loader draws others in each epoch), ``final_rate`` (the share at the
    end of the training, or None; for dynamic masks) and the fields of ``MaskSettings``.

    The result depends on the documents, the settings, ``seed`` and the name of ``output_path`` without its
    folder and ending, which tells the draws of one shard from those of another.

    Raises:
        InputError: a setting is out of its range, or a tokens file cannot be read or is of another vocabulary.
    """
    vocabulary = read_vocabulary(vocabulary_path)
    _check(masking, duplicates, share)
    chosen = Chosen(split, share, seed)
    settings = {
        "phase": phase,
        "split": split,
        "max_seq_length": max_seq_length,
        "pairs": dict(pairs),
        "masking": dict(masking),
        "vocabulary_size": vocabulary.size,
        "vocabulary_sha256": of_file(vocabulary_path),
        "seed": seed,
    }
    names = (phase, split, Path(output_path).stem)
    builder = _Builder(
        vocabulary=vocabulary,
        max_seq_length=max_seq_length,
        pairs=PairSettings(**pairs),
        masks=_mask_settings(masking),
        static=masking["when"] == "static",
        pair_stream=sampling.key(seed, "pairs", *names),
        mask_stream=sampling.key(seed, "mask", *names),
        columns=shards.schema(vocabulary.size, masking["when"], settings),
        counts=Counts(max_seq_length),
    )
    # Packed sentences have nothing random but their masks: drawn on reading, one pass holds them all.
    alike = pairs["kind"] == "none" and masking["when"] == "dynamic"
    passes = duplicates if split == "train" and not alike else 1
    documents = 0
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(output_path))
        file = stack.enter_context(pa.OSFile(str(temporary), "wb"))
        writer = stack.enter_context(pa.ipc.new_file(file, builder.columns))
        add_row = stack.enter_context(ledger.writing(ledger_path))
        blocks = track(read_blocks(inputs, chosen), f"instances {phase} {split}", unit="blocks")
        for number, block in enumerate(blocks):
            _check_ids(block, vocabulary, inputs, vocabulary_path)
            packed = pack(block.input_ids, block.unit_starts)
            documents += len(block.documents)
            for repetition in range(passes):
                sequences = builder.sequences(block, number, repetition)
                row = builder.counts.sums["instances"]
                used = builder.counts.add_sequences(block, sequences)
                if repetition == 0:
                    for entry in ledger_rows(block, used, phase):
                        add_row(entry)
                for batch in builder.batches(block, packed, sequences, row):
                    writer.write_batch(batch)
        for document in read_left_out(inputs, chosen):
            add_row(left_out_row(*document, phase))
    statistics = {
        **settings,
        **builder.counts.sums,
        "lengths": builder.counts.lengths.tolist(),
        "documents": documents,
        "passes": passes,
        "sha256": of_file(output_path),
        "inputs": [of_file(path) for path in inputs],
    }
    write_json(statistics_path, statistics)
    LOG.info("%s: %d instances of %d documents", phase, statistics["instances"], documents)


def _check(masking: Mapping[str, Any], duplicates: int, share: float) -> None:
    when, final = masking["when"], masking["final_rate"]
    if when not in ("static", "dynamic"):
        raise InputError(f"masking.when is {when!r}: choose static or dynamic")
    if final is not None and when == "static":
        raise InputError(
            f"masking.final_rate is {final}, but static masks are the same throughout: "
            "leave it empty, or set masking.when to dynamic"
        )
    if duplicates < 1:
        raise InputError(f"duplicates is {duplicates}: the documents are read at least once")
    if not 0 < share <= 1:
        raise InputError(f"share is {share}: choose a part of the documents, above 0 and up to 1")


def _mask_settings(masking: Mapping[str, Any]) -> MaskSettings:
    """Return the settings of masks, and check the final rate as they check the first."""
    given = {name: value for name, value in masking.items() if name not in ("when", "final_rate")}
    if masking["final_rate"] is not None:
        MaskSettings(**given | {"rate": masking["final_rate"]})
    return MaskSettings(**given)


def _check_ids(
    block: Block,
    vocabulary: Vocabulary,
    inputs: Sequence[str | Path],
    vocabulary_path: str | Path,
) -> None:
    largest = int(block.input_ids.max())
    if largest >= vocabulary.size:
        raise InputError(
            f"{inputs[0]}: holds the id {largest}, but {vocabulary_path} has {vocabulary.size} pieces; "
            "tokenize again with this vocabulary"
        )


@dataclass(frozen=True)
class _Builder:
    """Turns blocks of documents into record batches and counts them."""

    vocabulary: Vocabulary
    max_seq_length: int
    pairs: PairSettings
    masks: MaskSettings
    static: bool
    pair_stream: int
    mask_stream: int
    columns: pa.Schema
    counts: Counts

    def sequences(self, block: Block, number: int, repetition: int) -> Sequences:
        """Return the sequences of one pass over a block, the ``number``-th of the shard."""
        stream = sampling.key(self.pair_stream, number, repetition)
        return build_pairs(block.documents, self.pairs, self.max_seq_length, stream)

    def batches(
        self, block: Block, packed: np.ndarray, sequences: Sequences, row: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield a pass over a block, whose tokens ``pack`` has packed, as record batches.

        Its first instance is row ``row`` of the file.
        """
        for start in range(0, len(sequences), shards.BATCH_ROWS):
            own = part(sequences, start, start + shards.BATCH_ROWS)
            yield self._batch(block, packed, own, row + start)

    def _batch(
        self, block: Block, packed: np.ndarray, sequences: Sequences, row: int
    ) -> pa.RecordBatch:
        vocabulary = self.vocabulary
        columns: dict[str, list[np.ndarray]] = {field.name: [] for field in self.columns}
        counts = []
        layouts = lay_out(
            sequences,
            packed,
            block.input_ids.dtype,
            vocabulary.cls,
            vocabulary.sep,
            typed=self.pairs.kind != "none",
        )
        for layout in layouts:
            self.counts.add_instances(layout, vocabulary)
            columns["token_type_ids"].append(layout.types)
            if not self.static:
                columns["input_ids"].append(layout.ids)
                columns["unit_starts"].append(layout.units)
                continue
            number = len(layout.starts) - 1
            keys = sampling.bits(self.mask_stream, np.arange(row, row + number))
            row += number
            masked = mask(
                *(layout.ids, layout.units, layout.starts, keys),
                *(self.masks.rate, vocabulary, self.masks),
            )
            self.counts.add_masks(masked, vocabulary)
            begins = np.repeat(layout.starts[:-1], masked.counts)
            columns["input_ids"].append(masked.seen)
            columns["mlm_positions"].append((masked.positions - begins).astype(np.uint16))
            columns["mlm_labels"].append(masked.labels)
            counts.append(masked.counts)
        ends = np.append(0, np.cumsum(lengths(sequences)))
        mask_ends = np.concatenate([np.zeros(1, dtype=np.int64), *counts]).cumsum()
        starts = sequences.segments[:, 0] - block.documents.offsets[sequences.documents]
        arrays = {
            name: shards.lists(np.concatenate(parts), mask_ends if name in MASKS else ends)
            for name, parts in columns.items()
            if parts
        }
        arrays["next_sentence_label"] = pa.array(sequences.label)
        arrays["doc_ids"] = shards.lists(
            block.doc_ids.take(pa.array(sequences.documents)), sequences.offsets
        )
        arrays["segment_starts"] = shards.lists(starts.astype(np.int32), sequences.offsets)
        return pa.record_batch([arrays[name] for name in self.columns.names], schema=self.columns)
