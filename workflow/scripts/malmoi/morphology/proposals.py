"""Propose words for a dictionary: mined from the corpus, tried for side effects, written down for review."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from kiwipiepy import Kiwi

from malmoi.atomic import replacing
from malmoi.morphology.analyzer import Analysis, analyze, load_analyzer
from malmoi.morphology.dictionary import Dictionary, built_in, read_dictionaries
from malmoi.morphology.kiwi import READING
from malmoi.morphology.mining import Candidate, candidates
from malmoi.morphology.regression import Expectation, broken, expectations
from malmoi.progress import LOG, track

#: The columns of the file, which ``read_dictionaries`` takes as it is.
COLUMNS = (
    *("form", "tag", "score", "verdict", "reason", "source", "count", "documents", "cohesion"),
    *("solid", "tried", "whole", "side_effects", "example"),
)

TAG = "NNG"

#: Scores a word is tried with, until it is whole in its sentences; those of malmoi's own lists.
SCORES = (0.0, 3.0, 6.0, 9.0)

#: A word must be whole in this share of its places, ...
MIN_WHOLE = 0.8
#: ... and may change what stands beside it in this share of them, or once.
MAX_SIDE_EFFECTS = 0.1

#: Parts that stand together less tightly, or that are written apart more often, are a free combination.
MIN_COHESION = 0.3
MIN_SOLID = 0.5

#: Family names of one syllable, and syllables that end a term rather than a given name.
_FAMILY_NAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕"
)
_NO_GIVEN_NAMES = frozenset("법염력체량결증")

#: Last parts of forms that are words of the general language in another form, or nouns with a place, a time
#: or a number behind them.
_ENDINGS = frozenset("들적별씩측당하화성경속상후전뒤앞안밖때시날분쪽명개")

#: Sentences analysed together.
_TOGETHER = 2000


@dataclass
class _Trial:
    """What came of a candidate with its score: places tried, whole there, changed beside it, one of them."""

    score: float = SCORES[0]
    tried: int = 0
    whole: int = 0
    side_effects: int = 0
    example: str = ""
    broken: str = ""

    @property
    def is_whole(self) -> bool:
        return self.whole >= MIN_WHOLE * self.tried


def propose_dictionary(
    inputs: Sequence[str | Path],
    settings: Mapping[str, Any],
    dictionaries: Sequence[str],
    workers: int,
    seed: int,
    output_path: str | Path,
) -> int:
    """Write a CSV file of words that the training documents of ``inputs`` suggest; return how many it accepts.

    ``inputs`` are segments files. ``settings``: ``terms`` and ``patterns`` they were made with, and
    ``proposals``: ``sample_mb``, ``min_count`` and ``min_documents`` (see ``candidates``), and ``most``, how
    many words are proposed. ``dictionaries`` are the user's own lists; what these have or Kiwi knows as
    one noun is not proposed. A row says ``reject`` and why where a word is taken for a name, a masked name, a
    free combination of nouns or a derived form. All others are tried together in up to six sentences of the
    corpus each, at the lowest score with which each is whole, and in this project's regression sentences, and
    rejected where they break one of those, are not whole in 80 % of their places, or change pieces beside
    them in more than 10 %. The result does not depend on ``workers``.

    Raises:
        InputError: a dictionary cannot be used.
    """
    dictionary = built_in(settings["terms"], settings["patterns"]).joined(
        read_dictionaries(dictionaries)
    )
    wanted = settings["proposals"]
    found = candidates(
        inputs, wanted["sample_mb"], wanted["min_count"], wanted["min_documents"], seed
    )
    without = load_analyzer(workers, dictionary)
    found = _unknown(found, dictionary, without)
    reasons = {one.form: _unlike_a_term(one) for one in found}
    # What is rejected anyhow must not take the places of others.
    found = sorted(found, key=lambda one: bool(reasons[one.form]))[: wanted["most"]]
    likely = [candidate for candidate in found if not reasons[candidate.form]]
    trials = _tried(likely, without, dictionary, workers)
    reasons.update((form, _fault(trial)) for form, trial in trials.items())
    _try_regression(trials, reasons, without, dictionary, workers)
    with (
        replacing(output_path) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for candidate in sorted(found, key=lambda one: (-one.score, one.form)):
            form = candidate.form
            writer.writerow(_row(candidate, trials.get(form, _Trial()), reasons[form]))
    accepted = sum(not reasons[form] for form in trials)
    LOG.info("proposals: %d of %d candidates accepted", accepted, len(found))
    return accepted


def _unknown(found: Sequence[Candidate], dictionary: Dictionary, kiwi: Kiwi) -> list[Candidate]:
    """Return the candidates that neither the dictionary has nor Kiwi knows as one noun."""
    listed = {form for form, _, _ in dictionary.words}
    asked = [candidate for candidate in found if candidate.form not in listed]
    # By itself a word can be read as one with an ending; before these josa it cannot.
    answers = kiwi.tokenize([f"{one.form}에서는" for one in asked], **READING)
    return [
        candidate
        for candidate, tokens in zip(asked, answers, strict=True)
        if tokens[0].oov or tokens[0].len != len(candidate.form)
    ]


def _unlike_a_term(candidate: Candidate) -> str:
    """Return what a candidate seems to be instead of a term, or an empty string."""
    form, parts = candidate.form, candidate.parts
    named = len(form) == 3 and form[0] in _FAMILY_NAMES and form[-1] not in _NO_GIVEN_NAMES
    if named and candidate.tags[0] == "NNP":
        return "looks like a person's name"
    if candidate.masked > candidate.count:
        return "mostly beside numbers, letters or masked names"
    if len(parts) > 1 and parts[-1] in _ENDINGS:
        return "derived form"
    if candidate.cohesion < MIN_COHESION or candidate.solid < MIN_SOLID:
        return "free combination"
    return ""


def _fault(trial: _Trial) -> str:
    """Return what speaks against a word that was tried, or an empty string."""
    if not trial.tried or not trial.is_whole:
        return "not whole in its sentences"
    if trial.side_effects > max(1, MAX_SIDE_EFFECTS * trial.tried):
        return "changes pieces beside it"
    return ""


def _tried(
    found: Sequence[Candidate], without: Kiwi, dictionary: Dictionary, workers: int
) -> dict[str, _Trial]:
    """Return what comes of all candidates together, each at the lowest score that makes it whole."""
    trials = {candidate.form: _Trial() for candidate in found}
    sentences = list(dict.fromkeys(text for candidate in found for text in candidate.examples))
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
        weak = [form for form, trial in trials.items() if not trial.is_whole]
        if score is None or not weak:
            break
        raised = {form: score if form in weak else trial.score for form, trial in trials.items()}
        trials = {form: _Trial(score) for form, score in raised.items()}
    return trials


def _added(forms: Mapping[str, _Trial]) -> Dictionary:
    return Dictionary(tuple((form, TAG, trial.score) for form, trial in forms.items()))


def _analyses(kiwi: Kiwi, texts: Sequence[str]) -> Iterator[Analysis]:
    for begin in range(0, len(texts), _TOGETHER):
        yield from analyze(kiwi, texts[begin : begin + _TOGETHER])


def _compare(text: str, before: Analysis, after: Analysis, trials: dict[str, _Trial]) -> None:
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
    text: str, pieces: Sequence[Sequence[int]], trials: Mapping[str, _Trial]
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


def _try_regression(
    trials: Mapping[str, _Trial],
    reasons: dict[str, str],
    without: Kiwi,
    dictionary: Dictionary,
    workers: int,
) -> None:
    """Reject the words that break regression sentences, until those left break none."""
    expected = expectations()
    faults = broken(without, expected)
    held = [one for one, fault in zip(expected, faults, strict=True) if not fault]
    while accepted := {form: trial for form, trial in trials.items() if not reasons[form]}:
        loaded = load_analyzer(workers, dictionary.joined(_added(accepted)))
        guilty = _breaking(loaded, held, accepted)
        if not guilty:
            return
        for form, fault in guilty.items():
            reasons[form] = "breaks a regression sentence"
            trials[form].example = fault


def _breaking(
    kiwi: Kiwi, expected: Sequence[Expectation], added: Mapping[str, _Trial]
) -> dict[str, str]:
    """Return the added words that stand in sentences no longer read as expected, and one of these each."""
    guilty: dict[str, str] = {}
    sentences = [one.sentence for one in expected]
    for text, fault, analysis in zip(
        sentences, broken(kiwi, expected), analyze(kiwi, sentences), strict=True
    ):
        if fault:
            for start, end in analysis.morphemes.tolist():
                if text[start:end] in added:
                    guilty.setdefault(text[start:end], f"{text} -> {fault}")
    return guilty


def _row(candidate: Candidate, trial: _Trial, reason: str) -> tuple[str | int | float, ...]:
    return (
        *(candidate.form, TAG, f"{trial.score:g}", "reject" if reason else "accept", reason),
        *(candidate.source, candidate.count, candidate.documents, candidate.cohesion),
        *(round(candidate.solid, 4), trial.tried, trial.whole, trial.side_effects, trial.example),
    )
