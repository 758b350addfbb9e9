"""Published encoders that a run begins from or takes its tokenizer from: their files, and how they are named.

Only the standard library is imported here, since the workflow itself reads this module before any
environment exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from malmoi.errors import InputError

CONFIG = "config.json"
TOKENIZER = (
    *("vocab.txt", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocabulary.json"),
)

_WEIGHTS = re.compile(r"[^/]+\.safetensors(\.index\.json)?")
_HUB_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_used(name: str, weights: bool) -> bool:
    """Return whether a file is read: configuration, tokenizer and, with ``weights``, safetensors."""
    return name in (CONFIG, *TOKENIZER) or (weights and bool(_WEIGHTS.fullmatch(name)))


def used_files(folder: str | Path, weights: bool) -> list[Path]:
    """Return the files of a folder that are read, in order of names."""
    return sorted(path for path in Path(folder).iterdir() if is_used(path.name, weights))


def check_files(folder: str | Path, names: list[str], weights: bool) -> None:
    """Check that the names of a folder's files, or a repository's, are those of an encoder or a tokenizer.

    Raises:
        InputError: tokenizer, configuration or weights are missing, or the weights are a pickle alone.
    """
    if not {"vocab.txt", "tokenizer.json"} & set(names):
        raise InputError(f"{folder} has neither vocab.txt nor tokenizer.json; name a BERT's folder")
    if not weights:
        return
    if CONFIG not in names:
        raise InputError(f"{folder} has no {CONFIG}; name a folder saved by transformers")
    if not any(name.endswith(".safetensors") for name in names):
        pickled = any(name.startswith("pytorch_model") and name.endswith(".bin") for name in names)
        raise InputError(
            f"{folder}: its weights are a pickle, which can run code when it is read; load it with "
            "transformers as the class its config.json names, save_pretrained() it to another folder "
            "and name that"
            if pickled
            else f"{folder} has no *.safetensors; save the encoder with save_pretrained()"
        )


def check_reference(reference: Mapping[str, str | None], weights: bool) -> None:
    """Check a setting ``{model: …, revision: …}``: a folder that is there, or a Hub id with its commit.

    Raises:
        InputError: it is neither, or the folder lacks something or is one that the run itself writes.
    """
    model, revision = str(reference["model"]), reference.get("revision")
    folder = Path(model)
    if folder.is_dir():
        if revision:
            raise InputError(f"{model} is a folder here, which has no revision; leave it out")
        if Path("results").resolve() in (folder.resolve(), *folder.resolve().parents):
            raise InputError(f"{model} is written anew by runs; name a copy outside of results")
        check_files(model, [path.name for path in folder.iterdir()], weights)
    elif not _HUB_ID.fullmatch(model):
        raise InputError(f"{model}: there is no such folder, and it is no Hub id, namespace/name")
    elif not _COMMIT.fullmatch(revision or ""):
        raise InputError(
            f"{model}: there is no such folder; as a Hub id it needs revision, the commit of 40 "
            "hexadecimal digits"
        )
