"""What a task yields without an encoder: the commonest answer, counted characters, remembered entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC

from malmoi.evaluation.entities import written
from malmoi.evaluation.tasks import Part, Task


def majority(task: Task, part: Part) -> list[Any]:
    """Return the commonest class or choice of train, its mean number, no entity or no answer at all."""
    train = task.parts["train"]
    if task.kind == "tokens":
        return [[0] * len(target) for target in part.targets]
    if task.kind == "qa":
        return [""] * len(part.texts)
    if task.kind == "regression":
        return [float(np.mean(train.targets))] * len(part.texts)
    commonest = int(np.bincount(train.targets).argmax())
    return [
        min(commonest, len(texts) - 2) if task.kind == "choice" else commonest
        for texts in part.texts
    ]


def without_encoder(task: Task) -> dict[str, list[Any]]:
    """Return what each baseline that fits the kind predicts of the test split."""
    train, test = task.parts["train"], task.parts["test"]
    found: dict[str, list[Any]] = {}
    if task.kind == "classification":
        found["tfidf_svm"] = linear_svm(train, test.texts)
    elif task.kind == "regression":
        seen, unseen = _features(train.texts, test.texts)
        found["tfidf_ridge"] = (
            Ridge(random_state=0).fit(seen, train.targets).predict(unseen).tolist()
        )
    elif task.kind == "choice":
        found["tfidf_svm"] = _best_choices(train, test)
    elif task.kind == "tokens":
        found["gazetteer"] = gazetteer(train, test, task.labels)
    found["majority"] = majority(task, test)
    return found


def linear_svm(train: Part, texts: Sequence[tuple[str, ...]]) -> list[int]:
    """Return the classes that a linear SVM on TF-IDF of character 2- to 4-grams predicts.

    It reads whole texts, also where the encoder's are cut.
    """
    seen, unseen = _features(train.texts, texts)
    return LinearSVC(random_state=0).fit(seen, train.targets).predict(unseen).tolist()


def _features(
    train: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return the TF-IDF of texts; of pairs both, their difference and product, and their cosine."""
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, dtype=np.float32
    )
    vectorizer.fit([text for texts in train for text in texts])

    def rows(items: Sequence[tuple[str, ...]]) -> sparse.csr_matrix:
        columns = [vectorizer.transform(column) for column in zip(*items, strict=True)]
        if len(columns) == 1:
            return columns[0]
        one, two = columns
        product = one.multiply(two).tocsr()
        return sparse.hstack([one, two, abs(one - two), product, product.sum(1)]).tocsr()

    return rows(train), rows(others)


def _best_choices(train: Part, test: Part) -> list[int]:
    """Return the answer of each question that a linear SVM finds likest to be right."""
    pairs = [[(texts[0], answer) for answer in texts[1:]] for texts in train.texts]
    right = [
        at == target
        for row, target in zip(pairs, train.targets, strict=True)
        for at in range(len(row))
    ]
    asked = [[(texts[0], answer) for answer in texts[1:]] for texts in test.texts]
    seen, unseen = _features([*chain(*pairs)], [*chain(*asked)])
    scores = LinearSVC(random_state=0).fit(seen, right).decision_function(unseen)
    ends = np.cumsum([len(row) for row in asked])[:-1]
    return [int(part.argmax()) for part in np.split(scores, ends)]


def gazetteer(train: Part, test: Part, labels: Sequence[str]) -> list[list[int]]:
    """Return tags by what train remembers: each eojeol as it was mostly tagged there.

    In an eojeol that train has not, the longest entities of train are looked for, from its beginning.
    """
    seen: dict[str, Counter[tuple[int, ...]]] = {}
    entities: dict[str, Counter[int]] = {}
    for (text,), tags in zip(train.texts, train.targets, strict=True):
        for word, path in _eojeols(text, tags):
            seen.setdefault(word, Counter())[path] += 1
            start = 0
            for at in range(1, len(path) + 1):
                if at == len(path) or labels[path[at]][0] != "I":
                    if labels[path[start]][0] == "B":
                        entities.setdefault(word[start:at], Counter())[path[start]] += 1
                    start = at
    longest = max(map(len, entities), default=0)
    usual = {word: paths.most_common(1)[0][0] for word, paths in seen.items()}
    begins = {word: counts.most_common(1)[0][0] for word, counts in entities.items()}

    def tagged(word: str) -> list[int]:
        if word in usual:
            return list(usual[word])
        path, at = [0] * len(word), 0
        while at < len(word):
            sizes = range(min(longest, len(word) - at), 1, -1)
            size = next((size for size in sizes if word[at : at + size] in begins), 0)
            if size:
                begin = begins[word[at : at + size]]
                # The tag after B is I of its type.
                path[at : at + size] = [begin, *[begin + 1] * (size - 1)]
            at += size or 1
        return path

    found = []
    for (text,), tags in zip(test.texts, test.targets, strict=True):
        path = [tag for word, _ in _eojeols(text, tags) for tag in tagged(word)]
        # An eojeol may have been the inside of an entity that began before it.
        for at, tag in enumerate(path):
            if labels[tag][0] == "I" and labels[path[at - 1] if at else 0][1:] != labels[tag][1:]:
                path[at] = tag - 1
        found.append(path)
    return found


def _eojeols(text: str, tags: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    """Return the words between white space with the tags of their characters."""
    numbers = {int(place): at for at, place in enumerate(written(text))}
    found, start = [], None
    for place, character in enumerate([*text, " "]):
        if not character.isspace():
            start = place if start is None else start
        elif start is not None:
            begin = numbers[start]
            found.append((text[start:place], tuple(tags[begin : begin + place - start])))
            start = None
    return found
