"""Settings every test shares."""

from __future__ import annotations

from hypothesis import settings

# Time limits per example fail at random on a loaded machine.
settings.register_profile("malmoi", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("malmoi")
