"""How vocabularies cut documents left out, beside raw WordPiece and KLUE's way, and what learning one costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from malmoi.fingerprint import canonical
from malmoi.morphology.tags import TAGS, tag_number
from malmoi.vocab.eojeols import LEXICAL, Stretches, count_eojeols, words_of
from malmoi.vocab.held_out import ALL, HeldOut, prepare
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer, learn
from malmoi.vocab.learners import LEARNERS, parts_of
from malmoi.vocab.measures import measure as measured
from malmoi.vocab.merges import PREFIX, Merges
from tokenizers import Tokenizer

from benchmarks.vocabulary import corpus

SIZE, MIN_FREQUENCY = 32_000, 2

GOLD = Path("gold", "ud_gsd", "ko_gsd-ud-dev.conllu")

#: What is asked of each vocabulary: the name of a figure here and in ``malmoi.vocab.measures``.
FIGURES = {
    "boundary_f1": "f1",
    "boundary_precision": "precision",
    "boundary_recall": "recall",
    "respected": "functional_recall",
    "tokens_per_word": "tokens_per_word",
    "unk_share": "unk_share",
}

#: Runs in a process of its own: learns from 100 MB with the defaults and prints what that took.
COST = """
import json, sys, time
from benchmarks.peak import peak_mb
from malmoi.vocab.learn import learn_vocabulary
output, boundaries, *inputs = sys.argv[1:]
learn_vocabulary(inputs, size=32000, boundaries=boundaries, learner="frequency", sample_mb=100,
                 min_frequency=2, reserved=0, prune=True, seed=20, output=output)
print(json.dumps([time.process_time(), peak_mb()]))
"""


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the figures of vocabularies of 32,000 pieces on the documents left out, and the cost of learning.

    ``all_`` and ``functional_`` are malmoi's; ``raw_`` is WordPiece on raw words and ``klue_`` WordPiece on
    morphemes parted by spaces. ``all_unpruned_`` and ``functional_unpruned_`` are what the learner gives
    before pieces are exchanged, and ``all_likelihood_`` and so on are the other learners. All these are learned
    from Kiwi's own morphemes and measured by them, so that nothing of malmoi's stands in the yardstick.
    ``all_terms_`` and ``functional_terms_`` are learned from and measured by the morphemes of the
    configuration's defaults: with malmoi's dictionaries, for which a term or a case number is one morpheme,
    however rare, and each cut inside it wrong. ``gsd_`` figures are those of ``all`` against human labels of
    news and blogs.
    """
    human = prepare(human_eojeols(data / GOLD, work))
    kiwi = corpus.kiwi_segments(data, work)
    train, held_out = count_eojeols(kiwi, "train"), prepare(count_eojeols(kiwi, "test"))
    figures: dict[str, float] = {}
    for name, pieces in vocabularies(train):
        tokenizer = tokenizer_of(pieces)
        figures |= _named(name, tokenizer, held_out)
        found = measured(tokenizer, human).figures[ALL]
        figures |= {f"{name}_gsd_{figure}": found[figure] for figure in ("precision", "recall")}
    inputs = corpus.segments(data, work)
    train, held_out = count_eojeols(inputs, "train"), prepare(count_eojeols(inputs, "test"))
    for boundaries in ("all", "functional"):
        pieces = learned(train, boundaries)
        figures |= _named(f"{boundaries}_terms", tokenizer_of(pieces), held_out)
    shares = [
        value for name, value in figures.items() if re.match("(all|functional)_(terms_)?unk", name)
    ]
    figures["unk_share"] = max(shares)
    for figure in ("precision", "recall"):
        figures[f"gsd_{figure}"] = figures.pop(f"all_gsd_{figure}")
    return figures | learning_cost(inputs, work)


def _named(name: str, tokenizer: Tokenizer, held_out: HeldOut) -> dict[str, float]:
    found = measured(tokenizer, held_out).figures[ALL]
    return {f"{name}_{figure}": found[theirs] for figure, theirs in FIGURES.items()}


def learned(
    train: Stretches, boundaries: str, learner: str = "frequency", prune: bool = True
) -> list[str]:
    """Return the pieces of a vocabulary learned with malmoi's defaults but for what is given."""
    return learn(
        train,
        size=SIZE,
        boundaries=boundaries,
        learner=learner,
        min_frequency=MIN_FREQUENCY,
        reserved=0,
        prune=prune,
    )


