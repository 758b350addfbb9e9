"""Which documents the audit looks at: members, documents never seen, and those of the reference model.

A document is represented by one chunk, and a group by one document, since chunks of one document are no
independent evidence. Members are taken from each source as often as documents never seen, else the audit
would tell sources apart and call it memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from malmoi.errors import InputError
from malmoi.sampling import below, in_share, key, uniform

#: Pieces of a chunk at most, and at least: fewer say too little.
LONGEST, SHORTEST = 126, 24

#: Pieces that the reference model is trained on, at most.
REFERENCE_PIECES = 1_000_000


@dataclass(frozen=True)
class Sampled:
    """Chunks of ids (int64) with the document each is from.

    ``reference`` are chunks that cover documents which neither members nor unseen ones are from;
    ``member_counts`` and ``reference_counts`` (int64 [V]) are how often each id occurs in all documents of
    training and in all that the reference is from.
    """

    members: list[np.ndarray]
    unseen: list[np.ndarray]
    member_ids: list[str]
    unseen_ids: list[str]
    reference: list[np.ndarray]
    member_counts: np.ndarray
    reference_counts: np.ndarray


def sample(
    paths: Sequence[str | Path],
    vocabulary_size: int,
    longest: int,
    number: int,
    seed: int,
    share: float = 1.0,
) -> Sampled:
    """Draw at most ``number`` members and as many unseen documents out of tokens files.

    Members are of the split ``train`` and the ``share`` of it that was trained on, unseen ones of ``test``,
    those of the reference of ``validation``. Chunks hold at most ``longest`` tokens with two special ones.

    Raises:
        InputError: a file is no tokens file, an id is not in the vocabulary, a split has no document of
            ``SHORTEST`` pieces, or the model does not read that many.
    """
    size = min(LONGEST, longest - 2)
    if size < SHORTEST:
        raise InputError(
            f"the model reads {longest} tokens, but the audit needs {SHORTEST + 2}; train it with a longer "
            "max_position_embeddings"
        )
    rows, counts = _survey(paths, vocabulary_size, seed, share)
    rows = rows[rows["length"] >= SHORTEST].sort_values(["draw", "doc_id"])
    first = rows.drop_duplicates("group")
    parts = {name: first[first["split"] == name] for name in ("train", "validation", "test")}
    for name, part in parts.items():
        if part.empty:
            raise InputError(
                f"{', '.join(map(str, paths))}: no document of the {name} split has {SHORTEST} pieces, so "
                f"memory cannot be told from knowledge; give it more documents (curate.split in the config)"
            )
    unseen = parts["test"].head(number)
    wanted = unseen["source"].value_counts()
    members = pd.concat(
        [part.head(int(wanted.get(source, 0))) for source, part in parts["train"].groupby("source")]
    )
    reference = rows[rows["split"] == "validation"]
    reference = reference[
        reference["length"].cumsum() <= max(REFERENCE_PIECES, reference["length"].iloc[0])
    ]
    texts = _texts(paths, pd.concat([members, unseen, reference]))
    return Sampled(
        members=[_chunk(texts[name], size, seed, name) for name in members["doc_id"]],
        unseen=[_chunk(texts[name], size, seed, name) for name in unseen["doc_id"]],
        member_ids=list(members["doc_id"]),
        unseen_ids=list(unseen["doc_id"]),
        reference=[
            texts[name][at : at + size]
            for name in reference["doc_id"]
            for at in range(0, len(texts[name]), size)
        ],
        member_counts=counts["train"],
        reference_counts=counts["validation"],
    )


def trained_documents(
    paths: Sequence[str | Path], seed: int, share: float = 1.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the ids (int64 [T]) of neighbouring training documents, and where each begins and all end."""
    for _, _, batch in _batches(paths):
        chosen = batch.filter(pc.equal(batch["split"], "train"))
        within = in_share(chosen["doc_id"].to_pylist(), share, seed)
        chosen = chosen.filter(pa.array(within))
        if len(chosen):
            lengths = pc.list_value_length(chosen["input_ids"]).to_numpy()
            ids = chosen["input_ids"].flatten().to_numpy().astype(np.int64)
            yield ids, np.concatenate([[0], np.cumsum(lengths)])


def _batches(paths: Sequence[str | Path]) -> Iterator[tuple[int, int, pa.RecordBatch]]:
    for file, path in enumerate(paths):
        try:
            with pa.memory_map(str(path)) as mapped:
                reader = pa.ipc.open_file(mapped)
                for number in range(reader.num_record_batches):
                    yield file, number, reader.get_batch(number)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(
                f"{path}: not a readable tokens file ({error}); delete it and run again"
            ) from None


def _survey(
    paths: Sequence[str | Path], vocabulary_size: int, seed: int, share: float
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return a row for each document, and how often each id occurs in each split.

    Training documents outside the share are of no split.
    """
    stream = key(seed, "audit", "documents")
    counts = {
        name: np.zeros(vocabulary_size, dtype=np.int64) for name in ("train", "validation", "test")
    }
    frames = []
    for file, number, batch in _batches(paths):
        frame = batch.select(["doc_id", "source", "group", "split"]).to_pandas()
        frame["length"] = pc.list_value_length(batch["input_ids"]).to_numpy()
        frame["file"], frame["batch"], frame["row"] = file, number, np.arange(len(frame))
        numbers = np.array([int(name[:16], 16) for name in frame["doc_id"]], dtype=np.uint64)
        frame["draw"] = uniform(stream, numbers)
        trained = in_share(list(frame["doc_id"]), share, seed)
        frame["split"] = frame["split"].where((frame["split"] != "train") | trained, "")
        frame["group"] = frame["group"].where(frame["group"] != "", frame["doc_id"])
        frames.append(frame)
        ids = batch["input_ids"].flatten().to_numpy()
        if len(ids) and int(ids.max()) >= vocabulary_size:
            raise InputError(
                f"{paths[file]}: id {int(ids.max())} is outside the model's vocabulary of {vocabulary_size}; "
                "audit a model with the tokens it was trained on"
            )
        for name, own in counts.items():
            chosen = np.repeat((frame["split"] == name).to_numpy(), frame["length"])
            own += np.bincount(ids[chosen], minlength=vocabulary_size)
    if not frames:
        raise InputError("the audit was given no tokens; run tokenize first")
    return pd.concat(frames, ignore_index=True), counts


def _texts(paths: Sequence[str | Path], rows: pd.DataFrame) -> dict[str, np.ndarray]:
    wanted = {
        place: list(zip(part["row"], part["doc_id"], strict=True))
        for place, part in rows.groupby(["file", "batch"])
    }
    return {
        name: batch["input_ids"][row].values.to_numpy().astype(np.int64)
        for file, number, batch in _batches(paths)
        for row, name in wanted.get((file, number), ())
    }


def _chunk(ids: np.ndarray, size: int, seed: int, doc_id: str) -> np.ndarray:
    stream = key(seed, "audit", "chunk", doc_id)
    start = int(below(stream, np.zeros(1), max(1, len(ids) - size + 1))[0])
    return ids[start : start + size]
