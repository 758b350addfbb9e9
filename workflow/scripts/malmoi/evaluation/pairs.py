"""Does a segment follow another? Held-out pairs against four kinds of negatives, from easy to hard.

Against segments of random documents, the task of Devlin et al. (2019), words in common nearly decide. So a
cosine of TF-IDF vectors, which needs no network, stands beside every figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import BertForPreTraining, PreTrainedTokenizerBase

from malmoi.evaluation.eojeols import Document
from malmoi.evaluation.intervals import figure, interval, numbered
from malmoi.evaluation.likelihood import hidden_states
from malmoi.sampling import below, key

#: Segments between a pair's first and a negative of the same document, at least.
APART = 3

#: What stands behind a first segment instead of the one that follows it.
NEGATIVES = ("random", "same_title", "same_document", "swapped")


class Pair(NamedTuple):
    """Two segments, whether the second follows the first, and the group of the first's document."""

    first: str
    second: str
    follows: bool
    group: str


def segment_pairs(
    documents: Sequence[Document], length: int, number: int, seed: int
) -> dict[str, list[Pair]]:
    """Return for each kind of negative about ``number`` pairs that follow and as many that do not.

    A segment has ``length`` eojeols, so that sizes tell nothing. ``random`` negatives are of another group,
    ``same_title`` ones of another group with the same title, such as a case name, ``same_document`` ones stand
    at least ``APART`` segments from the first. A first segment without a negative of a kind is left out there.
    """
    segments = [
        [
            document.stretch(at, at + length)
            for at in range(0, len(document.eojeols) - length + 1, length)
        ]
        for document in documents
    ]
    groups = [document.group or document.doc_id for document in documents]
    titles: dict[str, list[int]] = {}
    for at, document in enumerate(documents):
        if segments[at]:
            titles.setdefault(document.title, []).append(at)
    anywhere = [at for at in range(len(documents)) if segments[at]]
    found: dict[str, list[Pair]] = {kind: [] for kind in NEGATIVES}
    for at, place in _firsts(segments, number):
        first, second = segments[at][place : place + 2]
        stream = key(seed, "pairs", documents[at].doc_id, place)
        same = titles[documents[at].title] if documents[at].title else []

        def other(among: Sequence[int], stream: int = stream, at: int = at) -> str | None:
            among = [one for one in among if groups[one] != groups[at]]
            if not among:
                return None
            one = segments[among[_drawn(stream, 0, len(among))]]
            return one[_drawn(stream, 1, len(one))]

        far = [text for n, text in enumerate(segments[at]) if abs(n - place) >= APART]
        negatives = {
            "random": (first, other(anywhere)),
            "same_title": (first, other(same)),
            "same_document": (first, far[_drawn(stream, 2, len(far))] if far else None),
            "swapped": (second, first),
        }
        for kind, (one, two) in negatives.items():
            if two is not None:
                found[kind].append(Pair(first, second, True, groups[at]))
                found[kind].append(Pair(one, two, False, groups[at]))
    return found


def _drawn(stream: int, counter: int, bound: int) -> int:
    return int(below(stream, np.array([counter]), bound)[0])


def _firsts(segments: Sequence[Sequence[str]], number: int) -> list[tuple[int, int]]:
    """Return document and place of at most ``number`` first segments, spread evenly over all there are."""
    all_of_them = [
        (at, place) for at, texts in enumerate(segments) for place in range(len(texts) - 1)
    ]
    chosen = np.linspace(0, len(all_of_them), min(number, len(all_of_them)), endpoint=False)
    return [all_of_them[int(at)] for at in chosen]


