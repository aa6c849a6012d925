"""Paths of pictures from a manifest's template, and which of them a copy holds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.table import Mask

if TYPE_CHECKING:
    import pyarrow as pa


def picture_paths(template: str, fields: Mapping[str, pa.Array]) -> pa.Array:
    """The template with its fields filled in, row by row.

    Args:
        template: as `cropped_aligned/{unit}/{frame:05d}.jpg`; texts are filled with zeros by `{unit:0>4}`.
        fields: by name, texts or integers, shape (rows,).

    Raises:
        ProblemError: D01, the template has a field that rows do not have.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    pieces: list[Any] = []
    for text, name, form, _ in Formatter().parse(template):
        if text:
            pieces.append(text)
        if name is None:
            continue
        if name not in fields:
            known = ", ".join(f"{{{field}}}" for field in fields)
            raise ProblemError(Problem("D01", f"image = '{template}'", f"fields {known}", "correct the manifest"))
        value = fields[name]
        text_of = value.cast(pa.string())
        width = re.fullmatch(r"0>?(\d+)d?", form or "")
        pieces.append(compute.utf8_lpad(text_of, int(width[1]), "0") if width else text_of)
    joined = compute.binary_join_element_wise(*pieces, "")
    # a text alone stays a text
    return joined if isinstance(joined, pa.Array) else pa.array([joined.as_py()] * len(next(iter(fields.values()))))


def present(root: Path, paths: pa.Array) -> Mask | None:
    """Which of the pictures are there: each folder is listed once.

    Returns:
        Shape (rows,); None where not one is there, as in a copy of the labels alone.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    parts = compute.split_pattern(paths, "/", max_splits=1, reverse=True)
    has_folder = compute.equal(compute.list_value_length(parts), 2)
    folders = compute.if_else(has_folder, compute.list_element(parts, 0), "")
    listed: list[str] = []
    for folder in compute.unique(folders).to_pylist():
        above = f"{folder}/" if folder else ""
        try:
            with os.scandir(root / folder) as entries:
                listed.extend(above + entry.name for entry in entries)
        except OSError:
            continue
    found = np.asarray(compute.is_in(paths, value_set=pa.array(listed, pa.string())))
    return found if found.any() else None
