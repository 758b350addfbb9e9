"""How a tokenizer cuts text it has not seen, against the morphemes of that text: one scorer for all tokenizers.

Any fast Hugging Face tokenizer is measured by its offsets, so pieces that are lower-cased, normalised or made
of bytes count where they stand in the text. Each distinct eojeol is tokenized once and counts as often as it
occurs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from malmoi.vocab.eojeols import Stretches
from malmoi.vocab.held_out import ALL, HeldOut

#: The order of Rényi's entropy that agreed best with what models made of a tokenizer (Zouhar et al. 2023).
ALPHA = 2.5

#: What is measured, by its name in tables. A word is one of BERT's pre-tokenizer. A boundary is where a
#: morpheme begins inside a word (a function morpheme: josa, eomi, the copula, -하/-되); a piece that begins
#: there respects it.
FIGURES: Mapping[str, str] = {
    "unk_share": "share of tokens that are [UNK]",
    "tokens_per_eojeol": "tokens per stretch without white space",
    "tokens_per_word": "tokens per word",
    "characters_per_token": "characters per token, white space not counted",
    "precision": "share of the cuts inside words that are morpheme boundaries",
    "recall": "share of morpheme boundaries that are respected",
    "f1": "harmonic mean of both",
    "functional_precision": "share of the cuts inside words that part a function morpheme from its stem",
    "functional_recall": "share of the boundaries before function morphemes that are respected",
    "functional_f1": "harmonic mean of both",
    "terms_single": "share of the distinct domain terms in the text that are one token when alone",
    "term_occurrences_single": "share of the occurrences of domain terms that are one token",
    "renyi_efficiency": "Rényi entropy of the tokens over the logarithm of the vocabulary's size",
    "unused_pieces": "share of the vocabulary that this text never uses",
    "unused_pieces_train": "share of the vocabulary that the training documents never use",
}

#: Eojeols joined to one text for the tokenizer, and texts given to it together.
_JOINED, _TEXTS = 256, 64


@dataclass(frozen=True)
class Measures:
    """What came of measuring one tokenizer.

    ``figures``: for each domain, and ``ALL``, the values of ``FIGURES`` by name; one that has nothing to be
    a share of is NaN.
    ``uses``, ``train_uses`` int64 [vocabulary]: how often the held-out and the training text use each piece;
    without training text the second is zero.
    """

    figures: dict[str, dict[str, float]]
    uses: np.ndarray
    train_uses: np.ndarray


def measure(tokenizer: Tokenizer, held_out: HeldOut, train: Stretches | None = None) -> Measures:
    """Return the figures of one tokenizer; ``train`` is the text that ``unused_pieces_train`` is about.

    Special tokens are not added, and truncation and padding are off.
    """
    tokenizer = without_limits(tokenizer)
    parts = list(_encoded(tokenizer, held_out.table.texts))
    ids, starts, ends, eojeols = (
        np.concatenate([part[number] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        for number in range(4)
    )
    unknown = ids == unknown_id(tokenizer)
    begins = beginnings(starts, ends)
    cuts = np.zeros(len(held_out.words), dtype=bool)
    cuts[starts[begins]] = True
    cuts[held_out.words] = False
    number = len(held_out.table)
    per_eojeol = {
        "tokens": np.bincount(eojeols, minlength=number),
        "unknown": np.bincount(eojeols[unknown], minlength=number),
        "eojeols": np.ones(number, dtype=np.int64),
        "words": _sums(held_out.words, held_out.starts),
        "characters": np.diff(held_out.table.starts),
        "cuts": _sums(cuts, held_out.starts),
        "boundaries": _sums(held_out.boundaries, held_out.starts),
        "functional": _sums(held_out.functional, held_out.starts),
        "found": _sums(cuts & held_out.boundaries, held_out.starts),
        "functional_found": _sums(cuts & held_out.functional, held_out.starts),
    }
    sums = {name: values @ held_out.counts for name, values in per_eojeol.items()}
    uses = _uses(ids, eojeols, held_out.counts, _length(tokenizer))
    pieces = _pieces(tokenizer)
    seen = None if train is None else piece_uses(tokenizer, train)
    terms = _single_terms(tokenizer, held_out, starts, ends, begins & ~unknown)
    figures = {}
    for column, domain in enumerate(held_out.domains):
        each = {name: float(values[column]) for name, values in sums.items()}
        figures[domain] = {
            **_figures(each),
            **{name: values[column] for name, values in terms.items()},
            "renyi_efficiency": renyi_efficiency(uses[:, column], len(tokenizer.get_vocab())),
            "unused_pieces": float(np.mean(uses[pieces, column] == 0)),
            "unused_pieces_train": _unused(pieces, seen, train, domain),
        }
    train_uses = np.zeros(len(uses), dtype=np.int64) if seen is None else seen.sum(axis=1)
    return Measures(figures, uses[:, -1], train_uses)


def piece_uses(tokenizer: Tokenizer, table: Stretches) -> np.ndarray:
    """Return how often each piece is used in the eojeols of each domain (int64 [vocabulary, D])."""
    tokenizer = without_limits(tokenizer)
    length = _length(tokenizer)
    result = np.zeros((length, len(table.domains)), dtype=np.int64)
    for ids, _, _, eojeols in _encoded(tokenizer, table.texts):
        result += _uses(ids, eojeols, table.counts, length)
    return result


def renyi_efficiency(uses: np.ndarray, size: int, alpha: float = ALPHA) -> float:
    """Return the Rényi entropy of a distribution over the logarithm of the vocabulary's size.

    Zouhar et al. 2023, "Tokenization and the Noiseless Channel": 1 where all pieces are used alike, low where a
    few pieces make up most of a text. NaN for a text without tokens.
    """
    total = uses.sum()
    if not total or size < 2:
        return float("nan")
    share = uses[uses > 0] / total
    return float(np.log(np.sum(share**alpha)) / (1 - alpha) / np.log(size))


def without_limits(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy that neither truncates nor pads."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def beginnings(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return which tokens, by their offsets, begin at a place of their own (bool, same shape).

    One that begins in the middle of a character, or of what another one covers, cuts nothing there.
    """
    return starts >= np.concatenate([[0], np.maximum.accumulate(ends)])[:-1]


