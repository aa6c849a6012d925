"""The organisers' list of what to predict, made from rows: for corpora of our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from abawbench.atomic import write_file, write_folder
from abawbench.challenges import Challenge
from abawbench.files.format import row_names, text
from abawbench.files.layout import layouts
from abawbench.table import Table


def write_list(challenge: Challenge, rows: Table, out: Path) -> None:
    """Write the list of a challenge: row names, unit names, or a folder of templates without labels.

    Args:
        challenge: whose format to write.
        rows: the rows to ask for, in their order, repetitions kept; values are not used.
        out: the file to write, or a new folder for templates.
    """
    layout = layouts(challenge, "list")[0]
    if layout.per_unit:
        units = {}
        for place, name in enumerate(rows.videos):
            frames = rows.frame[rows.video == place].tolist()
            lines = [layout.header or "", *(f"{frame}," for frame in frames)]
            units[f"{name}{layout.suffix}"] = ("\n".join(lines) + "\n").encode()
        write_folder(out, units)
        return
    if layout.format == "units":
        seen = np.unique(rows.video, return_index=True)[1]
        names = [rows.videos[rows.video[row]] for row in np.sort(seen)]
        write_file(out, ("\n".join(names) + "\n").encode())
        return
    write_file(out, text(layout.header, [row_names(rows, layout.key)]))
