"""Tasks with one answer per text or pair of texts: a class, a number, the best of several choices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from scipy.stats import rankdata
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from malmoi.evaluation.finetuning import Encoded, Row
from malmoi.evaluation.tasks import Part, Task


def encode_texts(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[tuple[str, ...]],
    targets: Sequence[object],
    items: Sequence[int],
    limit: int,
) -> tuple[list[Row], int]:
    """Return a row per text or pair, cut to ``limit`` tokens, and how many were cut.

    Of a pair the longer text is cut first.
    """
    pair = [list(column) for column in zip(*texts, strict=True)]
    found = tokenizer(*pair, truncation="longest_first", max_length=limit)
    rows = [
        Row(item, encoding.ids, encoding.type_ids, target)
        for item, encoding, target in zip(items, found.encodings, targets, strict=True)
    ]
    return rows, sum(bool(encoding.overflowing) for encoding in found.encodings)


class Classification:
    """Classes of texts or pairs: accuracy, and macro-F1 over the classes of train.

    In a resample macro-F1 passes over a class that only the draw has lost, which would otherwise pull
    the whole interval down.
    """

    measures = ("accuracy", "macro_f1")
    main = "macro_f1"
    by_character = False

    def __init__(self, task: Task) -> None:
        self.labels = task.labels
        self.width = len(task.labels)

    def encode(self, tokenizer: PreTrainedTokenizerBase, part: Part, limit: int) -> Encoded:
        """Return a row per item."""
        items = range(len(part.texts))
        rows, cut = encode_texts(tokenizer, part.texts, part.targets, items, limit)
        return Encoded([[row] for row in rows], cut)

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return the summed cross-entropy in nats."""
        targets = torch.tensor([row.target for row in rows], device=outputs.device)
        return cross_entropy(outputs, targets, reduction="sum"), len(rows)

    def predictions(
        self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]
    ) -> list[int]:
        """Return the most likely class of each item."""
        found = [0] * len(part.texts)
        for row, output in zip(rows, outputs, strict=True):
            found[row.item] = int(output[0].argmax())
        return found

    def columns(self, targets: Sequence[int], predictions: Sequence[int]) -> np.ndarray:
        """Return for each class whether it is hit, meant and predicted (float64 [N, 3C])."""
        identity = np.eye(self.width)
        gold, predicted = identity[list(targets)], identity[list(predictions)]
        return np.concatenate([gold * predicted, gold, predicted], axis=1)

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return accuracy and macro-F1."""
        right, gold, _ = np.split(sums, 3, axis=-1)
        accuracy = right.sum(-1) / gold.sum(-1)
        return np.stack([accuracy, macro_f1(sums, whole, absent=0.0)], axis=-1)

    def shown(self, value: int, texts: tuple[str, ...]) -> str:
        """Return the name of a class."""
        return self.labels[value]


def macro_f1(sums: np.ndarray, whole: np.ndarray, absent: float) -> np.ndarray:
    """Return the mean F1 of classes from hits, gold and predicted (float64 [..., 3C] -> [...]).

    A class that nobody means or predicts counts ``absent``, and not at all where that is NaN or where
    ``whole`` has it.
    """
    right, gold, predicted = np.split(sums, 3, axis=-1)
    missing = gold + predicted == 0
    lost = np.where(
        np.split(whole, 3, axis=-1)[1] + np.split(whole, 3, axis=-1)[2] > 0, np.nan, absent
    )
    f1 = np.where(missing, lost, 2 * right / np.maximum(gold + predicted, 1e-12))
    counted = ~np.isnan(f1)
    return np.nansum(f1, axis=-1) / np.maximum(counted.sum(-1), 1)


class Regression:
    """Numbers for texts or pairs: the correlations of Pearson and Spearman.

    Numbers are learned by squared error, standardised by those of train. Who gives every item the same
    number correlates with nothing: 0. Intervals of Spearman's keep the ranks in all items.
    """

    measures = ("pearson", "spearman")
    main = "pearson"
    by_character = False
    width = 1

    def __init__(self, task: Task) -> None:
        targets = task.parts["train"].targets
        self.mean, self.spread = float(np.mean(targets)), float(np.std(targets)) or 1.0

    encode = Classification.encode

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return the summed squared error of standardised numbers."""
        targets = torch.tensor([row.target for row in rows], device=outputs.device)
        standard = (targets - self.mean) / self.spread
        return mse_loss(outputs[:, 0], standard.float(), reduction="sum"), len(rows)

    def predictions(
        self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]
    ) -> list[float]:
        """Return a number per item."""
        found = [0.0] * len(part.texts)
        for row, output in zip(rows, outputs, strict=True):
            found[row.item] = float(np.nan_to_num(output[0, 0])) * self.spread + self.mean
        return found

    def columns(self, targets: Sequence[float], predictions: Sequence[float]) -> np.ndarray:
        """Return the moments (float64 [N, 11]) of numbers and of their ranks."""
        moments = [np.ones(len(targets))]
        for rank in (lambda values: values, rankdata):
            x, y = (_standard(rank(np.asarray(values, float))) for values in (targets, predictions))
            moments += [x, y, x * x, y * y, x * y]
        return np.column_stack(moments)

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the correlations of numbers and of ranks."""
        n = sums[..., 0]
        found = []
        for start in (1, 6):
            x, y, xx, yy, xy = np.moveaxis(sums[..., start : start + 5] / n[..., None], -1, 0)
            spread = np.sqrt(np.maximum(xx - x * x, 0) * np.maximum(yy - y * y, 0))
            found.append(np.where(spread > 1e-9, (xy - x * y) / np.maximum(spread, 1e-9), 0.0))
        return np.stack(found, axis=-1)

    def shown(self, value: float, texts: tuple[str, ...]) -> str:
        """Return a number with six decimals."""
        return f"{value:.6f}"


def _standard(values: np.ndarray) -> np.ndarray:
    """Return values with mean 0 and variance 1, so that their moments lose no digits; 0 if all are equal."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 1e-12 else np.inf)