def unknown_id(tokenizer: Tokenizer) -> int:
    """Return the id of the model's unknown piece, -1 where it has none."""
    model = json.loads(tokenizer.to_str())["model"]
    if "unk_id" in model:
        return -1 if model["unk_id"] is None else int(model["unk_id"])
    piece = model.get("unk_token")
    number = None if piece is None else tokenizer.token_to_id(piece)
    return -1 if number is None else number


def _length(tokenizer: Tokenizer) -> int:
    return max(tokenizer.get_vocab().values()) + 1


def _pieces(tokenizer: Tokenizer) -> np.ndarray:
    """Return the ids of the pieces that text is meant to use: all but special tokens."""
    special = {
        number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special
    }
    special.add(unknown_id(tokenizer))
    return np.array(sorted(set(tokenizer.get_vocab().values()) - special))


def _encoded(
    tokenizer: Tokenizer, texts: list[str]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield id, start, end and text of each token, of some texts at a time; offsets count all texts and spaces.

    Texts are joined by spaces, so that each is cut as it is in a sentence, whatever the tokenizer makes of
    the space before a word.
    """
    base = number = 0
    step = _JOINED * _TEXTS
    for first in range(0, len(texts), step):
        some = texts[first : first + step]
        joined = [" ".join(some[place : place + _JOINED]) for place in range(0, len(some), _JOINED)]
        encodings = tokenizer.encode_batch(joined, add_special_tokens=False)
        ids = np.concatenate([np.array(each.ids, dtype=np.int64) for each in encodings])
        spans = [np.array(each.offsets, dtype=np.int64).reshape(-1, 2) for each in encodings]
        begin = base + np.cumsum([0, *(len(text) + 1 for text in joined)])
        offsets = np.concatenate([span + start for span, start in zip(spans, begin, strict=False)])
        lengths = np.array([len(text) for text in some])
        text_starts = base + np.cumsum([0, *(lengths[:-1] + 1)])
        starts, ends = offsets[:, 0], offsets[:, 1]
        # A piece that takes in the space before a word begins with the word.
        owner = np.searchsorted(text_starts, starts, side="right") - 1
        at_space = starts == text_starts[owner] + lengths[owner]
        owner = np.minimum(owner + at_space, len(some) - 1)
        starts = np.where(at_space, text_starts[owner], starts)
        yield ids, starts, np.maximum(ends, starts), owner + number
        base += int(lengths.sum()) + len(some)
        number += len(some)


def _uses(ids: np.ndarray, eojeols: np.ndarray, counts: np.ndarray, length: int) -> np.ndarray:
    result = np.zeros((length, counts.shape[1]), dtype=np.int64)
    for column in range(counts.shape[1]):
        weights = counts[eojeols, column]
        result[:, column] = np.bincount(ids, weights=weights, minlength=length).round()
    return result


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return how many of the characters of each eojeol are true."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    return np.add.reduceat(values.astype(np.int64), starts)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _figures(sums: Mapping[str, float]) -> dict[str, float]:
    result = {
        "unk_share": _share(sums["unknown"], sums["tokens"]),
        "tokens_per_eojeol": _share(sums["tokens"], sums["eojeols"]),
        "tokens_per_word": _share(sums["tokens"], sums["words"]),
        "characters_per_token": _share(sums["characters"], sums["tokens"]),
    }
    for prefix, gold, found in (
        ("", "boundaries", "found"),
        ("functional_", "functional", "functional_found"),
    ):
        result[f"{prefix}precision"] = _share(sums[found], sums["cuts"])
        result[f"{prefix}recall"] = _share(sums[found], sums[gold])
        result[f"{prefix}f1"] = _share(2 * sums[found], sums["cuts"] + sums[gold])
    return result


def _unused(
    pieces: np.ndarray, seen: np.ndarray | None, train: Stretches | None, domain: str
) -> float:
    if seen is None or train is None:
        return float("nan")
    columns = [number for number, name in enumerate(train.domains) if domain in (name, ALL)]
    return float(np.mean(seen[pieces][:, columns].sum(axis=1) == 0)) if columns else float("nan")


def _single_terms(
    tokenizer: Tokenizer,
    held_out: HeldOut,
    starts: np.ndarray,
    ends: np.ndarray,
    known: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return by domain the shares of terms, and of their occurrences, that are one known token."""
    begins, stops, terms, eojeols = held_out.occurrences.T
    length = len(held_out.words)
    reach = np.zeros(length, dtype=np.int64)
    reach[starts[known]] = ends[known]
    tokens = np.concatenate([[0], np.cumsum(np.bincount(starts, minlength=length))])
    single = (reach[begins] == stops) & (tokens[stops] - tokens[begins] == 1)
    alone = np.zeros(len(held_out.terms), dtype=bool)
    unknown = unknown_id(tokenizer)
    for ids, _, _, numbers in _encoded(tokenizer, list(held_out.terms)):
        alone |= np.bincount(numbers, minlength=len(alone)) == 1
        alone[numbers[ids == unknown]] = False
    counts = held_out.counts[eojeols]
    occurs = np.zeros((len(held_out.terms), len(held_out.domains)), dtype=np.int64)
    np.add.at(occurs, terms, counts)
    with np.errstate(invalid="ignore"):
        return {
            "terms_single": (alone[:, None] & (occurs > 0)).sum(axis=0) / (occurs > 0).sum(axis=0),
            "term_occurrences_single": (single @ counts) / counts.sum(axis=0),
        }
