"""Loading: any rows of any files come out as they were written, and damage is said plainly."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_instances import Maker
from malmoi.errors import InputError
from malmoi.instances.loader import InstanceStore, padded, step_epochs, step_indices

SIZE = 1000


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker(tmp_path_factory.mktemp("instances"), SIZE)


@pytest.fixture(scope="module")
def static(maker: Maker) -> tuple[list[Path], list[dict]]:
    """Three files of several record batches, one of them without any instance."""
    written = [maker.write(f"s{n}.arrow", count) for n, count in enumerate((50, 0, 75))]
    return [path for path, _ in written], [row for _, rows in written for row in rows]


@pytest.fixture(scope="module")
def dynamic(maker: Maker) -> tuple[list[Path], list[dict]]:
    written = [maker.write(f"d{n}.arrow", count, "dynamic") for n, count in enumerate((40, 60))]
    return [path for path, _ in written], [row for _, rows in written for row in rows]


@pytest.mark.parametrize("files", [1, 3])
def test_rows_come_in_any_order_as_they_were_written(
    files: int, static: tuple[list[Path], list[dict]]
) -> None:
    store, rows = InstanceStore(static[0][:files]), static[1]
    assert len(store) == (50 if files == 1 else 125)
    draw = np.random.default_rng(5)
    for indices in (np.arange(len(store)), draw.integers(0, len(store), 60), np.array([], int)):
        found = store.rows(indices)
        assert len(found) == len(indices)
        assert found.input_ids.dtype == np.uint16 or not len(indices)
        assert store.lengths(indices).tolist() == found.lengths.tolist()
        assert found.next_sentence_label.tolist() == [
            rows[index]["next_sentence_label"] for index in indices
        ]
        labels, counts = store.labels(indices)
        assert labels.tolist() == [label for i in indices for label in rows[i]["mlm_labels"]]
        assert counts.tolist() == [len(rows[i]["mlm_labels"]) for i in indices]
        for number, index in enumerate(indices):
            one, row = found.part(number, number + 1), rows[index]
            assert one.input_ids.tolist() == row["input_ids"]
            assert one.token_type_ids.tolist() == row["token_type_ids"]
            assert one.mlm_positions.tolist() == row["mlm_positions"]
            assert one.mlm_labels.tolist() == row["mlm_labels"]


def test_ids_beyond_16_bits_are_read_and_masked(tmp_path: Path) -> None:
    maker = Maker(tmp_path, 70_000)
    path, rows = maker.write("wide.arrow", 60, "dynamic")
    found = InstanceStore([path], maker.vocabulary).rows(np.arange(60))
    assert found.input_ids.dtype == found.mlm_labels.dtype == np.uint32
    originals(rows, padded(found))
    assert found.mlm_labels.max() > 1 << 16


def test_the_document_is_that_of_the_first_segment(static: tuple[list[Path], list[dict]]) -> None:
    paths, rows = static
    indices = np.random.default_rng(6).permutation(len(rows))
    expected = [rows[index]["doc_ids"][0] for index in indices]
    assert InstanceStore(paths).document_ids(indices) == expected


def test_instances_beyond_the_last_are_refused(static: tuple[list[Path], list[dict]]) -> None:
    store = InstanceStore(static[0])
    for wrong in (-1, len(store)):
        with pytest.raises(IndexError, match="0 to 124"):
            store.rows(np.array([0, wrong]))


def test_a_store_without_instances_has_none(static: tuple[list[Path], list[dict]]) -> None:
    assert len(InstanceStore([static[0][1]])) == len(InstanceStore([])) == 0


def test_a_store_is_pickled_as_its_paths(
    maker: Maker, dynamic: tuple[list[Path], list[dict]]
) -> None:
    store = InstanceStore(dynamic[0], maker.vocabulary)
    data = pickle.dumps(store)
    assert len(data) < 1000
    again = pickle.loads(data)
    indices = np.arange(10)
    assert np.array_equal(again.rows(indices).input_ids, store.rows(indices).input_ids)


def originals(rows: list[dict], batch: dict[str, np.ndarray]) -> None:
    """Assert that labels put back over the masks give the rows as written."""
    for number, row in enumerate(rows):
        length = len(row["input_ids"])
        ids, labels = (batch[name][number, :length] for name in ("input_ids", "labels"))
        assert np.where(labels >= 0, labels, ids).tolist() == row["input_ids"]


def test_dynamic_masks_hide_what_was_written_and_nothing_else(
    maker: Maker, dynamic: tuple[list[Path], list[dict]]
) -> None:
    paths, rows = dynamic
    store = InstanceStore(paths, maker.vocabulary)
    found = store.rows(np.arange(len(rows)))
    originals(rows, padded(found))
    # Where every unit is larger than the budget, nothing is masked.
    assert (np.diff(found.mlm_offsets) > 0).mean() > 0.9
    hidden = found.input_ids[found.mlm_positions] != found.mlm_labels
    assert 0.7 < hidden.mean() < 1.0


def test_dynamic_masks_are_a_function_of_epoch_and_instance(
    maker: Maker, dynamic: tuple[list[Path], list[dict]]
) -> None:
    paths, rows = dynamic
    store = InstanceStore(paths, maker.vocabulary)
    whole = np.arange(len(rows))
    first = padded(store.rows(whole, whole * 0))
    other = padded(store.rows(whole, whole * 0 + 1))
    held_out = padded(store.rows(whole))
    assert (first["labels"] != other["labels"]).any(1).mean() > 0.8
    assert (first["labels"] != held_out["labels"]).any(1).mean() > 0.8
    # In other company, in another order and beside other epochs, an instance keeps its masks.
    indices = np.random.default_rng(8).permutation(len(rows))[:30]
    epochs = np.arange(30) % 2
    mixed = padded(store.rows(indices, epochs))
    for number, index in enumerate(indices):
        expected = (first, other)[epochs[number]]
        width = mixed["labels"].shape[1]
        for name in ("input_ids", "labels"):
            assert mixed[name][number].tolist() == expected[name][index, :width].tolist()


def test_the_mask_rate_follows_its_schedule(tmp_path: Path) -> None:
    maker = Maker(tmp_path, SIZE)
    path, _ = maker.write("d.arrow", 300, "dynamic")
    settings = maker.settings("dynamic")
    changed = {**settings["masking"], "rate": 0.4, "final_rate": 0.1, "unit": "piece"}
    path, rows = maker.write("r.arrow", 300, "dynamic", masking=changed)
    store = InstanceStore([path], maker.vocabulary)
    tokens = sum(len(row["input_ids"]) - 3 for row in rows)
    whole = np.arange(len(rows))
    shares = [len(store.labels(whole, "e", at)[0]) / tokens for at in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.4, 0.25, 0.1], abs=0.03)


def test_dynamic_masks_need_their_own_vocabulary(
    maker: Maker, dynamic: tuple[list[Path], list[dict]], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"d0\.arrow: masks are dynamic"):
        InstanceStore(dynamic[0]).rows(np.arange(3))
    other = Maker(tmp_path, SIZE + 1)
    with pytest.raises(InputError, match=r"d0\.arrow: made with another vocabulary than .*vocab"):
        InstanceStore(dynamic[0], other.vocabulary)


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 21), ("phase", "l512"), ("vocabulary_sha256", "0")]
)
def test_files_that_do_not_belong_together_are_refused(
    name: str, value: object, maker: Maker, static: tuple[list[Path], list[dict]]
) -> None:
    other, _ = maker.write(f"other-{name}.arrow", 3, **{name: value})
    with pytest.raises(InputError, match=rf"other-{name}\.arrow: made with {name} .*s0\.arrow"):
        InstanceStore([static[0][0], other])


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_said_plainly(
    tmp_path: Path, static: tuple[list[Path], list[dict]], kept: float
) -> None:
    data = static[0][0].read_bytes()
    path = tmp_path / "cut.arrow"
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=r"cut\.arrow: not a readable instance file.*delete it"):
        InstanceStore([path])


def test_a_file_whose_batches_cannot_be_found_is_said_plainly(
    tmp_path: Path, static: tuple[list[Path], list[dict]]
) -> None:
    data = bytearray(static[0][0].read_bytes())
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


def test_a_compressed_file_and_another_type_are_said_plainly(tmp_path: Path) -> None:
    maker = Maker(tmp_path, SIZE)
    path, _ = maker.write("zstd.arrow", 200, batch=200, compression="zstd")
    with pytest.raises(InputError, match=r"zstd\.arrow: compressed or unaligned"):
        InstanceStore([path])
    wide = tmp_path / "wide.arrow"
    table = pa.table({"input_ids": pa.array([[1]], pa.list_(pa.int64()))})
    with pa.OSFile(str(wide), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match=r"wide\.arrow: column input_ids is list<item: int64>"):
        InstanceStore([wide])


def test_epochs_phases_and_seeds_differ_in_order() -> None:
    orders = [
        step_indices(1000, 0, 1000, 20, "l64"),
        step_indices(1000, 1, 1000, 20, "l64"),
        step_indices(1000, 0, 1000, 20, "l128"),
        step_indices(1000, 0, 1000, 21, "l64"),
    ]
    assert step_epochs(1000, 1, 1000).tolist() == [1] * 1000
    for number, order in enumerate(orders):
        for other in orders[number + 1 :]:
            assert (order == other).mean() < 0.02
