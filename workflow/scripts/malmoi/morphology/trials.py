"""Words tried in an analyzer before a dictionary takes them: are they whole, and what else do they change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from kiwipiepy import Kiwi

from malmoi.morphology.analyzer import Analysis, analyze, load_analyzer
from malmoi.morphology.dictionary import Dictionary
from malmoi.morphology.regression import Expectation, broken, expectations
from malmoi.progress import track

#: The tag all words are tried with.
TAG = "NNG"

#: Scores a word is tried with, until it is whole in its sentences; those of malmoi's own lists.
SCORES = (0.0, 3.0, 6.0, 9.0)

#: A word must be whole in this share of its places, ...
MIN_WHOLE = 0.8
#: ... and may change what stands beside it in this share of them, or once.
MAX_SIDE_EFFECTS = 0.1

#: Sentences analysed together.
_TOGETHER = 2000


@dataclass
class Trial:
    """What came of a word with its score.

    ``tried`` places in sentences, ``whole`` in so many of them, ``side_effects`` in so many places beside it,
    and ``example``, one of these. ``breaks`` says that it spoils a regression sentence, which is then the
    example.
    """

    score: float = SCORES[0]
    tried: int = 0
    whole: int = 0
    side_effects: int = 0
    example: str = ""
    breaks: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is whole in enough of its places."""
        return self.whole >= MIN_WHOLE * self.tried

    @property
    def fault(self) -> str:
        """What speaks against the word, or an empty string."""
        if self.breaks:
            return "breaks a regression sentence"
        if not self.tried or not self.is_whole:
            return "not whole in its sentences"
        if self.side_effects > max(1, MAX_SIDE_EFFECTS * self.tried):
            return "changes pieces beside it"
        return ""


def try_words(
    words: Mapping[str, Sequence[str]], without: Kiwi, dictionary: Dictionary, workers: int
) -> dict[str, Trial]:
    """Return what comes of all words together, each at the lowest score that makes it whole.

    ``words`` are forms and the sentences of each; ``without`` is an analyzer that has ``dictionary`` alone.
    """
    trials = {form: Trial() for form in words}
    sentences = list(dict.fromkeys(text for texts in words.values() for text in texts))
    if not sentences:
        return trials
    before = list(
        track(_analyses(without, sentences), "propose: read", len(sentences), "sentences")
    )
    for round_number, score in enumerate((*SCORES[1:], None), start=1):
        loaded = load_analyzer(workers, dictionary.joined(_added(trials)))
        after = _analyses(loaded, sentences)
        for text, old, new in zip(
            sentences,
            before,
            track(after, f"propose: trial {round_number}", len(sentences), "sentences"),
            strict=True,
        ):
            _compare(text, old, new, trials)
        if score is None or all(trial.is_whole for trial in trials.values()):
            break
        trials = {
            form: Trial(trial.score if trial.is_whole else score) for form, trial in trials.items()
        }
    return trials


def try_in_regression(
    trials: Mapping[str, Trial], without: Kiwi, dictionary: Dictionary, workers: int
) -> None:
    """Find the words that break regression sentences, until those left without a fault break none."""
    expected = expectations()
    faults = broken(without, expected)
    held = [one for one, fault in zip(expected, faults, strict=True) if not fault]
    while left := {form: trial for form, trial in trials.items() if not trial.fault}:
        loaded = load_analyzer(workers, dictionary.joined(_added(left)))
        breaking = _breaking(loaded, held, left)
        if not breaking:
            return
        for form, fault in breaking.items():
            trials[form].breaks = True
            trials[form].example = fault


def _added(forms: Mapping[str, Trial]) -> Dictionary:
    return Dictionary(tuple((form, TAG, trial.score) for form, trial in forms.items()))


def _analyses(kiwi: Kiwi, texts: Sequence[str]) -> Iterator[Analysis]:
    for begin in range(0, len(texts), _TOGETHER):
        yield from analyze(kiwi, texts[begin : begin + _TOGETHER])


def _compare(text: str, before: Analysis, after: Analysis, trials: dict[str, Trial]) -> None:
    """Count for each candidate in ``text`` whether it is whole, and the boundaries that changed around it."""
    new = after.morphemes.tolist()
    whole = {(start, end) for start, end in new if text[start:end] in trials}
    for start, end in _places(text, before.morphemes.tolist(), trials):
        # Inside a longer piece the form is another word's part.
        if (start, end) in whole or not any(a <= start and end <= b for a, b in new):
            trial = trials[text[start:end]]
            trial.tried += 1
            trial.whole += (start, end) in whole
    if not whole:
        return
    inside = sorted(whole)
    edges = [set(analysis.morphemes.ravel().tolist()) for analysis in (before, after)]
    centres = np.array([(start + end) / 2 for start, end in inside])
    changed = {
        int(np.argmin(np.abs(centres - place))): place
        for place in sorted(edges[0] ^ edges[1], reverse=True)
        if not any(start < place < end for start, end in inside)
    }
    for number, place in changed.items():
        start, end = inside[number]
        trial = trials[text[start:end]]
        trial.side_effects += 1
        trial.example = trial.example or text[max(0, place - 15) : place + 15].strip()


def _places(
    text: str, pieces: Sequence[Sequence[int]], trials: Mapping[str, Trial]
) -> Iterator[tuple[int, int]]:
    """Yield where pieces that follow each other without a space make a candidate."""
    longest = max(map(len, trials), default=0)
    for first, (start, end) in enumerate(pieces):
        if text[start:end] in trials:
            yield start, end
        for (_, last), (begin, end) in pairwise(pieces[first:]):
            if begin != last or end - start > longest:
                break
            if text[start:end] in trials:
                yield start, end


def _breaking(
    kiwi: Kiwi, expected: Sequence[Expectation], added: Mapping[str, Trial]
) -> dict[str, str]:
    """Return the added words that stand in sentences no longer read as expected, and one of these each."""
    found: dict[str, str] = {}
    sentences = [one.sentence for one in expected]
    for text, fault, analysis in zip(
        sentences, broken(kiwi, expected), analyze(kiwi, sentences), strict=True
    ):
        if fault:
            for start, end in analysis.morphemes.tolist():
                if text[start:end] in added:
                    found.setdefault(text[start:end], f"{text} -> {fault}")
    return found
