"""The one error a user is meant to read."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and says the cure.

    Stages raise it for a whole job that cannot go on (an empty corpus, a vocabulary that does not fit).
    A single bad document never raises: it becomes a ledger row.
    """
