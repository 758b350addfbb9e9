"""Propose words for a dictionary: mined from the corpus, tried for side effects, written down for review."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kiwipiepy import Kiwi

from malmoi.atomic import replacing
from malmoi.morphology.analyzer import load_analyzer
from malmoi.morphology.dictionary import Dictionary, built_in, read_dictionaries
from malmoi.morphology.kiwi import READING
from malmoi.morphology.mining import Candidate, candidates
from malmoi.morphology.trials import TAG, Trial, try_in_regression, try_words
from malmoi.progress import LOG

#: The columns of the file, which ``read_dictionaries`` takes as it is.
COLUMNS = (
    *("form", "tag", "score", "verdict", "reason", "source", "count", "documents", "cohesion"),
    *("solid", "tried", "whole", "side_effects", "example"),
)

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
    likely = {one.form: one.examples for one in found if not reasons[one.form]}
    trials = try_words(likely, without, dictionary, workers)
    try_in_regression(trials, without, dictionary, workers)
    reasons.update((form, trial.fault) for form, trial in trials.items())
    with (
        replacing(output_path) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for candidate in sorted(found, key=lambda one: (-one.score, one.form)):
            form = candidate.form
            writer.writerow(_row(candidate, trials.get(form, Trial()), reasons[form]))
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


def _row(candidate: Candidate, trial: Trial, reason: str) -> tuple[str | int | float, ...]:
    return (
        *(candidate.form, TAG, f"{trial.score:g}", "reject" if reason else "accept", reason),
        *(candidate.source, candidate.count, candidate.documents, candidate.cohesion),
        *(round(candidate.solid, 4), trial.tried, trial.whole, trial.side_effects, trial.example),
    )
