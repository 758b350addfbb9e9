"""The analyzer, which takes more than a second to load, once for all tests of the room."""

from __future__ import annotations

import pytest
from kiwipiepy import Kiwi
from malmoi.morphology.analyzer import load_analyzer


@pytest.fixture(scope="session")
def kiwi() -> Kiwi:
    """Kiwi as the stage loads it, with one thread and no dictionary."""
    return load_analyzer(1)


@pytest.fixture
def one_kiwi(kiwi: Kiwi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests that need no dictionary and no second thread the loading of another analyzer."""
    monkeypatch.setattr(
        "malmoi.morphology.analyzer.load_analyzer", lambda workers, dictionary: kiwi
    )
