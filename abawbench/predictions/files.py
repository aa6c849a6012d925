"""A challenge's file of every frame that a store has, without a list of the organisers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from abawbench.challenges import Challenge
from abawbench.files.layout import layouts
from abawbench.files.write import write_predictions
from abawbench.files.write_list import write_list
from abawbench.table import Table


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
