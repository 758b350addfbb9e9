"""The documents of tokens files, read block by block so that memory does not grow with the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi.errors import InputError
from malmoi.instances.pairs import Documents
from malmoi.sampling import in_share

#: Tokens of one block, about. Its documents are what random segments are drawn from: some 9,000 pairs of
#: length 128, or 2,000 of 512. A shard holds documents by a hash of their ids, so a block is a random part of
#: the corpus, and a partner from it is as good as one from all of it; its arrays take some tens of megabytes.
BLOCK_TOKENS = 1 << 20

_NAMES = ("doc_id", "source", "kind", "group", "characters")
_LISTS = ("input_ids", "unit_starts", "sentence_ends")


@dataclass(frozen=True)
class Block:
    """Neighbouring documents with their tokens laid end to end.

    ``documents`` says where they and their sentences begin and end; ``input_ids`` uint16 or uint32 [T] and
    ``unit_starts`` uint8 [T] are as in the tokens file, ``doc_ids`` and ``sources`` strings [D],
    ``characters`` int64 [D] the lengths of their texts.
    """

    documents: Documents
    input_ids: np.ndarray
    unit_starts: np.ndarray
    doc_ids: pa.StringArray
    sources: pa.StringArray
    characters: np.ndarray


@dataclass(frozen=True)
class Chosen:
    """Which documents are read: those of ``split`` within a ``share`` of the corpus drawn by ``seed``."""

    split: str
    share: float = 1.0
    seed: int = 0

    def among(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the chosen documents of a batch with the columns ``split`` and ``doc_id``."""
        own = _of_split(batch, self.split)
        return own if self.share >= 1 else own.filter(pa.array(self._within(own)))

    def outside(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the documents of the split that the share leaves out."""
        own = _of_split(batch, self.split)
        return own.filter(pa.array(~self._within(own)))

    def _within(self, batch: pa.RecordBatch) -> np.ndarray:
        return in_share(batch["doc_id"].to_pylist(), self.share, self.seed)


def read_blocks(
    paths: Sequence[str | Path], chosen: Chosen, block_tokens: int = BLOCK_TOKENS
) -> Iterator[Block]:
    """Yield the chosen documents in blocks of nearly the same size, in the order of the files.

    The workflow's tokens files are in the order of document ids. Where blocks begin depends on the documents'
    lengths alone, not on how a file is divided into record batches. A document that is larger than a
    block is read whole.

    Raises:
        InputError: a file is missing, cut short, or no tokens file of the present form.
    """
    lengths = [_lengths(path, chosen) for path in paths]
    ends = np.cumsum(np.concatenate([np.zeros(0, dtype=np.int64), *lengths]))
    if not len(ends):
        return
    total = int(ends[-1])
    number = -(-total // block_tokens)
    middles = ends - np.concatenate(lengths) // 2
    # The middle of the last document may lie at the very end where that has a single token.
    block_of = np.minimum(middles * number // total, number - 1)
    waiting: list[pa.RecordBatch] = []
    done, current = 0, int(block_of[0])
    for batch in _batches(paths, chosen):
        own = block_of[done : done + len(batch)]
        done += len(batch)
        cuts = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(batch)]
        for start, end in pairwise(cuts):
            if own[start] != current:
                yield _block(waiting)
                waiting, current = [], int(own[start])
            waiting.append(batch.slice(start, end - start))
    yield _block(waiting)


def read_left_out(
    paths: Sequence[str | Path], chosen: Chosen
) -> Iterator[tuple[str, str, int, int]]:
    """Yield id, source, characters and tokens of each document that the share leaves out."""
    names = ("doc_id", "source", "characters")
    for path in paths if chosen.share < 1 else ():
        with _opened(path, (*names, "split", "sentence_ends")) as reader:
            for number in range(reader.num_record_batches):
                batch = chosen.outside(reader.get_batch(number))
                columns = [batch[name].to_pylist() for name in names]
                yield from zip(*columns, _tokens(batch).tolist(), strict=True)


def _lengths(path: str | Path, chosen: Chosen) -> np.ndarray:
    """Return the tokens of each chosen document (int64 [D]), reading its sentences only."""
    result = [np.zeros(0, dtype=np.int64)]
    with _opened(path, ("doc_id", "split", "sentence_ends")) as reader:
        for number in range(reader.num_record_batches):
            result.append(_tokens(chosen.among(reader.get_batch(number))))
    return np.concatenate(result)


def _tokens(batch: pa.RecordBatch) -> np.ndarray:
    """Return the tokens of each document (int64 [D]): where its last sentence ends."""
    ends = np.cumsum(pc.list_value_length(batch["sentence_ends"]).to_numpy())
    return batch["sentence_ends"].flatten().to_numpy()[ends - 1].astype(np.int64)


def _batches(paths: Sequence[str | Path], chosen: Chosen) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with _opened(path, (*_NAMES, "split", *_LISTS)) as reader:
            for number in range(reader.num_record_batches):
                batch = chosen.among(reader.get_batch(number))
                if len(batch):
                    yield batch


@contextmanager
def _opened(path: str | Path, names: Sequence[str]) -> Iterator[pa.ipc.RecordBatchFileReader]:
    """Open some columns of a tokens file; batches are copied, not mapped, and so leave memory again."""
    try:
        with pa.OSFile(str(path)) as file:
            known = pa.ipc.open_file(file).schema
            missing = [name for name in names if name not in known.names]
            if missing:
                raise InputError(
                    f"{path}: no tokens file of this version (without {', '.join(missing)}); "
                    "delete it and run again"
                )
            fields = [known.get_field_index(name) for name in names]
            options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
            yield pa.ipc.open_file(file, options=options)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{path}: not a readable tokens file ({error}); delete it and run again"
        ) from error


def _of_split(batch: pa.RecordBatch, split: str) -> pa.RecordBatch:
    wanted = pc.equal(batch["split"], split)
    if pc.all(wanted).as_py():
        return batch
    return batch.filter(wanted)


def _block(batches: Sequence[pa.RecordBatch]) -> Block:
    """Return the documents of several batches as one block."""
    columns = {name: pa.concat_arrays([batch[name] for batch in batches]) for name in _NAMES}
    values, counts = {}, {}
    for name in _LISTS:
        values[name] = np.concatenate([batch[name].flatten().to_numpy() for batch in batches])
        lengths = [pc.list_value_length(batch[name]).to_numpy() for batch in batches]
        counts[name] = np.concatenate([np.zeros(1, dtype=np.int64), *lengths]).cumsum()
    offsets, sentences = counts["input_ids"], counts["sentence_ends"]
    begins = np.repeat(offsets[:-1], np.diff(sentences))
    # A document without a group is a group of its own; a tab is in no document's id.
    groups = pc.if_else(
        pc.equal(columns["group"], ""),
        pc.binary_join_element_wise("\t", columns["doc_id"], ""),
        columns["group"],
    )
    kinds = pc.binary_join_element_wise(columns["source"], columns["kind"], "\t")
    return Block(
        documents=Documents(
            offsets=offsets,
            sentence_ends=values["sentence_ends"] + begins,
            sentence_offsets=sentences,
            groups=_codes(groups),
            kinds=_codes(kinds),
        ),
        input_ids=values["input_ids"],
        unit_starts=values["unit_starts"],
        doc_ids=columns["doc_id"],
        sources=columns["source"],
        characters=columns["characters"].to_numpy(),
    )


def _codes(names: pa.StringArray) -> np.ndarray:
    """Return a number (int64) for each name, the same for the same name, in the order of first appearance."""
    return names.dictionary_encode().indices.to_numpy().astype(np.int64)
