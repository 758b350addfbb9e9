"""Does a model tell the senses of a word by its context? A probe of Korean homographs, in sentences of our own.

``homographs.tsv`` has a line per sentence: the word, a number for its sense, and the sentence with the word in
braces. A sense has sentences of law, medicine and daily life alike where it can, so that the topic alone tells
little; bars that see words but no network stand beside the model's figure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from malmoi.errors import InputError
from malmoi.evaluation.intervals import figure, interval
from malmoi.evaluation.likelihood import hidden_states

SENTENCES = Path(__file__).with_name("homographs.tsv")

#: Cosines that differ by less are equal: those of equal vectors differ in their last bits.
_TIE = 1e-6

_LINE = re.compile(r"(\S+)\t(\d+)\t([^{}\t]*)\{([^{}\t]+)\}([^{}\t]*)")


class Item(NamedTuple):
    """A sentence, where its homograph stands in it, and which of the word's senses it has."""

    word: str
    sense: int
    text: str
    start: int
    end: int


def read_items(path: str | Path = SENTENCES) -> list[Item]:
    """Return the sentences of a file.

    Raises:
        InputError: a line is not word, sense and a sentence with the word in braces.
    """
    items = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or match[1] != match[4]:
            raise InputError(
                f"{path}: line {number}: write word, sense and sentence, with the word in braces once, "
                "with tabs between them"
            )
        before, word, behind = match[3], match[4], match[5]
        place = len(before)
        items.append(Item(word, int(match[2]), before + word + behind, place, place + len(word)))
    return items


def probe(
    networks: Mapping[str, PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[Item],
    seed: int,
) -> dict[str, Any]:
    """Return how often a word's vector is nearest to those of its own sense, with intervals over words.

    The vector is the mean over the pieces that hold the word's characters, less the mean of all items'. It is
    held against the mean of each sense's other sentences by cosine; a tie counts its share. Each half of the
    words has the layer that is best on the other half. ``networks`` are measured in this way. Beside them
    stand, of the first, the embeddings of the pieces by themselves (``static``) and those of the sentence's
    other pieces (``static_context``), and without a network the sentence's other characters
    (``tfidf_context``) and the commonest sense (``majority``). Figures are means over words of the share of
    sentences that are right. Sentences of more pieces than the networks read are left out.
    """
    longest = next(iter(networks.values())).config.max_position_embeddings
    items, ids, inside = _pieces(tokenizer, items, longest)
    words = sorted({item.word for item in items})
    by_word = [
        np.array([at for at, item in enumerate(items) if item.word == word]) for word in words
    ]
    senses = np.array([item.sense for item in items])

    def shares(vectors: np.ndarray) -> np.ndarray:
        return np.array([nearest(vectors[part], senses[part]).mean() for part in by_word])

    found: dict[str, np.ndarray] = {}
    layers: dict[str, Any] = {}
    for name, model in networks.items():
        by_layer = [
            shares(vectors - vectors.mean(0))
            for vectors in layer_vectors(model, tokenizer.pad_token_id, ids, inside)
        ]
        found[name], chosen = _by_the_other_half(np.stack(by_layer))
        layers[name] = {
            "chosen": chosen,
            "accuracy": [figure(values.mean()) for values in by_layer],
        }
    embeddings = next(iter(networks.values())).get_input_embeddings().weight.detach().float()
    table = embeddings.cpu().numpy()
    special = set(tokenizer.all_special_ids)
    own = np.stack(
        [table[np.array(row)[part]].mean(0) for row, part in zip(ids, inside, strict=True)]
    )
    other = np.stack(
        [_mean_of_others(table, row, part, special) for row, part in zip(ids, inside, strict=True)]
    )
    found["static"], found["static_context"] = (
        shares(part - part.mean(0)) for part in (own, other)
    )
    contexts = [item.text[: item.start] + " " + item.text[item.end :] for item in items]
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True
    )
    found["tfidf_context"] = shares(vectorizer.fit_transform(contexts).toarray())
    found["majority"] = np.array(
        [np.unique(senses[part], return_counts=True)[1].max() / len(part) for part in by_word]
    )

    values = np.stack(list(found.values()))

    def statistic(weights: np.ndarray, _runs: np.ndarray | None = None) -> np.ndarray:
        return values @ weights / weights.sum()

    point = statistic(np.ones(len(words)))
    low, high = interval(len(words), statistic, seed)
    whole = [
        _is_whole(tokenizer, item, row, part)
        for item, row, part in zip(items, ids, inside, strict=True)
    ]
    return {
        "words": len(words),
        "sentences": len(items),
        "own_pieces": figure(np.mean(whole)),
        "layers": layers,
        "models": {
            name: {
                "accuracy": {
                    "value": figure(point[at]),
                    "low": figure(low[at]),
                    "high": figure(high[at]),
                },
                "by_word": {
                    word: figure(value) for word, value in zip(words, found[name], strict=True)
                },
            }
            for at, name in enumerate(found)
        },
    }


