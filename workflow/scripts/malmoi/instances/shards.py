"""The instance file: one row per training instance in an Arrow IPC file, written batch by batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from malmoi.errors import InputError

#: Where the file's metadata holds what it was made with, as JSON.
METADATA = b"malmoi.instances"

#: Rows of one record batch, at most.
BATCH_ROWS = 65_536


def schema(vocabulary_size: int, when: str, settings: Mapping[str, Any] | None = None) -> pa.Schema:
    """Return the columns of an instance file; ids are uint16 where they fit, uint32 otherwise.

    ``input_ids`` holds [CLS] segment [SEP] segment [SEP] …; ``token_type_ids`` is 0 for the first segment of
    a pair and 1 for the second; ``next_sentence_label`` is 0 where the second follows, 1 where it does not
    and -100 without pairs. ``doc_ids`` and ``segment_starts`` say of each segment which document it is
    from and at which of that document's tokens it begins.

    With ``when`` ``static`` the masks are applied in ``input_ids``, and ``mlm_labels`` are the original ids at
    ``mlm_positions``. With ``dynamic`` there is no mask, and ``unit_starts`` has the bits of the tokens
    file for each token (0 for special tokens). ``settings`` goes into the file's metadata.
    """
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    if when == "static":
        masks = [("mlm_positions", pa.list_(pa.uint16())), ("mlm_labels", pa.list_(ids))]
    else:
        masks = [("unit_starts", pa.list_(pa.uint8()))]
    columns = [
        ("input_ids", pa.list_(ids)),
        ("token_type_ids", pa.list_(pa.uint8())),
        ("next_sentence_label", pa.int8()),
        ("doc_ids", pa.list_(pa.string())),
        ("segment_starts", pa.list_(pa.int32())),
        *masks,
    ]
    metadata = None
    if settings is not None:
        metadata = {METADATA: json.dumps(settings, ensure_ascii=False, sort_keys=True).encode()}
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns], metadata)


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return what an instance file was made with.

    Keys: ``phase``, ``split``, ``max_seq_length``, ``pairs``, ``masking``, ``vocabulary_size``,
    ``vocabulary_sha256`` and ``seed``.

    Raises:
        InputError: the file is missing, cut short, or no instance file.
    """
    try:
        with pa.OSFile(str(path)) as file:
            metadata = pa.ipc.open_file(file).schema.metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{path}: not a readable instance file ({error}); delete it and run again"
        ) from error
    if METADATA not in metadata:
        raise InputError(f"{path}: not an instance file of malmoi's; delete it and run again")
    return json.loads(metadata[METADATA])


def lists(values: np.ndarray | pa.Array, offsets: np.ndarray) -> pa.ListArray:
    """Return a list column that shares ``values``; row n is values[offsets[n] : offsets[n + 1]]."""
    if isinstance(values, np.ndarray):
        values = pa.array(values)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32, copy=False)), values)
