"""The organisers' list of what to predict, made from rows: for corpora of our own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from abawbench.base.files import write_file, write_folder
from abawbench.challenges import Challenge
from abawbench.formats.format import row_names, text
from abawbench.formats.layout import layouts
from abawbench.formats.write import write_predictions
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


def write_all(challenge: Challenge, prediction: Table, folder: Path) -> Path:
    """Write the challenge's file, or its folder of files, for all rows of a prediction; one from before is replaced.

    Args:
        challenge: whose format to write.
        prediction: rows to write; units of a per-unit format need every frame.
        folder: where the file or folder goes, named after the challenge.

    Returns:
        The file or folder.

    Raises:
        ProblemError: what `write_predictions` raises; nothing is replaced then.
    """
    layout = layouts(challenge, "prediction")[0]
    place = folder / (challenge.id if layout.per_unit else f"{challenge.id}{layout.suffix or '.txt'}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        rows, made = Path(work) / "list", Path(work) / place.name
        write_list(challenge, prediction, rows)
        write_predictions(challenge, prediction, rows, made)
        if place.is_dir():
            shutil.rmtree(place)
        made.replace(place)
    return place
