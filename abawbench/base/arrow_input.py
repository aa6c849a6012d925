"""Bytes and arrays for Arrow, and Parquet files that somebody else may have written."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import require_plain

if TYPE_CHECKING:
    import pyarrow as pa

# values of the largest table that is read: 4 GiB of 64 bits
LARGEST_TABLE = 1 << 29


def arrow_reader(data: bytes | memoryview) -> pa.BufferReader:
    """A stream over a copy of these bytes that Arrow owns.

    A reader of Arrow that fails leaves a thread behind, which releases the input a moment later. A thread needs the
    interpreter to release memory of Python; where that has ended meanwhile, the process aborts with exit status 134.
    """
    import pyarrow as pa

    own = pa.allocate_buffer(len(data))
    np.frombuffer(own, np.uint8)[:] = np.frombuffer(data, np.uint8)
    return pa.BufferReader(own)


def arrow_array(values: NDArray[Any]) -> pa.Array:
    """Numbers or truth values, shape (rows,), as an array of Arrow; `pa.array` makes the same and imports pandas."""
    import pyarrow as pa

    packed = np.packbits(values, bitorder="little") if values.dtype == bool else np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(packed)])


@contextmanager
def open_parquet(source: Path | bytes) -> Generator[Any]:
    """Open a Parquet file as a `pyarrow.parquet.ParquetFile`, and make every error of a damaged file a ValueError.

    Args:
        source: the file, or its bytes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no Parquet file or a damaged one, or its table would fill the memory.
        ProblemError: F01, the path leads to a pipe, a socket or a device.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if isinstance(source, Path):
        require_plain(source)
    try:
        with parquet.ParquetFile(source if isinstance(source, Path) else arrow_reader(source)) as file:
            rows, columns = file.metadata.num_rows, file.metadata.num_columns
            # equal values take a few bytes for any number of rows
            if rows * max(1, columns) > LARGEST_TABLE:
                raise ValueError(f"{rows:,} rows of {columns:,} columns, more than fit into memory")
            yield file
    except FileNotFoundError:
        raise
    # damaged files also fail as missing keys and other types
    except (pa.ArrowException, OSError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def read_parquet(source: Path | bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a Parquet file; what pandas wrote about it does not count.

    Args:
        source: the file, or its bytes.
        columns: names of the columns to read; None for all.

    Raises:
        FileNotFoundError, ValueError, ProblemError: as `open_parquet`.
    """
    with open_parquet(source) as file:
        return file.read(columns=None if columns is None else list(columns)).replace_schema_metadata(None)


def parquet_metadata(path: Path) -> dict[bytes, bytes]:
    """The texts that a program wrote into a Parquet file, by key. Raises: as `open_parquet`."""
    with open_parquet(path) as file:
        return dict(file.schema_arrow.metadata or {})