def evaluate_pairs(
    networks: Mapping[str, BertForPreTraining],
    tokenizer: PreTrainedTokenizerBase,
    pairs: Mapping[str, Sequence[Pair]],
    seed: int,
) -> dict[str, Any]:
    """Return for each kind of negative accuracy and area under the ROC curve, with intervals over groups.

    A network says yes where its head does. The bar, ``tfidf_cosine``, gets the threshold that is best on these
    very pairs, which flatters it.
    """
    distinct = sorted({(pair.first, pair.second) for part in pairs.values() for pair in part})
    if not distinct:
        return {}
    place = {texts: number for number, texts in enumerate(distinct)}
    scores = {name: network_logits(model, tokenizer, distinct) for name, model in networks.items()}
    bar = cosines(distinct)
    report: dict[str, Any] = {}
    for kind, part in pairs.items():
        if not part:
            report[kind] = {"pairs": 0}
            continue
        at = np.array([place[pair.first, pair.second] for pair in part])
        follows = np.array([pair.follows for pair in part])
        owner, groups = numbered([pair.group for pair in part])
        ranked = {"tfidf_cosine": _Ranked(bar[at], follows, owner, None)} | {
            name: _Ranked(values[at], follows, owner, 0.0) for name, values in scores.items()
        }

        def statistic(
            weights: np.ndarray,
            _runs: np.ndarray | None = None,
            ranked: Mapping[str, _Ranked] = ranked,
        ) -> np.ndarray:
            return np.array([value for one in ranked.values() for value in one.figures(weights)])

        point = statistic(np.ones(groups))
        low, high = interval(groups, statistic, seed)
        models = {
            name: {
                measure: {
                    "value": figure(point[2 * number + offset]),
                    "low": figure(low[2 * number + offset]),
                    "high": figure(high[2 * number + offset]),
                }
                for offset, measure in enumerate(("nsp_accuracy", "nsp_auc"))
            }
            for number, name in enumerate(ranked)
        }
        report[kind] = {"pairs": len(part), "groups": groups, "models": models}
    return report


class _Ranked:
    """Scored pairs in the order of their scores, for weighted figures of them."""

    def __init__(
        self, scores: np.ndarray, follows: np.ndarray, owner: np.ndarray, threshold: float | None
    ) -> None:
        # Cosines and logits that differ in their last bits alone are equal on another machine.
        levels, self.level = np.unique(np.round(scores, 6), return_inverse=True)
        self.follows, self.owner = follows, owner
        self.cut = None if threshold is None else int(np.searchsorted(levels, threshold, "right"))
        self.levels = len(levels)

    def figures(self, weights: np.ndarray) -> tuple[float, float]:
        """Return accuracy and area under the ROC curve, NaN where one side has no weight."""
        each = weights[self.owner].astype(float)
        yes = np.bincount(self.level[self.follows], each[self.follows], self.levels)
        no = np.bincount(self.level[~self.follows], each[~self.follows], self.levels)
        if not yes.sum() or not no.sum():
            return np.nan, np.nan
        below_yes, below_no = (np.append(0, np.cumsum(values)) for values in (yes, no))
        # At a cut all pairs of a lower level are said not to follow.
        right = (below_no + yes.sum() - below_yes) / (yes.sum() + no.sum())
        area = (yes * (below_no[:-1] + no / 2)).sum() / (yes.sum() * no.sum())
        return float(right.max() if self.cut is None else right[self.cut]), float(area)


def network_logits(
    model: BertForPreTraining,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[tuple[str, str]],
) -> np.ndarray:
    """Return by how much a network's head prefers that the second text follows (float64 [N]).

    Pairs that are longer than its positions are cut at the end of the longer text.
    """
    found = tokenizer(
        *(list(column) for column in zip(*texts, strict=True)),
        truncation="longest_first",
        max_length=model.config.max_position_embeddings,
    ).encodings
    result = np.zeros(len(texts))
    model.eval()
    ids, types = [one.ids for one in found], [one.type_ids for one in found]
    with torch.inference_mode():
        batches = hidden_states(model, ids, tokenizer.pad_token_id, types=types)
        for numbers, _, pooled in batches:
            # The first class is "follows".
            logits = model.cls.seq_relationship(pooled).float().cpu().numpy()
            result[numbers] = logits[:, 0] - logits[:, 1]
    return result


def cosines(texts: Sequence[tuple[str, str]]) -> np.ndarray:
    """Return the cosine of the TF-IDF of character 2- to 4-grams of both texts (float64 [N])."""
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, dtype=np.float32
    )
    distinct = sorted({text for pair in texts for text in pair})
    rows = vectorizer.fit_transform(distinct)
    number = {text: at for at, text in enumerate(distinct)}
    firsts, seconds = (
        rows[[number[text] for text in column]] for column in zip(*texts, strict=True)
    )
    return np.asarray(firsts.multiply(seconds).sum(1), dtype=np.float64).ravel()
