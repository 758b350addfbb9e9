"""The cache: it saves work and never changes a byte of what is written, whatever is in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi.morphology import group, stream
from malmoi.morphology.cache import Cache, key, opened
from malmoi.morphology.stream import Counts, analysed
from morphology_stage import FILES, segment, write_documents

IDENTITY = {"kiwi": 1}


def fill(path: Path, contents: dict[str, bytes], identity: object = IDENTITY) -> None:
    with opened(path, identity) as cache:
        cache.put([key(name) for name in contents], list(contents.values()))


def known(cache: Cache, *names: str) -> list[bytes | None]:
    return cache.get([key(name) for name in names])


@given(
    st.lists(
        st.dictionaries(st.text("가나다라마", max_size=3), st.binary(max_size=9), max_size=20),
        max_size=6,
    )
)
def test_what_is_put_in_is_found_in_this_run_and_in_the_next(
    tmp_path_factory: pytest.TempPathFactory, runs: list[dict[str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("cache") / "file"
    together: dict[str, bytes] = {}
    with opened(path, IDENTITY) as cache:
        for contents in runs:
            new = {name: value for name, value in contents.items() if name not in together}
            assert known(cache, *new) == [None] * len(new)
            cache.put([key(name) for name in new], list(new.values()))
            together |= new
            assert known(cache, *together) == list(together.values())
    with opened(path, IDENTITY) as cache:
        assert known(cache, *together, "none such") == [*together.values(), None]
        assert cache.reused == len(together)
        assert known(cache, *together) == list(together.values())
        assert cache.reused == len(together)


def test_what_a_run_does_not_ask_for_falls_out(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fill(path, {"가": b"1", "나": b"2"})
    with opened(path, IDENTITY) as cache:
        assert known(cache, "나") == [b"2"]
    with opened(path, IDENTITY) as cache:
        assert known(cache, "가", "나") == [None, b"2"]


def test_purposes_are_kept_apart(tmp_path: Path) -> None:
    with opened(tmp_path / "file", IDENTITY) as cache:
        cache.put([key("가"), key("가", b"spacing")], [b"1", b"2"])
        assert cache.get([key("가", b"spacing"), key("가")]) == [b"2", b"1"]


def test_a_run_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fill(path, {"가": b"1"})
    with pytest.raises(KeyboardInterrupt), opened(path, IDENTITY) as cache:
        cache.put([key("나")], [b"2"])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [path]
    with opened(path, IDENTITY) as cache:
        assert known(cache, "가", "나") == [b"1", None]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: (
            b"PK\x03\x04 a file of something else, long enough to hold a footer or two of ours"
        ),
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:-90] + bytes(8) + content[-82:],
        lambda content: content[:-36] + b"\xff" * 8 + content[-28:],
    ],
)
def test_a_torn_or_foreign_file_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "file"
    fill(path, {"가": b"1" * 40, "나": b"2" * 40})
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level("INFO", "malmoi"), opened(path, IDENTITY) as cache:
        assert known(cache, "가", "나") == [None, None]
    assert "it is replaced" in caplog.text and str(path) in caplog.text
    with opened(path, IDENTITY):
        pass


def test_a_damaged_content_counts_as_unknown(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fill(path, {"가": b"1" * 40, "나": b"2" * 40})
    path.write_bytes(path.read_bytes().replace(b"1" * 40, b"1" * 39 + b"3"))
    with opened(path, IDENTITY) as cache:
        assert known(cache, "가", "나") == [None, b"2" * 40]


def test_the_file_of_another_analyzer_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fill(path, {"가": b"1"})
    with opened(path, {"kiwi": 2}) as cache:
        assert known(cache, "가") == [None]


TEXTS = [
    "이 규칙은 공포한 날부터 시행한다.\n피고는 원고에게 돈을 지급했다.",
    "환자는 고혈압을 앓았다.\n이 규칙은 공포한 날부터 시행한다.",
    *(f"제{number}조 원고는 청구했다.\n이 규칙은 공포한 날부터 시행한다." for number in range(60)),
]


def file_bytes(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


@pytest.mark.usefixtures("one_kiwi")
@pytest.mark.parametrize("settings", [{}, {"spacing": "repair", "input": "segmented"}])
def test_the_cache_saves_work_and_changes_nothing(tmp_path: Path, settings: dict[str, str]) -> None:
    unspaced = "피고는원고에게손해를배상할책임이있고그금액은법원이정하는바에따른다고할것이다."
    source = write_documents(tmp_path / "made.parquet", [*TEXTS, unspaced])
    first = segment(tmp_path / "empty", source, **settings)
    wanted = file_bytes(tmp_path / "empty")
    # Each block once, of which one stands in every document but the last.
    assert first == Counts(blocks=125, analysed=64, cached=0)

    cache = tmp_path / "empty" / "cache"
    full = segment(tmp_path / "full", source, cache=cache, **settings)
    assert (full.analysed, full.cached) == (0, 64 + bool(settings))
    assert file_bytes(tmp_path / "full") == wanted

    edited = write_documents(tmp_path / "edited.parquet", [*TEXTS[:-1], "새 문장이다.", unspaced])
    again = segment(tmp_path / "stale", edited, cache=cache, **settings)
    assert again.analysed == 1
    segment(tmp_path / "fresh", edited, **settings)
    assert file_bytes(tmp_path / "stale") == file_bytes(tmp_path / "fresh")

    cache.write_bytes(cache.read_bytes()[:-5])
    torn = segment(tmp_path / "torn", source, cache=cache, **settings)
    assert torn == first and file_bytes(tmp_path / "torn") == wanted


@pytest.mark.usefixtures("one_kiwi")
def test_batches_of_any_size_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_documents(tmp_path / "made.parquet", TEXTS)
    segment(tmp_path / "usual", source)
    monkeypatch.setattr(group, "BATCH_CHARACTERS", 1)
    monkeypatch.setattr(stream, "MOST_OPEN", 1)
    for name in ("single", "known"):
        segment(tmp_path / name, source, cache=tmp_path / "cache")
        assert file_bytes(tmp_path / name) == file_bytes(tmp_path / "usual")


def test_texts_the_cache_knows_do_not_pile_up_before_one_it_does_not(
    tmp_path: Path, kiwi: Kiwi
) -> None:
    texts = [[f"{number}번 문장이다."] for number in range(600)]
    path = tmp_path / "cache"
    with opened(path, IDENTITY) as cache:
        list(analysed(kiwi, texts, cache, Counts()))
    taken = 0

    def counted() -> Iterator[list[str]]:
        nonlocal taken
        for text in [["처음 보는 문장이다."], *texts]:
            taken += 1
            yield text

    with opened(path, IDENTITY) as cache:
        ahead = []
        for number, analysis in enumerate(analysed(kiwi, counted(), cache, Counts())):
            assert np.all(analysis.counts > 0)
            ahead.append(taken - number)
    assert len(ahead) == 601 and max(ahead) < 150
