"""Tokenizers to compare a vocabulary with: folders, and repositories of the Hub where there is a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from malmoi.errors import InputError
from malmoi.progress import LOG

#: Seconds for fetching one repository's tokenizer from the Hub.
LIMIT = 60.0

#: The files of a repository that its tokenizer may need; weights are none of them.
FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("config.json", "vocab.txt", "vocab.json", "merges.txt"),
)

_HUB_ID = re.compile(r"(?P<repo>[\w-][\w.-]*(/[\w-][\w.-]*)?)(@(?P<revision>[\w./-]+))?", re.ASCII)

#: Runs in a process of its own, which can be ended. A token stored on the machine is not used.
_FETCH = """
import os, sys
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], revision=sys.argv[2] or None, allow_patterns=sys.argv[3:],
                        token=os.environ.get("HF_TOKEN") or False))
"""


@dataclass(frozen=True)
class Candidate:
    """A tokenizer to measure, or why there is none.

    ``name``: what tables call it, for a folder its last part. ``tokenizer``: None where it is skipped, and
    ``skipped`` says why.
    """

    name: str
    tokenizer: Tokenizer | None
    skipped: str = ""


def load_candidates(names: Sequence[str], limit: float = LIMIT) -> list[Candidate]:
    """Load the tokenizers of folders and of Hub repositories (``owner/name``, ``owner/name@revision``).

    One that cannot be fetched within ``limit`` seconds, cannot be loaded without remote code, is not fast or
    gives no offsets is skipped, with a line in the log. ``HF_TOKEN`` of the environment is used where set.

    Raises:
        InputError: a name is neither a folder nor like an id of the Hub.
    """
    candidates = []
    short = Counter(Path(name).resolve().name for name in names if Path(name).is_dir())
    for name in dict.fromkeys(names):
        if Path(name).is_dir():
            last = Path(name).resolve().name
            candidate = _load(last if short[last] == 1 else name, Path(name))
        else:
            parts = _HUB_ID.fullmatch(name)
            if parts is None:
                raise InputError(
                    f"comparison vocabulary {name}: there is no such folder, and it is no id of the Hub; "
                    "give a folder with a tokenizer or owner/name"
                )
            candidate = _from_hub(name, parts["repo"], parts["revision"] or "", limit)
        if candidate.tokenizer is None:
            LOG.warning("comparison vocabulary %s is skipped: %s", name, candidate.skipped)
        candidates.append(candidate)
    return candidates


def load_folder(folder: str | Path) -> Tokenizer:
    """Return the fast tokenizer of a folder as transformers loads it, or of its ``tokenizer.json`` alone.

    Raises:
        ValueError: there is none; the message says why.
    """
    folder = Path(folder)
    try:
        loaded = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:
        # A tokenizer saved by the tokenizers library alone does not say its class.
        if (folder / "tokenizer.json").is_file() and not (folder / "config.json").is_file():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        raise ValueError(f"it cannot be loaded: {_last_line(str(error))}") from error
    if not getattr(loaded, "is_fast", False):
        raise ValueError("it is a slow tokenizer, which gives no offsets")
    tokenizer = loaded.backend_tokenizer
    offsets = tokenizer.encode("가나 다라", add_special_tokens=False).offsets
    if not offsets or offsets[-1][1] != len("가나 다라"):
        raise ValueError("it gives no offsets")
    return tokenizer


def _load(name: str, folder: Path) -> Candidate:
    try:
        return Candidate(name, load_folder(folder))
    except ValueError as error:
        return Candidate(name, None, str(error))


def _from_hub(name: str, repo: str, revision: str, limit: float) -> Candidate:
    command = [sys.executable, "-c", _FETCH, repo, revision, *FILES]
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=limit, check=True
        )
    except subprocess.TimeoutExpired:
        return Candidate(name, None, f"the Hub did not give it within {limit:g} seconds")
    except subprocess.CalledProcessError as error:
        return Candidate(name, None, f"it cannot be fetched: {_last_line(error.stderr)}")
    return _load(name, Path(run.stdout.strip().splitlines()[-1]))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no reason was given"
