"""Learn a position-aware WordPiece vocabulary from segments and export it as a Hugging Face tokenizer.

The published tokenizer is an ordinary ``BertTokenizerFast``: morphemes shape which pieces exist, and reading
raw text needs no analyzer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import BertTokenizerFast

from malmoi import sampling
from malmoi.atomic import replacing_folder, write_json
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.vocab.eojeols import Stretches, count_eojeols, words_of
from malmoi.vocab.learners import LEARNERS
from malmoi.vocab.matching import REQUIRED
from malmoi.vocab.merges import PREFIX
from malmoi.vocab.pruning import exchanged
from malmoi.vocab.words import normalizer

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

#: Signs of legal and medical text that are in every vocabulary, for a sample may lack what the next text needs.
SYMBOLS = (
    "「」『』【】〔〕《》〈〉ㆍ·…※§○△□→①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮甲乙丙丁℃㎎㎏㎍㎖㎝㎜㎡㎥㏄‰µ±×≤≥ⅠⅡⅢⅣⅤ㈜"
)


def learn_vocabulary(
    inputs: Sequence[str | Path],
    *,
    size: int,
    boundaries: str,
    learner: str,
    sample_mb: float,
    min_frequency: int,
    reserved: int,
    prune: bool,
    seed: int,
    output: str | Path,
) -> None:
    """Learn a vocabulary of exactly ``size`` pieces from the training documents and write its folder.

    The text is that of ``sampled_eojeols``, the other settings are those of ``learn``.

    Raises:
        InputError: no training document, a setting that does not exist, or too little text for ``size``.
    """
    _check(boundaries, learner)
    eojeols = sampled_eojeols(inputs, sample_mb, seed)
    vocabulary = learn(
        eojeols,
        size=size,
        boundaries=boundaries,
        learner=learner,
        min_frequency=min_frequency,
        reserved=reserved,
        prune=prune,
    )
    with replacing_folder(output) as folder:
        bert_tokenizer(vocabulary).save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        write_json(
            folder / "vocabulary.json",
            {
                "size": size,
                "boundaries": boundaries,
                "learner": learner,
                "prune": prune,
                "reserved": reserved,
                "min_frequency": min_frequency,
                "eojeols": dict(
                    zip(eojeols.domains, eojeols.counts.sum(axis=0).tolist(), strict=True)
                ),
            },
        )


def sampled_eojeols(inputs: Sequence[str | Path], sample_mb: float, seed: int) -> Stretches:
    """Return the eojeols of a sample of the training documents.

    At most about ``sample_mb`` megabytes of text are read, each domain having an equal part of them as far
    as it has so much text; documents are drawn by hash of the id.

    Raises:
        InputError: no training document.
    """
    megabytes = _training_megabytes(inputs)
    if not megabytes:
        raise InputError("vocabulary: no document is in the train split; add documents to corpus")
    shares = sampled_shares(megabytes, sample_mb)
    stream = sampling.key(seed, "vocabulary")

    def keep(doc_ids: Sequence[str], domain: str) -> np.ndarray:
        numbers = np.array([int(doc_id[:15], 16) for doc_id in doc_ids])
        return sampling.uniform(stream, numbers) < shares[domain]

    return count_eojeols(inputs, "train", keep)


def learn(
    table: Stretches,
    *,
    size: int,
    boundaries: str,
    learner: str,
    min_frequency: int,
    reserved: int,
    prune: bool,
) -> list[str]:
    """Return the pieces of a vocabulary learned from a table of eojeols, in id order.

    ``boundaries`` says which morpheme boundaries pieces may not cross: ``all``, ``functional`` (only
    before josa, eomi, the copula and -하/-되) or ``none``; ``learner`` is a name in ``LEARNERS``. Every
    character seen ``min_frequency`` times, and each of ``SYMBOLS``, has a piece at both positions.
    ``reserved`` pieces ``[unused0]`` ... are left for users to fill. With ``prune``, pieces that greedy
    matching misuses are exchanged for better ones; without boundaries there is nothing to prune by.

    Raises:
        InputError: a setting that does not exist, or ``size`` is too small or too large for the text.
    """
    _check(boundaries, learner)
    words = words_of(table)
    alphabet = _alphabet(words, min_frequency)
    fixed = [
        *SPECIAL_TOKENS,
        *(f"[unused{number}]" for number in range(reserved)),
        *alphabet,
        *(PREFIX + character for character in alphabet),
    ]
    room = size - len(fixed)
    if room < 0:
        raise InputError(
            f"vocabulary.size: {size} cannot hold the {len(alphabet)} characters of the corpus at both "
            f"positions and {reserved} reserved tokens; set it to at least {_round_up(len(fixed))}"
        )
    learned = LEARNERS[learner](words, REQUIRED.get(boundaries), room, min_frequency)
    pieces = learned
    if prune and boundaries != "none" and room:
        pieces = exchanged(learned, words, boundaries, room, min_frequency)
    pieces = list(dict.fromkeys([*pieces, *learned]))
    if len(pieces) < room:
        available = len(fixed) + len(pieces)
        largest = available // 128 * 128
        lower = f"set it to at most {largest} or " if largest >= len(fixed) else ""
        raise InputError(
            f"vocabulary.size: the corpus gives only {available} pieces; {lower}add text"
        )
    LOG.info("vocabulary: %d characters, %d pieces learned", len(alphabet), len(learned))
    return [*fixed, *pieces[:room]]


def sampled_shares(megabytes: Mapping[str, float], sample_mb: float) -> dict[str, float]:
    """Return the share of each domain's text to read, so that ``sample_mb`` is spread evenly.

    A domain with less text than its equal part gives all of it and leaves the rest to the others.
    """
    left, level = sample_mb, 0.0
    for number, amount in enumerate(sorted(megabytes.values())):
        level = left / (len(megabytes) - number)
        if amount > level:
            break
        left -= amount
    else:
        return dict.fromkeys(megabytes, 1.0)
    return {domain: min(1.0, level / amount) for domain, amount in megabytes.items()}


def bert_tokenizer(vocabulary: Sequence[str]) -> BertTokenizerFast:
    """Return the fast BERT tokenizer of a vocabulary in id order; case and accents are kept."""
    ids = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(
        models.WordPiece(ids, unk_token="[UNK]", continuing_subword_prefix=PREFIX)
    )
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=PREFIX)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return BertTokenizerFast(
        tokenizer_object=tokenizer,
        do_lower_case=False,
        strip_accents=False,
        tokenize_chinese_chars=True,
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
    )


def _check(boundaries: str, learner: str) -> None:
    for name, value, known in (
        ("boundaries", boundaries, ("none", *REQUIRED)),
        ("learner", learner, tuple(LEARNERS)),
    ):
        if value not in known:
            raise InputError(f"vocabulary.{name}: {value!r} is none of {', '.join(known)}")


def _alphabet(words: Stretches, min_frequency: int) -> list[str]:
    """Return the characters that have a piece at both positions, in order of code points."""
    counts = np.bincount(words.characters, np.repeat(words.totals, np.diff(words.starts)))
    seen = {chr(code) for code in np.flatnonzero(counts >= min_frequency).tolist()}
    return sorted(seen.union(SYMBOLS))


def _round_up(number: int) -> int:
    return -(-number // 128) * 128


def _training_megabytes(inputs: Sequence[str | Path]) -> dict[str, float]:
    """Return the megabytes of training text of each domain, in order of names."""
    total: dict[str, int] = {}
    for path in inputs:
        for batch in pq.ParquetFile(path).iter_batches(1024, columns=["split", "domain", "text"]):
            train = batch.filter(pc.equal(batch["split"], "train"))
            sizes = pc.binary_length(train["text"]).to_pylist()
            for domain, size in zip(train["domain"].to_pylist(), sizes, strict=True):
                total[domain] = total.get(domain, 0) + size
    return {domain: total[domain] / 1e6 for domain in sorted(total)}