def vocabularies(train: Stretches) -> Iterator[tuple[str, list[str]]]:
    """Yield each vocabulary's pieces and the name its figures have."""
    for boundaries in ("all", "functional"):
        yield boundaries, learned(train, boundaries)
        yield f"{boundaries}_unpruned", learned(train, boundaries, prune=False)
    yield "raw", learned(train, "none", prune=False)
    yield "klue", klue_way(words_of(train))
    for learner in LEARNERS:
        if learner != "frequency":
            yield f"all_{learner}", learned(train, "all", learner)
            yield f"all_{learner}_unpruned", learned(train, "all", learner, prune=False)


def klue_way(words: Stretches) -> list[str]:
    """Return the pieces that WordPiece learns from morphemes parted by spaces, as KLUE's did.

    Every morpheme is a word then, so what follows a stem is learned as the start of a word, and only
    characters seen inside a morpheme have a piece for the inside of words.
    """
    morphemes: Counter[str] = Counter()
    for part, count in parts_of(words, LEXICAL).items():
        morphemes[part.removeprefix(PREFIX)] += count
    merges = Merges(morphemes, min_frequency=MIN_FREQUENCY, likelihood=False)
    alphabet = [piece for piece, count in merges.uses().items() if count >= MIN_FREQUENCY]
    room = SIZE - len(SPECIAL_TOKENS) - len(alphabet)
    return [*SPECIAL_TOKENS, *alphabet, *merges.run(room)]


def tokenizer_of(pieces: list[str]) -> Tokenizer:
    """Return the plain tokenizer of a vocabulary in id order."""
    return Tokenizer.from_str(bert_tokenizer(pieces).backend_tokenizer.to_str())


def human_eojeols(path: Path, work: Path) -> Stretches:
    """Return the words of a CoNLL-U file whose labelled morphemes are what is written.

    Contracted words (``했다`` labelled ``하+었+다``) have no boundaries in the text to compare with.
    """
    rows = [row for row in (_labelled(line) for line in path.read_text("utf-8").split("\n")) if row]
    numbers = range(len(rows))
    fixed = {"doc_id": [f"{n:032x}" for n in numbers], "split": ["test"] * len(rows)}
    table = pa.table(
        {
            **fixed,
            "domain": ["news"] * len(rows),
            "text": [text for text, _, _ in rows],
            "morpheme_starts": pa.array([row[1] for row in rows], pa.list_(pa.int32())),
            "morpheme_tags": pa.array([row[2] for row in rows], pa.list_(pa.uint8())),
        }
    )
    file = work / "human.parquet"
    pq.write_table(table.replace_schema_metadata({"malmoi.tags": canonical(TAGS)}), file)
    return count_eojeols([file], "test")


def _labelled(line: str) -> tuple[str, list[int], list[int]] | None:
    fields = line.split("\t")
    if len(fields) < 5 or not fields[0].isdigit():
        return None
    form, lemma, tags = fields[1], fields[2], fields[4].split("+")
    morphemes = [lemma] if len(tags) == 1 else lemma.split("+")
    if "".join(morphemes) != form or len(morphemes) != len(tags):
        return None
    starts = [sum(map(len, morphemes[:number])) for number in range(len(morphemes))]
    return form, starts, [tag_number(tag) for tag in tags]


def learning_cost(inputs: list[Path], work: Path) -> dict[str, float]:
    """Return CPU-seconds and the peak of memory of learning from 100 MB, the worse of both boundaries."""
    seconds, peak = 0.0, 0.0
    for boundaries in ("all", "functional"):
        command = [sys.executable, "-c", COST, str(work / f"cost-{boundaries}"), boundaries]
        command += map(str, inputs)
        environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
        runs = [
            json.loads(subprocess.run(command, env=environment, check=True, stdout=-1).stdout)
            for _ in range(2)
        ]
        seconds = max(seconds, min(run[0] for run in runs))
        peak = max(peak, *(run[1] for run in runs))
    return {"learn_cpu_s_100mb": seconds, "learn_peak_mb_100mb": peak}
