"""Begin with the weights of an encoder that exists, with its vocabulary or with another one.

Further pretraining on text of the domain follows Gururangan et al. 2020; that a piece which the encoder did not
know begins as the mean of the pieces its text was made of until now, Gee et al. 2022.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer, normalizers
from torch.nn import functional
from transformers import AutoTokenizer, BertConfig, BertForPreTraining
from transformers.utils import logging

from malmoi import fingerprint, pretrained
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.training.model import untrained

WORDS = "bert.embeddings.word_embeddings.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
BIAS = "cls.predictions.bias"

#: Names by which the state dict holds the same tensor once more.
TIED = {"cls.predictions.decoder.weight": WORDS, "cls.predictions.decoder.bias": BIAS}

#: What may be missing in a folder: the heads.
HEADS = {
    "bert.pooler.": "pooler",
    "cls.predictions.": "masked-word head",
    "cls.seq_relationship.": "next-sentence head",
}

#: What begins a piece that continues a word.
PREFIX = "##"

#: What ``pretrain.model`` calls the dimensions of a configuration of transformers.
_DIMENSIONS = {
    "layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
}

#: Further values of a configuration that weights are made for, and which malmoi never changes.
_FIXED = ("hidden_act", "layer_norm_eps", "type_vocab_size")


def fingerprint_of(folder: str | Path) -> str:
    """Return the sha256 (hexadecimal) of all that ``initial_weights`` reads in a folder."""
    files = pretrained.used_files(folder, weights=True)
    return fingerprint.of_value({path.name: fingerprint.of_file(path) for path in files})


def initial_weights(
    folder: str | Path, config: BertConfig, vocabulary: str | Path, seed: int
) -> dict[str, torch.Tensor]:
    """Return the float32 state dict of ``BertForPreTraining(config)`` with the weights of an encoder.

    ``folder`` is an encoder as transformers saves a ``BertModel``, ``BertForMaskedLM`` or
    ``BertForPreTraining``; ``vocabulary`` is the ``vocab.txt`` of the run, whose pieces ``config`` counts.
    Heads that are missing, and places beyond the folder's, are those of ``untrained(config, seed)``.

    Embedding and output bias of a piece that both know are copied, ids may differ. A new piece has the mean of
    those that the folder's tokenizer cuts its text into; one that this cannot cut, or a special token it lacks,
    the mean of all. The output embedding is the input one.

    Raises:
        InputError: the folder lacks something, is no plain BERT or has other dimensions than ``config``.
    """
    folder = Path(folder)
    pretrained.check_files(folder, [path.name for path in folder.iterdir()], weights=True)
    _check_config(folder, config)
    given, missing = _loaded(folder)
    weights = untrained(config, seed).state_dict()
    apart = {WORDS, POSITIONS, BIAS, *TIED}
    for name in weights:
        if name not in missing and name not in apart:
            weights[name] = given[name]
    positions = min(len(given[POSITIONS]), len(weights[POSITIONS]))
    weights[POSITIONS][:positions] = given[POSITIONS][:positions]
    if positions < len(weights[POSITIONS]):
        LOG.info(
            "%s: it reads %d places; those beyond begin untrained, up to %d",
            *(folder, positions, len(weights[POSITIONS])),
        )
    parts = _parts(folder, len(given[WORDS]), Path(vocabulary))
    if len(parts) != config.vocab_size:
        raise InputError(
            f"{vocabulary} has {len(parts)} pieces, but the model {config.vocab_size}; give both alike"
        )
    weights[WORDS] = _means(given[WORDS], parts)
    if BIAS not in missing:
        weights[BIAS] = _means(given[BIAS], parts)
    for name, same in TIED.items():
        weights[name] = weights[same]
    return weights


def _check_config(folder: Path, config: BertConfig) -> None:
    """Raise InputError where weights of a folder do not fit a configuration."""
    path = folder / pretrained.CONFIG
    kind = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    if not kind == config.model_type == "bert":
        raise InputError(
            f"{path}: model_type is {kind!r}, that of this run is {config.model_type!r}; pretrain.init "
            "needs a 'bert' on both sides"
        )
    old = BertConfig.from_pretrained(folder, local_files_only=True)
    dimensions = {ours: getattr(old, theirs) for ours, theirs in _DIMENSIONS.items()}
    differing = [
        f"{ours} {getattr(old, theirs)} there, {getattr(config, theirs)} here"
        for ours, theirs in _DIMENSIONS.items()
        if getattr(old, theirs) != getattr(config, theirs)
    ]
    if differing:
        cure = ", ".join(f"{name}: {value}" for name, value in dimensions.items())
        raise InputError(
            f"pretrain.init: {folder} is of other dimensions than pretrain.model ({'; '.join(differing)}); "
            f"set pretrain.model to {{{cure}}}"
        )
    for name in _FIXED:
        if getattr(old, name) != getattr(config, name):
            raise InputError(
                f"{path}: {name} is {getattr(old, name)}; malmoi trains with {getattr(config, name)} and "
                "cannot go on from this encoder; choose another"
            )


def _loaded(folder: Path) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Return a folder's float32 weights by name, and the names that it does not have."""
    with _quiet(), torch.random.fork_rng():
        try:
            model, found = BertForPreTraining.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise InputError(
                f"pretrain.init: {folder} cannot be loaded: {str(error).strip().splitlines()[0]}; save it "
                "again with save_pretrained()"
            ) from error
    missing = set(found["missing_keys"])
    lost = sorted(name for name in missing if not name.startswith(tuple(HEADS)))
    if lost:
        raise InputError(
            f"pretrain.init: {folder} lacks {len(lost)} weights of a BERT, such as {lost[0]}; save it again "
            "with save_pretrained()"
        )
    for start, head in HEADS.items():
        if any(name.startswith(start) for name in missing):
            LOG.info("%s has no %s: it begins untrained", folder, head)
    unused = sorted(found["unexpected_keys"])
    if unused:
        LOG.info("%s: %d weights are not used, such as %s", folder, len(unused), unused[0])
    return model.state_dict(), missing


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and a table of missing heads, which our own log names."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _parts(folder: Path, rows: int, vocabulary: Path) -> list[list[int]]:
    """Return, for each piece of ``vocabulary``, the ids of the folder's pieces that it is the mean of.

    None at all means all of them; ``rows`` is how many the folder has embeddings of.
    """
    pieces = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    tokenizer = _tokenizer(folder)
    old = tokenizer.get_vocab()
    if max(old.values()) >= rows:
        raise InputError(
            f"pretrain.init: {folder} has {rows} embeddings, but its tokenizer ids up to "
            f"{max(old.values())}; put in the tokenizer that belongs to it"
        )
    special = {each.content for each in tokenizer.get_added_tokens_decoder().values()}
    parts = [
        [old[piece]] if piece in old else _cut(piece, old, special, tokenizer.normalizer)
        for piece in pieces
    ]
    if [old.get(piece) for piece in pieces] == list(range(len(old))):
        LOG.info("%s: its vocabulary is this run's, %d pieces", folder, len(pieces))
    else:
        known = sum(piece in old for piece in pieces)
        lost = sum(not each for each in parts)
        LOG.info(
            "%s: embeddings of %d pieces are copied, %d new pieces are means of old ones, %d new pieces "
            "match nothing and are the mean of all",
            *(folder, known, len(pieces) - known - lost, lost),
        )
    return parts


