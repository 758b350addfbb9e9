"""Sequences to train on, one pass over a block of documents: pairs of segments, or packed full sentences."""

from __future__ import annotations

from malmoi.errors import InputError
from malmoi.instances.balanced import balanced_pairs
from malmoi.instances.google import google_pairs
from malmoi.instances.order import order_pairs
from malmoi.instances.packing import full_sentences
from malmoi.instances.sequences import SHORTEST, Documents, PairSettings, Sequences

__all__ = ["Documents", "PairSettings", "Sequences", "build_pairs"]


def build_pairs(
    documents: Documents, settings: PairSettings, max_seq_length: int, stream: int
) -> Sequences:
    """Return one pass over the documents as sequences of at most ``max_seq_length`` tokens.

    Special tokens are counted. The same arguments give the same sequences; ``stream`` is the key of every
    draw. Except in mode ``google`` each token is used exactly once, but that a document of a single token
    makes no pair. Raises InputError where ``max_seq_length`` leaves too little room.
    """
    if max_seq_length < SHORTEST:
        raise InputError(f"max_seq_length is {max_seq_length}: choose {SHORTEST} or more")
    if settings.kind == "none":
        return full_sentences(documents, max_seq_length)
    if settings.kind == "sop":
        return order_pairs(documents, settings, max_seq_length, stream)
    if settings.mode == "google":
        return google_pairs(documents, settings, max_seq_length, stream)
    return balanced_pairs(documents, settings, max_seq_length, stream)
