"""Answers that stand in a context: their first and last character, as KorQuAD and KLUE-MRC ask for."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from malmoi.evaluation.finetuning import Encoded, Row
from malmoi.evaluation.tasks import Part, Task
from malmoi.evaluation.windows import windows

#: No answer is longer, in characters.
LONGEST = 100
#: Starts and ends of each window that are tried with each other.
TRIED = 20

#: KLUE-MRC's own pattern: one bracket followed by exactly that text, so in effect nothing.
_KLUE_MARKS = re.compile(r"[\'\"《》<>〈〉]\(\)\‘\’")
_MARKS = re.compile(r"[^\w]|_")


class Answers:
    """Spans of contexts: exact match and F1 over characters, and what KLUE's own code computes.

    ``exact`` and ``f1`` compare letters and digits alone, ``f1`` as multisets (KorQuAD 1.0 does so after
    its normalisation). ``klue_exact`` and ``klue_rouge_w`` keep KLUE's, whose pattern for quotation marks
    matches next to nothing. Of several accepted answers the best counts.
    """

    measures = ("f1", "exact", "klue_exact", "klue_rouge_w")
    main = "f1"
    by_character = True
    width = 2

    def __init__(self, task: Task) -> None:
        self.may_lack = not all(task.parts["train"].targets)

    def encode(self, tokenizer: PreTrainedTokenizerBase, part: Part, limit: int) -> Encoded:
        """Return a row for each window of each context, its first point for no answer in it.

        A question of more than half of ``limit`` is cut, so that a context has room.
        """
        rows, cut = [], 0
        for item, ((question, context), answers) in enumerate(
            zip(part.texts, part.targets, strict=True)
        ):
            offsets = tokenizer(question, add_special_tokens=False).encodings[0].offsets
            if len(offsets) > limit // 2:
                question, cut = question[: offsets[limit // 2 - 1][1]], cut + 1
            for window in windows(tokenizer, (question, context), limit):
                start = int(window.starts[0]) if len(window.starts) else 0
                characters = np.arange(start, max(window.last, start))
                points = np.concatenate([[[0, 0]], window.points(characters)])
                target = (0, 0)
                # Training takes the first accepted answer, as SQuAD's scripts do.
                for first, text in answers[:1]:
                    if start <= first and first + len(text) <= window.last:
                        target = (first - start + 1, first + len(text) - start)
                rows.append(Row(item, window.ids, window.types, target, points, characters))
        return Encoded([[row] for row in rows], cut)

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return the mean of both ends' cross-entropies in nats, summed over windows."""
        total = outputs.new_zeros(())
        for row, output in zip(rows, outputs.split([len(row.points) for row in rows]), strict=True):
            target = torch.tensor(row.target, device=outputs.device)
            total = total + cross_entropy(output.T, target, reduction="sum") / 2
        return total, len(rows)

    def predictions(
        self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]
    ) -> list[str]:
        """Return the best answer of all windows of each item.

        It is empty only where train has questions without an answer, and that is the best in every
        window.
        """
        best = [(-np.inf, "")] * len(part.texts)
        nothing = [np.inf] * len(part.texts)
        for row, output in zip(rows, outputs, strict=True):
            output = np.nan_to_num(output)
            nothing[row.item] = min(nothing[row.item], float(output[0].sum()))
            context = part.texts[row.item][1]
            if len(output) > 1:
                score, first, last = _best_span(output[1:])
                text = context[row.characters[first] : row.characters[last] + 1]
                if score > best[row.item][0]:
                    best[row.item] = (score, text)
        return [
            "" if self.may_lack and empty > score else text.strip()
            for (score, text), empty in zip(best, nothing, strict=True)
        ]

    def columns(
        self, targets: Sequence[list[tuple[int, str]]], predictions: Sequence[str]
    ) -> np.ndarray:
        """Return the four measures of each item, and 1 (float64 [N, 5])."""
        rows = []
        for answers, predicted in zip(targets, predictions, strict=True):
            accepted = [text for _, text in answers] or [""]
            found = [_compared(predicted, text) for text in accepted]
            rows.append([*np.max(found, axis=0), 1.0])
        return np.array(rows, dtype=np.float64)

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the means."""
        return sums[..., :4] / sums[..., 4:]

    def shown(self, value: str | list[tuple[int, str]], texts: tuple[str, ...]) -> str:
        """Return an answer; of several accepted ones the first."""
        if isinstance(value, str):
            return value
        return value[0][1] if value else ""


def _best_span(output: np.ndarray) -> tuple[float, int, int]:
    """Return the score, first and last place of the likeliest span (float32 [P, 2], P at least 1)."""
    firsts, lasts = (np.argsort(-output[:, end], kind="stable")[:TRIED] for end in (0, 1))
    sizes = lasts - firsts[:, None]
    scores = output[firsts, 0][:, None] + output[lasts, 1]
    scores = np.where((sizes >= 0) & (sizes < LONGEST), scores, -np.inf)
    first, last = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores[first, last]), int(firsts[first]), int(lasts[last])


def _compared(predicted: str, answer: str) -> tuple[float, float, float, float]:
    bare, wanted = (_MARKS.sub("", text.lower()) for text in (predicted, answer))
    shared = sum((Counter(bare) & Counter(wanted)).values())
    f1 = 2 * shared / (len(bare) + len(wanted)) if bare or wanted else 1.0
    klue, klue_wanted = klue_normalized(predicted), klue_normalized(answer)
    return (
        f1,
        float(bare == wanted),
        float(klue == klue_wanted),
        klue_rouge_w(klue, klue_wanted),
    )


def klue_normalized(text: str) -> str:
    """Return an answer as KLUE-MRC's code compares it: lower case, without ASCII punctuation."""
    text = _KLUE_MARKS.sub(" ", text.lower())
    return " ".join("".join(c for c in text if c not in string.punctuation).split())


def klue_rouge_w(predicted: str, answer: str) -> float:
    """Return KLUE-MRC's ROUGE-W: F1 of the longest common run of characters."""
    if not answer or not predicted:
        return float(predicted == answer)
    matcher = SequenceMatcher(None, predicted, answer)
    size = matcher.find_longest_match(0, len(predicted), 0, len(answer)).size
    return 2 * size / (len(predicted) + len(answer))
