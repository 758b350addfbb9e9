"""A name in Hangul is drawn in letters that are there."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from malmoi import fonts
from malmoi.vocab import plots


@pytest.mark.parametrize("installed", [True, False])
def test_a_plot_shows_hangul_or_says_it_in_latin(tmp_path, monkeypatch, installed):
    if installed and not fonts._installed():
        pytest.skip("no font with Hangul is installed")
    if not installed:
        monkeypatch.setattr(fonts, "_installed", tuple)
        assert fonts.drawable("판결 BERT") == "pangyeol BERT"
    columns = ("tokenizer", "tokens_per_eojeol", "f1", "unk_share")
    table = pd.DataFrame([("판결 BERT", 1.8, 0.9, 0.0)], columns=columns)
    with warnings.catch_warnings():
        # Matplotlib warns of each character it draws as a box.
        warnings.simplefilter("error")
        plots.boundaries(table, tmp_path / "boundaries.png")
    assert (tmp_path / "boundaries.png").stat().st_size > 10_000
