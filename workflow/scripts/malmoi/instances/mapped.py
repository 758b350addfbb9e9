"""One Arrow file mapped into memory: where each record batch's buffers lie in it, found once."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from malmoi.errors import InputError


class MappedFile:
    """The columns of an uncompressed Arrow IPC file as flat arrays over the whole file.

    A value of record batch b is found without Arrow: ``values[column][b]`` is the place of the batch's
    first value in ``view(column)``, ``offsets[column][b]`` that of the first list offset in the view of
    int32. Places count items, not bytes; Arrow aligns buffers to 8 bytes at least, so they are whole.

    Args:
        path: the file.
        columns: the columns wanted, with their types; those the file lacks are left out.

    Raises:
        InputError: the file is missing, cut short, compressed, or no Arrow file; or a column is of
            another type.
    """

    def __init__(self, path: str | Path, columns: Mapping[str, tuple[pa.DataType, ...]]) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            # Rows are read in random order: reading on behind each of them, as the system does unless told,
            # makes opening 20 times slower and reads far more than is wanted.
            self._map.madvise(mmap.MADV_RANDOM)
            buffer = pa.py_buffer(self._map)
            reader = pa.ipc.open_file(buffer)
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            raise InputError(
                f"{path}: not a readable instance file ({error}); delete it and run again"
            ) from error
        self.metadata: dict[bytes, bytes] = reader.schema.metadata or {}
        self.batches: list[pa.RecordBatch] = [batch for batch in batches if batch.num_rows]
        self._start, self._size = buffer.address, buffer.size
        self._dtypes: dict[str, np.dtype] = {}
        self._views: dict[np.dtype, np.ndarray] = {}
        self.values: dict[str, np.ndarray] = {}
        self.offsets: dict[str, np.ndarray] = {}
        for name, kinds in columns.items():
            if name in reader.schema.names:
                self._locate(name, reader.schema.field(name).type, kinds)

    def view(self, column: str) -> np.ndarray:
        """Return the whole file as one array of the column's type; read-only."""
        return self._view(self._dtypes[column])

    def read_ahead(self, column: str, start: int, stop: int) -> None:
        """Have the system read items ``start`` to ``stop`` of a column's view in one go."""
        size = self._dtypes[column].itemsize
        first = start * size // mmap.PAGESIZE * mmap.PAGESIZE
        self._map.madvise(mmap.MADV_WILLNEED, first, stop * size - first)

    def offset_view(self) -> np.ndarray:
        """Return the whole file as one array of int32, in which list offsets are found."""
        return self._view(np.dtype(np.int32))

    def _view(self, dtype: np.dtype) -> np.ndarray:
        if dtype not in self._views:
            count = self._size // dtype.itemsize
            self._views[dtype] = np.frombuffer(self._map, dtype=dtype, count=count)
        return self._views[dtype]

    def _locate(self, name: str, kind: pa.DataType, kinds: tuple[pa.DataType, ...]) -> None:
        if kind not in kinds:
            raise InputError(
                f"{self.path}: column {name} is {kind}, not {' or '.join(map(str, kinds))}; "
                "delete the file and run again"
            )
        nested = pa.types.is_list(kind)
        dtype = np.dtype((kind.value_type if nested else kind).to_pandas_dtype())
        values, offsets = [], []
        for batch in self.batches:
            column = batch.column(name)
            if nested:
                offsets.append(self._place(column.buffers()[1], 4, column.offset))
                column = column.values
            values.append(self._place(column.buffers()[1], dtype.itemsize, column.offset))
        self._dtypes[name] = dtype
        self.values[name] = np.array(values, dtype=np.int64)
        if nested:
            self.offsets[name] = np.array(offsets, dtype=np.int64)

    def _place(self, buffer: pa.Buffer | None, itemsize: int, skipped: int) -> int:
        if buffer is None or not buffer.size:
            return 0
        place, rest = divmod(buffer.address - self._start, itemsize)
        if rest or not 0 <= place * itemsize <= self._size - buffer.size:
            raise InputError(
                f"{self.path}: compressed or unaligned, so it cannot be read in place; write it without "
                "compression"
            )
        return place + skipped
