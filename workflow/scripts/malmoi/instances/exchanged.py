"""Cut documents into next-sentence pairs so that every token is used once in each pass.

The published algorithm (google-research/bert, create_pretraining_data.py) truncates what does not fit and
labels more than half of its pairs random. Here each document is cut, in order, into pairs of two segments whose
budgets come from a few templates. For half of the pairs the second segments are then exchanged among pairs of
the same template and about the same length, so an exchanged segment always fits, no token is cut off, and a
pair's two lengths say next to nothing about its label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from malmoi import sampling

#: Share of the token budget that segment A may take; a pair draws one.
TEMPLATES = (0.3, 0.45, 0.55, 0.7)

#: Pairs that exchange their second segments among themselves, at least, where there are as many.
BLOCK = 16

#: [CLS] A [SEP] B [SEP]
SPECIAL_TOKENS = 3


@dataclass(frozen=True)
class Documents:
    """The documents of one shard, laid end to end.

    ``offsets`` int64 [D + 1] are token positions where documents begin and end; ``sentence_ends`` holds one
    ascending int64 array per document, relative to its start; ``groups`` names what a random segment must
    not share with its partner.
    """

    offsets: np.ndarray
    sentence_ends: Sequence[np.ndarray]
    groups: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """Pairs of segments as token positions: int64 [P, 2] (start, end) for A and B, with their documents.

    ``label`` uint8 [P] is 0 where B follows A and 1 where B is random.
    """

    a: np.ndarray
    b: np.ndarray
    document_a: np.ndarray
    document_b: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.label)


def build_pairs(
    documents: Documents, max_seq_length: int, short_share: float, stream: int
) -> Pairs:
    """Return one pass over the documents as pairs, half of them random.

    ``short_share`` of the pairs get a random smaller budget, as ``short_seq_prob`` does in the paper's
    code, so that the model sees short inputs. A document of a single token gives no pair. A pair stays "next"
    where no partner of another group is left, as in a shard of one document.
    """
    spans, templates, owners = [], [], []
    for number in range(len(documents.groups)):
        cut, drawn = _cut(
            documents.sentence_ends[number],
            max_seq_length - SPECIAL_TOKENS,
            short_share,
            sampling.key(stream, "cut", number),
        )
        spans.append(cut + documents.offsets[number])
        templates.append(drawn)
        owners.append(np.full(len(cut), number))
    span = np.concatenate(spans) if spans else np.zeros((0, 3), dtype=np.int64)
    template = np.concatenate(templates) if templates else np.zeros(0, dtype=np.int64)
    owner = np.concatenate(owners) if owners else np.zeros(0, dtype=np.int64)
    partner = _exchange(
        template,
        owner,
        span[:, 2] - span[:, 1],
        documents.groups,
        sampling.key(stream, "exchange"),
    )
    return Pairs(
        a=span[:, 0:2],
        b=span[partner, 1:3],
        document_a=owner,
        document_b=owner[partner],
        label=(partner != np.arange(len(partner))).astype(np.uint8),
    )


def _cut(
    ends: np.ndarray, budget: int, short_share: float, stream: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (start of A, start of B, end of B) int64 [P, 3] and the template of each pair of a document."""
    length = int(ends[-1]) if len(ends) else 0
    rows: list[tuple[int, int, int]] = []
    drawn: list[int] = []
    position = 0
    while length - position >= 2:
        counter = np.array([2 * len(rows), 2 * len(rows) + 1])
        template = int(sampling.below(stream, counter[:1], len(TEMPLATES))[0])
        chance = float(sampling.uniform(stream, counter[1:])[0])
        total = budget
        if chance < short_share:
            # The draw that chose a short pair also chooses, uniformly, how short.
            total = 4 + int(chance / short_share * (budget - 4))
            template += len(TEMPLATES)
        first = max(1, int(total * TEMPLATES[template % len(TEMPLATES)]))
        middle = _segment_end(ends, position, first, length - 1)
        end = _segment_end(ends, middle, total - first, length)
        if length - end == 1:
            # A single token left over could not become a pair of its own.
            end = end - 1 if end - middle > 1 else length
        rows.append((position, middle, end))
        drawn.append(template)
        position = end
    return np.array(rows, dtype=np.int64).reshape(-1, 3), np.array(drawn, dtype=np.int64)


def _segment_end(ends: np.ndarray, start: int, budget: int, limit: int) -> int:
    """Return where a segment ends: after whole sentences, or inside one that would leave it half empty."""
    furthest = min(start + budget, limit)
    last = int(np.searchsorted(ends, furthest, side="right")) - 1
    whole = int(ends[last]) if last >= 0 else 0
    return whole if whole - start > budget // 2 else furthest


def _exchange(
    template: np.ndarray,
    owner: np.ndarray,
    lengths: np.ndarray,
    groups: Sequence[str],
    stream: int,
) -> np.ndarray:
    """Return, for each pair, the pair whose B it takes: itself, or one of its template and another group.

    ``lengths`` int64 [P] are the tokens of B. Only pairs whose B are about equally long exchange them: the end
    of a document leaves a short B after a short A, which a random B would otherwise give away.
    """
    count = len(template)
    partner = np.arange(count)
    order = np.argsort(sampling.bits(stream, partner), kind="stable")
    chosen = order[: count // 2]
    names, code = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    group_order = sampling.bits(sampling.key(stream, "groups"), np.arange(len(names)))
    for number in np.unique(template[chosen]):
        members = chosen[template[chosen] == number]
        members = members[np.argsort(lengths[members], kind="stable")]
        for block in np.array_split(members, max(1, len(members) // BLOCK)):
            _shift(block, code[owner[block]], group_order, partner)
    return partner


def _shift(
    members: np.ndarray, group: np.ndarray, group_order: np.ndarray, partner: np.ndarray
) -> None:
    """Give each of some pairs the B of one of another group; pairs of a group too large keep theirs."""
    # Runs of equal groups, in random order; a shift by the largest run leaves no pair its own group.
    order = np.argsort(group_order[group], kind="stable")
    members, group = members[order], group[order]
    sizes = np.bincount(group)
    largest = int(sizes.max())
    if 2 * largest > len(members):
        surplus = np.flatnonzero(group == sizes.argmax())[len(members) - largest :]
        members = np.delete(members, surplus)
        largest = len(members) // 2
    partner[members] = np.roll(members, -largest)