class Choice:
    """The best of several answers to each question: accuracy.

    Each question is read with each answer as a pair, and the answers of a question compete.
    """

    measures = ("accuracy",)
    main = "accuracy"
    by_character = False
    width = 1

    def __init__(self, task: Task) -> None:
        pass

    def encode(self, tokenizer: PreTrainedTokenizerBase, part: Part, limit: int) -> Encoded:
        """Return a unit of as many rows as it has answers for each item."""
        pairs, targets, items = [], [], []
        for item, ((question, *answers), right) in enumerate(
            zip(part.texts, part.targets, strict=True)
        ):
            pairs += [(question, answer) for answer in answers]
            targets += [right] * len(answers)
            items += [item] * len(answers)
        rows, cut = encode_texts(tokenizer, pairs, targets, items, limit)
        return Encoded([rows[start:end] for start, end in pairwise(_starts(items))], cut)

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return the summed cross-entropy in nats over the answers of each question."""
        starts = _starts([row.item for row in rows])
        answers = outputs[:, 0].split(np.diff(starts).tolist())
        scores = pad_sequence(list(answers), batch_first=True, padding_value=-1e9)
        targets = torch.tensor([rows[start].target for start in starts[:-1]], device=scores.device)
        return cross_entropy(scores, targets, reduction="sum"), len(targets)

    def predictions(
        self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]
    ) -> list[int]:
        """Return the number of the best answer to each question."""
        starts = _starts([row.item for row in rows])
        found = [0] * len(part.texts)
        for start, end in pairwise(starts):
            found[rows[start].item] = int(np.concatenate(outputs[start:end])[:, 0].argmax())
        return found

    def columns(self, targets: Sequence[int], predictions: Sequence[int]) -> np.ndarray:
        """Return whether each item is right, and 1 (float64 [N, 2])."""
        right = np.equal(targets, predictions).astype(float)
        return np.column_stack([right, np.ones(len(right))])

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return accuracy."""
        return sums[..., :1] / sums[..., 1:]

    def shown(self, value: int, texts: tuple[str, ...]) -> str:
        """Return an answer."""
        return texts[1 + value]


def _starts(items: Sequence[int]) -> list[int]:
    """Return where each run of equal items begins, and the end."""
    changes = [at for at in range(1, len(items)) if items[at] != items[at - 1]]
    return [0, *changes, len(items)]
