"""Loading: padded batches with the right labels, each instance once per epoch, damage said plainly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances_made_tokens import Document, build, write_tokens, write_vocabulary
from malmoi.errors import InputError
from malmoi.instances.loader import IGNORED, InstanceStore, step_indices

SIZE = 1000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two shards, and between them one without any instance."""
    folder = tmp_path_factory.mktemp("instances")
    vocabulary = write_vocabulary(folder / "vocab.txt", SIZE)
    rng = np.random.default_rng(20)
    paths = []
    for number, count in enumerate((12, 0, 20)):
        documents = [
            Document(rng.integers(5, SIZE, size=length).tolist())
            for length in rng.integers(2, 300, size=count)
        ]
        tokens = write_tokens(folder / f"tokens-{number}.arrow", documents, SIZE)
        paths.append(build(folder / str(number), [tokens], vocabulary, duplicates=2).path)
    return paths


@pytest.fixture(scope="module")
def rows(files: list[Path]) -> list[dict]:
    found = []
    for path in files:
        with pa.memory_map(str(path)) as file:
            found += pa.ipc.open_file(file).read_all().to_pylist()
    return found


def test_store_holds_all_files_in_order(files: list[Path], rows: list[dict]) -> None:
    store = InstanceStore(files)
    assert len(store) == len(rows) > 100
    assert store.document_ids(np.arange(len(store))) == [row["doc_id_a"] for row in rows]
    assert len(InstanceStore([files[1]])) == 0


def test_batch_pads_to_the_longest_and_labels_only_masked_places(
    files: list[Path], rows: list[dict]
) -> None:
    store = InstanceStore(files)
    indices = np.array([5, len(rows) - 1, 0, 40, 5])
    batch = store.batch(indices)
    width = max(len(rows[index]["input_ids"]) for index in indices)
    for name in ("input_ids", "token_type_ids", "attention_mask", "labels"):
        assert batch[name].shape == (5, width)
        assert batch[name].dtype == np.int64
    assert batch["next_sentence_label"].shape == (5,)
    for number, index in enumerate(indices):
        row = rows[index]
        length = len(row["input_ids"])
        assert batch["input_ids"][number, :length].tolist() == row["input_ids"]
        assert batch["token_type_ids"][number, :length].tolist() == row["token_type_ids"]
        assert batch["attention_mask"][number].tolist() == [1] * length + [0] * (width - length)
        assert not batch["input_ids"][number, length:].any()
        assert not batch["token_type_ids"][number, length:].any()
        labels = np.full(width, IGNORED)
        labels[row["mlm_positions"]] = row["mlm_labels"]
        assert batch["labels"][number].tolist() == labels.tolist()
        assert batch["next_sentence_label"][number] == row["next_sentence_label"]


@given(st.integers(1, 100), st.integers(1, 64), st.integers(0, 2**31))
def test_every_instance_comes_once_per_epoch(size: int, batch_size: int, seed: int) -> None:
    steps = -(-3 * size // batch_size)
    order = np.concatenate(
        [step_indices(size, step, batch_size, seed, "l64") for step in range(steps)]
    )
    for epoch in range(3):
        part = order[epoch * size : (epoch + 1) * size]
        assert sorted(part.tolist()) == list(range(size))


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(1, 32))
def test_a_step_depends_on_its_number_alone(size: int, step: int, batch_size: int) -> None:
    once = step_indices(size, step, batch_size, 20, "l64")
    assert once.shape == (batch_size,) and once.dtype == np.int64
    assert ((once >= 0) & (once < size)).all()
    assert np.array_equal(once, step_indices(size, step, batch_size, 20, "l64"))
    # Half the batch size takes the same instances in twice the steps.
    halves = [step_indices(size, 2 * step + part, batch_size, 20, "l64") for part in (0, 1)]
    assert np.array_equal(
        np.concatenate(halves), step_indices(size, step, 2 * batch_size, 20, "l64")
    )


def test_epochs_phases_and_seeds_differ_in_order() -> None:
    orders = [
        step_indices(1000, 0, 1000, 20, "l64"),
        step_indices(1000, 1, 1000, 20, "l64"),
        step_indices(1000, 0, 1000, 20, "l128"),
        step_indices(1000, 0, 1000, 21, "l64"),
    ]
    for number, order in enumerate(orders):
        for other in orders[number + 1 :]:
            assert (order == other).mean() < 0.02


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_said_plainly(tmp_path: Path, files: list[Path], kept: float) -> None:
    data = files[0].read_bytes()
    path = tmp_path / "cut.arrow"
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=r"cut\.arrow: not a readable instance file.*delete it"):
        InstanceStore([path])


def test_a_file_whose_batches_cannot_be_found_is_said_plainly(
    tmp_path: Path, files: list[Path]
) -> None:
    data = bytearray(files[0].read_bytes())
    # Garbage over the first message: the footer still opens, the batch it points to does not.
    data[: len(data) // 2] = b"\xff" * (len(data) // 2)
    path = tmp_path / "overwritten.arrow"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"overwritten\.arrow: not a readable instance file"):
        InstanceStore([path])


def test_a_missing_or_foreign_file_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "foreign.arrow").write_text("피고에게", encoding="utf-8")
    for name in ("foreign.arrow", "missing.arrow"):
        with pytest.raises(InputError, match=name):
            InstanceStore([tmp_path / name])
