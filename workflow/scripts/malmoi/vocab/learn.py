"""Learn a position-aware WordPiece vocabulary from segments and export it as a Hugging Face tokenizer.

The published tokenizer is an ordinary ``BertTokenizerFast``: morphemes shape which pieces exist, and reading
raw text needs no analyzer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast

from malmoi import sampling
from malmoi.atomic import replacing_folder, write_json
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.vocab.words import marked_words, normalizer, unmarked, word_splitter

PREFIX = "##"
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def learn_vocabulary(
    inputs: Sequence[str | Path],
    *,
    size: int,
    boundaries: str,
    sample_mb: float,
    min_frequency: int,
    seed: int,
    output: str | Path,
) -> None:
    """Learn a vocabulary of exactly ``size`` pieces from the training documents and write its folder.

    ``boundaries`` says which morpheme boundaries pieces may not cross: ``all``, ``functional`` (only
    before josa, eomi, the copula and -하/-되) or ``none``. Every character seen ``min_frequency`` times
    gets a piece at both positions. A sample of about ``sample_mb`` megabytes of text is drawn document
    by document, by hash of the id.

    Raises:
        InputError: no training document, or too little text for ``size``.
    """
    megabytes = _training_megabytes(inputs)
    share = min(1.0, sample_mb / megabytes) if megabytes else 0.0
    if not share:
        raise InputError("vocabulary: no document is in the train split; add documents to corpus")
    documents = _sampled(inputs, share, sampling.key(seed, "vocabulary"))
    characters, parts = _count(
        track(documents, "vocabulary"), boundaries, functional_tags(inputs[0])
    )
    pieces = _train(parts, size, min_frequency)
    alphabet = sorted(
        character
        for character, count in characters.items()
        if count >= min_frequency and not character.isspace()
    )
    vocabulary = _assemble(alphabet, pieces, size)
    with replacing_folder(output) as folder:
        bert_tokenizer(vocabulary).save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        write_json(
            folder / "vocabulary.json",
            {
                "size": size,
                "boundaries": boundaries,
                "alphabet": len(alphabet),
                "sampled_share": share,
                "training_megabytes": megabytes,
                "min_frequency": min_frequency,
            },
        )


def functional_tags(path: str | Path) -> np.ndarray:
    """Return which tag numbers of a segments file are function morphemes (bool [tags]).

    They attach to a stem: josa, eomi, the copula 이- and the verb-makers -하/-되.
    """
    tags = json.loads(pq.read_schema(path).metadata[b"malmoi.tags"])
    return np.array([tag[:1] in ("J", "E") or tag in ("VCP", "XSV", "XSA") for tag in tags])


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


def _count(
    documents: Iterable[dict], boundaries: str, functional: np.ndarray
) -> tuple[Counter[str], Counter[str]]:
    """Return how often each character and each morpheme-marked part of a word occurs."""
    splitter, clean = word_splitter(), normalizer()
    characters: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    nothing = np.zeros(0, dtype=np.int64)
    for document in documents:
        characters.update(clean.normalize_str(document["text"]))
        starts = np.array(document["morpheme_starts"], dtype=np.int64)
        if boundaries == "none":
            starts = nothing
        elif boundaries == "functional":
            starts = starts[functional[np.array(document["morpheme_tags"], dtype=np.int64)]]
        parts.update(marked_words(document["text"], starts, splitter))
    return characters, parts


def _train(parts: Counter[str], size: int, min_frequency: int) -> list[str]:
    """Return trained pieces as plain text, most valuable first, single characters left out."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", continuing_subword_prefix=PREFIX))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    characters = {character for part in parts for character in part}
    continuing = {PREFIX + character for part in parts for character in part[1:]}
    trainer = trainers.WordPieceTrainer(
        # The rewritten pieces of the two positions partly collide, so more are learned than are kept. The
        # trainer counts every single character besides, however rare.
        vocab_size=2 * size + len(characters) + len(continuing),
        min_frequency=min_frequency,
        limit_alphabet=200_000,
        continuing_subword_prefix=PREFIX,
        # The trainer numbers continuing characters in hash order and breaks ties by number; named
        # beforehand they keep one order, and the same text gives the same pieces.
        special_tokens=sorted(continuing),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        (" ".join([part] * count) for part, count in sorted(parts.items())), trainer
    )
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    pieces = dict.fromkeys(unmarked(piece, PREFIX) for piece, _ in ordered)
    return [piece for piece in pieces if len(piece.removeprefix(PREFIX)) > 1]


def _assemble(alphabet: Sequence[str], pieces: Sequence[str], size: int) -> list[str]:
    fixed = [*SPECIAL_TOKENS, *alphabet, *(PREFIX + character for character in alphabet)]
    available = len(fixed) + len(pieces)
    if len(fixed) > size:
        raise InputError(
            f"vocabulary.size: {size} cannot hold the {len(alphabet)} characters of the corpus at both "
            f"positions; set it to at least {_round_up(len(fixed))}"
        )
    if available < size:
        largest = available // 128 * 128
        lower = f"set it to at most {largest} or " if largest >= len(fixed) else ""
        raise InputError(
            f"vocabulary.size: the corpus gives only {available} pieces; {lower}add text"
        )
    LOG.info("vocabulary: %d characters, %d pieces learned", len(alphabet), len(pieces))
    return [*fixed, *pieces[: size - len(fixed)]]


def _round_up(number: int) -> int:
    return -(-number // 128) * 128


def _training_megabytes(inputs: Sequence[str | Path]) -> float:
    total = 0
    for path in inputs:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["split", "text"]):
            for document in batch.to_pylist():
                if document["split"] == "train":
                    total += len(document["text"].encode())
    return total / 1e6


def _sampled(inputs: Sequence[str | Path], share: float, stream: int) -> Iterator[dict]:
    columns = ["doc_id", "split", "text", "morpheme_starts", "morpheme_tags"]
    for path in inputs:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=columns):
            for document in batch.to_pylist():
                number = np.array([int(document["doc_id"][:15], 16)])
                if document["split"] == "train" and sampling.uniform(stream, number)[0] < share:
                    yield document
