"""Bytes for the readers of Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_reader(data: bytes | memoryview) -> pa.BufferReader:
    """A stream over a copy of these bytes that Arrow owns.

    A reader of Arrow that fails leaves a thread behind, which releases the input a moment later. A thread needs the
    interpreter to release memory of Python; where that has ended meanwhile, the process aborts with exit status 134.
    """
    import pyarrow as pa

    own = pa.allocate_buffer(len(data))
    np.frombuffer(own, np.uint8)[:] = np.frombuffer(data, np.uint8)
    return pa.BufferReader(own)
