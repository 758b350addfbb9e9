"""The instance file: one row per training instance, Arrow IPC, memory-mapped by the loader."""

from __future__ import annotations

import pyarrow as pa


def schema(vocabulary_size: int) -> pa.Schema:
    """Return the columns of an instance file; ids are uint16 where they fit.

    ``input_ids`` holds [CLS] A [SEP] B [SEP] with masks applied; ``mlm_labels`` are the original ids at
    ``mlm_positions``; ``next_sentence_label`` is 0 where B follows A and 1 where B is random.
    """
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            pa.field("input_ids", pa.list_(ids), nullable=False),
            pa.field("token_type_ids", pa.list_(pa.uint8()), nullable=False),
            pa.field("mlm_positions", pa.list_(pa.uint16()), nullable=False),
            pa.field("mlm_labels", pa.list_(ids), nullable=False),
            pa.field("next_sentence_label", pa.uint8(), nullable=False),
            pa.field("doc_id_a", pa.string(), nullable=False),
            pa.field("doc_id_b", pa.string(), nullable=False),
        ]
    )