def nearest(vectors: np.ndarray, senses: np.ndarray) -> np.ndarray:
    """Return for each vector (float [N, D]) whether its sense's other vectors are nearest (float64 [N]).

    A sense is the mean of its vectors, without the one that is asked for. Where several senses are as near, the
    figure is 1 over their number, 0 if its own is not among them.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    numbers = np.unique(senses)
    member = senses[:, None] == numbers
    centres = np.repeat((member.T.astype(float) @ unit)[None], len(vectors), axis=0)
    centres -= member[:, :, None] * unit[:, None]
    norms = np.maximum(np.linalg.norm(centres, axis=2), 1e-12)
    near = np.einsum("nd,nsd->ns", unit, centres) / norms
    first = near >= near.max(1, keepdims=True) - _TIE
    return (first & member).sum(1) / first.sum(1)


def _by_the_other_half(shares: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return shares by word (float64 [W]) in the layer that is best on the other half of the words.

    ``shares`` are float64 [layers, W]; the layer of each half comes second.
    """
    halves = [slice(0, None, 2), slice(1, None, 2)]
    result = np.zeros(shares.shape[1])
    chosen = []
    for half, other in (halves, halves[::-1]):
        # Rounded, so that layers alike but for the last bits give the same choice everywhere.
        chosen.append(int(np.round(shares[:, other].mean(1), 9).argmax()))
        result[half] = shares[chosen[-1], half]
    return result, chosen


def _pieces(
    tokenizer: PreTrainedTokenizerBase, items: Sequence[Item], longest: int
) -> tuple[list[Item], list[list[int]], list[np.ndarray]]:
    """Return the items that fit, the ids of each, and which of them hold characters of its word (bool)."""
    fitting, ids, inside = [], [], []
    for item, encoding in zip(
        items, tokenizer([item.text for item in items], verbose=False).encodings, strict=True
    ):
        if len(encoding.ids) > longest:
            continue
        fitting.append(item)
        spans = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        held = (spans[:, 0] < item.end) & (spans[:, 1] > item.start)
        ids.append(encoding.ids)
        inside.append(held)
    return fitting, ids, inside


def _mean_of_others(
    table: np.ndarray, ids: Sequence[int], inside: np.ndarray, special: Collection[int]
) -> np.ndarray:
    """Return the mean embedding (float [D]) of the pieces of a sentence outside of its word."""
    kept = [
        piece for piece, ours in zip(ids, inside, strict=True) if not ours and piece not in special
    ]
    return table[kept].mean(0) if kept else np.zeros(table.shape[1])


def _is_whole(
    tokenizer: PreTrainedTokenizerBase, item: Item, ids: Sequence[int], inside: np.ndarray
) -> bool:
    """Return whether the pieces that hold a word hold nothing else."""
    pieces = tokenizer.convert_ids_to_tokens([ids[at] for at in np.flatnonzero(inside)])
    return "".join(piece.removeprefix("##") for piece in pieces) == item.word


def layer_vectors(
    model: PreTrainedModel,
    padding: int,
    ids: Sequence[Sequence[int]],
    inside: Sequence[np.ndarray],
) -> np.ndarray:
    """Return the mean vector of chosen tokens of each sentence in each layer (float64 [layers, N, D])."""
    model.eval()
    result: np.ndarray | None = None
    with torch.inference_mode():
        for numbers, states, _ in hidden_states(model, ids, padding, layers=True):
            width = states[0].shape[1]
            held = np.stack([np.pad(inside[at], (0, width - len(inside[at]))) for at in numbers])
            weights = torch.from_numpy(held / held.sum(1, keepdims=True)).to(states[0])
            found = torch.stack([torch.einsum("bl,bld->bd", weights, state) for state in states])
            if result is None:
                result = np.zeros((len(states), len(ids), states[0].shape[2]))
            result[:, numbers] = found.double().cpu().numpy()
    assert result is not None
    return result
