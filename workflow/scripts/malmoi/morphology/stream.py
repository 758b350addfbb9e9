"""Texts of any number through Kiwi in order, each block once, and none the cache knows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kiwipiepy import Kiwi

from malmoi.morphology.analyzer import Analysis, Blocks
from malmoi.morphology.cache import Cache, key
from malmoi.morphology.kiwi import packed_blocks

#: Batches that may wait for answers: where the cache knows nearly all blocks, many could pile up before one.
MOST_OPEN = 64


@dataclass
class Counts:
    """How many blocks the texts had, how many of them were analysed, and how many the cache knew.

    The others repeat a block of the same run.
    """

    blocks: int = 0
    analysed: int = 0
    cached: int = 0


@dataclass
class _Batch:
    """Texts that are waited for: their blocks, the key of each, and what is known and asked by key."""

    parts: Blocks
    keys: list[bytes]
    packed: dict[bytes, bytes]
    asked: dict[bytes, str]
    answered: list[bytes] = field(default_factory=list)


def analysed(
    kiwi: Kiwi, batches: Iterable[Sequence[str]], cache: Cache, counts: Counts
) -> Iterator[Analysis]:
    """Yield the analysis of each batch of texts.

    Batches are taken ahead of the answers, so that Kiwi's threads need not wait. What is found goes into
    ``cache``, and how much into ``counts``; neither changes what is yielded.
    """
    waiting: set[bytes] = set()
    opened: deque[_Batch] = deque()
    owners: deque[_Batch | None] = deque()

    def feed() -> Iterator[str]:
        for texts in batches:
            batch = _planned(texts, cache, waiting)
            counts.blocks += len(batch.keys)
            counts.analysed += len(batch.asked)
            opened.append(batch)
            for text in batch.asked.values():
                owners.append(batch)
                yield text
            while len(opened) > MOST_OPEN:
                owners.append(None)
                yield ""

    reused = cache.reused
    for packed in packed_blocks(kiwi, feed()):
        owner = owners.popleft()
        if owner is not None:
            owner.answered.append(packed)
        while opened and len(opened[0].answered) == len(opened[0].asked):
            yield _finished(opened.popleft(), cache, waiting)
    while opened:
        yield _finished(opened.popleft(), cache, waiting)
    counts.cached += cache.reused - reused


def _planned(texts: Sequence[str], cache: Cache, waiting: set[bytes]) -> _Batch:
    """Return the blocks of ``texts``; those neither known nor waited for are to be asked."""
    parts = Blocks(texts)
    keys = [key(part) for part in parts.texts]
    distinct = {
        name: part for name, part in zip(keys, parts.texts, strict=True) if name not in waiting
    }
    known = dict(zip(distinct, cache.get(list(distinct)), strict=True))
    asked = {name: part for name, part in distinct.items() if known[name] is None}
    waiting.update(asked)
    return _Batch(
        parts,
        keys,
        {name: packed for name, packed in known.items() if packed is not None},
        asked,
    )


def _finished(batch: _Batch, cache: Cache, waiting: set[bytes]) -> Analysis:
    """Return a batch's analysis, all its questions being answered, and make the answers known."""
    names = list(batch.asked)
    cache.put(names, batch.answered)
    waiting.difference_update(names)
    packed = batch.packed | dict(zip(names, batch.answered, strict=True))
    # What earlier batches were waiting for when this one was planned.
    missing = list(dict.fromkeys(name for name in batch.keys if name not in packed))
    if missing:
        packed.update(zip(missing, cache.get(missing), strict=True))
    return batch.parts.analysis([packed[name] for name in batch.keys])
