"""Label tables whose columns are found by name: ERI's `data_info.csv`, EMI's splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.formats.layout import Layout
from abawbench.formats.parse import BOM

VALIDATION = {"val", "valid", "validation", "dev", "devel"}


def arrange(data: bytes, layout: Layout, file: str) -> tuple[bytes, Layout, NDArray[np.bool_] | None]:
    """The file with the layout's columns only, in its order, line for line.

    Returns:
        The rearranged bytes, the layout with its exact header, and a mask of the validation rows where a column `Split`
        names some (None otherwise).

    Raises:
        ProblemError: F03, F04.
    """
    assert layout.header is not None
    exact = replace(layout, by_name=False)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        return data, exact, None
    head, _, body = text.partition("\n")
    given = [name.strip() for name in head.rstrip("\r").split(",")]
    wanted = layout.header.split(",")
    missing = [name for name in wanted if name not in given]
    if missing:
        raise ProblemError(
            Problem("F04", f"no column {', '.join(missing)}", layout.header, "give the columns these names", file, 1)
        )
    if given == wanted:
        return data, exact, None
    places = [given.index(name) for name in wanted]
    split = given.index("Split") if "Split" in given else None
    lines: list[str] = []
    is_validation: list[bool] = []
    for line in body.rstrip("\r\n").split("\n"):
        fields = line.rstrip("\r").split(",")
        # a line with too few fields stays as it is: the reader then names it
        lines.append(",".join(fields[place] for place in places) if len(fields) == len(given) else line)
        is_validation.append(split is not None and split < len(fields) and fields[split].strip().lower() in VALIDATION)
    rearranged = "\n".join([layout.header, *lines, ""]).encode()
    return rearranged, exact, np.array(is_validation) if any(is_validation) else None
