"""Entities in texts: a BIO tag for every character that is not white space.

Korean writes particles onto nouns, so a wordpiece often holds the end of an entity and its particle. One
label per wordpiece cannot tell them apart; what it could reach at best is ``alignment_ceiling``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch
from seqeval.scheme import IOB2, Entities
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from malmoi.evaluation.finetuning import Encoded, Row
from malmoi.evaluation.tasks import Part, Task
from malmoi.evaluation.texts import macro_f1
from malmoi.evaluation.windows import windows


class Tokens:
    """Entities by seqeval's strict IOB2, and characters by their tags.

    ``entity_macro_f1`` is the mean over types, ``entity_f1`` that of all entities together;
    ``character_f1`` is the mean over tags without O. ``klue_character_f1`` is what KLUE's own code
    computes: over all tags, O among them, and 1 for a tag that is nowhere.
    """

    measures = ("entity_macro_f1", "entity_f1", "character_f1", "klue_character_f1")
    main = "entity_macro_f1"
    by_character = True

    def __init__(self, task: Task) -> None:
        self.labels = task.labels
        self.types = [label[2:] for label in task.labels if label[0] == "B"]
        self.width = len(task.labels)

    def encode(self, tokenizer: PreTrainedTokenizerBase, part: Part, limit: int) -> Encoded:
        """Return a row for each window of each text; no character is left out."""
        rows = []
        for item, ((text,), tags) in enumerate(zip(part.texts, part.targets, strict=True)):
            labelled = written(text)
            targets = np.array(tags, dtype=np.int64)
            for window in windows(tokenizer, (text,), limit):
                mine = (labelled >= window.first) & (labelled < window.end)
                characters = labelled[mine]
                rows.append(
                    Row(
                        item,
                        window.ids,
                        window.types,
                        targets[mine],
                        window.points(characters),
                        characters,
                    )
                )
        return Encoded([[row] for row in rows], 0)

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return the summed cross-entropy of the characters in nats."""
        targets = torch.from_numpy(np.concatenate([row.target for row in rows])).to(outputs.device)
        return cross_entropy(outputs, targets, reduction="sum"), max(len(targets), 1)

    def predictions(
        self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]
    ) -> list[list[int]]:
        """Return the most likely tags of each text in which no entity begins with I."""
        found = [np.zeros((len(text), self.width), dtype=np.float32) for (text,) in part.texts]
        for row, output in zip(rows, outputs, strict=True):
            found[row.item][row.characters] = np.nan_to_num(output)
        return [
            self.best(scores[written(text)])
            for scores, (text,) in zip(found, part.texts, strict=True)
        ]

    def best(self, scores: np.ndarray) -> list[int]:
        """Return the path (indices of ``labels``) of the highest sum of logarithms (Viterbi)."""
        if not len(scores):
            return []
        scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        allowed = np.zeros((self.width, self.width))
        for after, label in enumerate(self.labels):
            if label[0] == "I":
                allowed[:, after] = [
                    0.0 if before[1:] == label[1:] else -np.inf for before in self.labels
                ]
        start = np.array([-np.inf if label[0] == "I" else 0.0 for label in self.labels])
        total, back = scores[0] + start, []
        for row in scores[1:]:
            ways = total[:, None] + allowed
            back.append(ways.argmax(0))
            total = ways.max(0) + row
        path = [int(total.argmax())]
        for pointers in reversed(back):
            path.append(int(pointers[path[-1]]))
        return path[::-1]

    def columns(self, targets: Sequence[list[int]], predictions: Sequence[list[int]]) -> np.ndarray:
        """Return hits, gold and predicted of each type, then of each tag (float64 [N, 3T + 3C])."""
        numbers = {name: at for at, name in enumerate(self.types)}
        entities = np.zeros((len(targets), 3, len(self.types)))
        tags = np.zeros((len(targets), 3, self.width))
        pairs = zip(self.entities(targets), self.entities(predictions), strict=True)
        for item, (meant, found) in enumerate(pairs):
            for at, kept in enumerate((meant & found, meant, found)):
                for _, _, name in kept:
                    entities[item, at, numbers[name]] += 1
            mine, guessed = (
                np.array(path, dtype=int) for path in (targets[item], predictions[item])
            )
            for at, kept in enumerate((mine[mine == guessed], mine, guessed)):
                tags[item, at] = np.bincount(kept, minlength=self.width)
        return np.concatenate(
            [entities.reshape(len(targets), -1), tags.reshape(len(targets), -1)], axis=1
        )

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the four measures."""
        border = 3 * len(self.types)
        entities, tags = sums[..., :border], sums[..., border:]
        all_entities, all_tags = whole[..., :border], whole[..., border:]
        together = entities.reshape(*entities.shape[:-1], 3, -1).sum(-1)
        without_o = _without_first(tags), _without_first(all_tags)
        return np.stack(
            [
                macro_f1(entities, all_entities, absent=np.nan),
                macro_f1(together, together, absent=0.0),
                macro_f1(*without_o, absent=np.nan),
                macro_f1(tags, all_tags, absent=1.0),
            ],
            axis=-1,
        )

    def shown(self, value: list[int], texts: tuple[str, ...]) -> str:
        """Return the entities of a path of ``labels`` as JSON: ``[start, end, type]`` in the text."""
        places = written(texts[0])
        (found,) = self.entities([value])
        spans = [[int(places[a]), int(places[b - 1]) + 1, name] for a, b, name in sorted(found)]
        return json.dumps(spans, ensure_ascii=False)

    def entities(self, paths: Sequence[Sequence[int]]) -> list[set[tuple[int, int, str]]]:
        """Return the start, end and type of the entities of each path, in characters that are written."""
        tags = [[self.labels[tag] for tag in path] for path in paths]
        return [
            {(entity.start, entity.end, entity.tag) for entity in found}
            for found in Entities(tags, IOB2).entities
        ]

    def aligned(self, tokenizer: PreTrainedTokenizerBase, part: Part) -> list[list[int]]:
        """Return the tags of characters if each wordpiece has the tag of its first, as KLUE's code does."""
        encodings = tokenizer([text for (text,) in part.texts], add_special_tokens=False).encodings
        found = []
        for (text,), target, encoding in zip(part.texts, part.targets, encodings, strict=True):
            numbers = {int(place): at for at, place in enumerate(written(text))}
            path = [0] * len(target)
            for start, end in encoding.offsets:
                inside = [numbers[place] for place in range(start, end) if place in numbers]
                for at in inside:
                    label = self.labels[target[inside[0]]]
                    inner = label if at == inside[0] or label == "O" else f"I{label[1:]}"
                    path[at] = self.labels.index(inner)
            found.append(path)
        return found


def written(text: str) -> np.ndarray:
    """Return the places (int64) of the characters that are not white space."""
    return np.array(
        [at for at, character in enumerate(text) if not character.isspace()], dtype=np.int64
    )


def _without_first(tags: np.ndarray) -> np.ndarray:
    parts = tags.reshape(*tags.shape[:-1], 3, -1)[..., 1:]
    return parts.reshape(*tags.shape[:-1], -1)


def alignment_ceiling(kind: Tokens, tokenizer: PreTrainedTokenizerBase, part: Part) -> np.ndarray:
    """Return the figures of a tagger that knows the right label of every wordpiece."""
    sums = kind.columns(part.targets, kind.aligned(tokenizer, part)).sum(0)
    return kind.figures(sums, sums)
