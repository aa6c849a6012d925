"""What a name says of its video, frame, subject and split, by a regular expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.datasets.readers.values import Rows
from abawbench.formats.diagnose import shown

if TYPE_CHECKING:
    import pyarrow as pa


def groups(names: pa.ChunkedArray, pattern: str, rows: Rows) -> dict[str, pa.ChunkedArray]:
    """The named groups of a pattern, row by row; a name that it does not fit is refused, T06.

    Raises:
        ProblemError: D01, the pattern is no regular expression or has no named group.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    try:
        parts = pa.chunked_array([compute.extract_regex(names, pattern).combine_chunks()])
    except pa.ArrowInvalid as error:
        found = f"pattern = '{pattern}': {str(error).splitlines()[0]}"
        wanted = "a regular expression with named groups, as (?P<subject>S\\d+)"
        raise ProblemError(Problem("D01", found, wanted, "correct the manifest")) from error
    wrong = np.asarray(compute.is_null(parts).to_numpy())
    fix = "correct the name, or the pattern in the manifest"
    rows.refuse("T06", wrong, lambda row: shown(names[row].as_py()), f"a name that fits {pattern}", fix)
    return {
        name: compute.fill_null(compute.struct_field(parts, name), "") for name in re.findall(r"\(\?P<(\w+)>", pattern)
    }