def _tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a folder as transformers loads it."""
    try:
        loaded = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        tokenizer = loaded.backend_tokenizer
        kind = json.loads(tokenizer.to_str())["model"]
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"pretrain.init: the tokenizer of {folder} cannot be loaded: {error}"
        ) from error
    if (kind["type"], kind.get("continuing_subword_prefix")) != ("WordPiece", PREFIX):
        raise InputError(
            f"pretrain.init: the tokenizer of {folder} is of type {kind['type']}; choose an encoder with "
            "BERT's WordPiece"
        )
    return tokenizer


def _cut(
    piece: str, old: dict[str, int], special: set[str], normalizer: normalizers.Normalizer | None
) -> list[int]:
    """Return the ids that greedy longest match cuts a piece's text into, none where that fails.

    A piece that continues a word is cut as one that does.
    """
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
        return []
    begun = piece.startswith(PREFIX) and piece != PREFIX
    text = piece.removeprefix(PREFIX) if begun else piece
    if normalizer is not None:
        text = normalizer.normalize_str(text).strip()
    ids = []
    while text:
        mark = PREFIX if begun or ids else ""
        ends = range(len(text), 0, -1)
        end = next((end for end in ends if mark + text[:end] in old), 0)
        if not end or mark + text[:end] in special:
            return []
        ids.append(old[mark + text[:end]])
        text = text[end:]
    return ids


def _means(values: torch.Tensor, parts: list[list[int]]) -> torch.Tensor:
    """Return, for each of ``parts``, the mean of those rows of ``values`` [V, ...], of all rows for none."""
    counts = torch.tensor([len(each) for each in parts])
    means = functional.embedding_bag(
        torch.tensor([number for each in parts for number in each], dtype=torch.int64),
        values.reshape(len(values), -1),
        offsets=counts.cumsum(0) - counts,
        mode="mean",
    )
    means[counts == 0] = values.reshape(len(values), -1).mean(dim=0)
    return means.reshape(len(parts), *values.shape[1:])
