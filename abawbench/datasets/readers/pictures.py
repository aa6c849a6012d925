"""Copies of the labelled pictures of a data set, laid out as `abawbench faces` takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from abawbench.base.files import make_folder, read_input, write_file
from abawbench.base.problems import Problem, ProblemError, unreadable, unwritable
from abawbench.datasets.readers.labels import Labels
from abawbench.table import NO_FRAME

Report = Callable[[tuple[int, int], tuple[int, int]], None]


def copy_pictures(labels: Labels, root: Path, out: Path, report: Report) -> int:
    """Copy the picture of every row to `<unit>/<frame>.<suffix>`, or `<unit>.<suffix>` where a row has no frame.

    Pictures that are there already with the same size are kept, so that an interrupted copy goes on.

    Args:
        labels: labels of the data set.
        root: folder of the local copy.
        out: folder of the copies.
        report: function that is called with the numbers of units begun and of all, and of rows done and of all.

    Returns:
        The number of pictures in `out` that belong to a row.

    Raises:
        ProblemError: D15 the label set has no pictures; T06 a unit whose name is no name of a folder; F01 a picture
            cannot be read or written.
    """
    if labels.images is None:
        found = f"a label set of {labels.manifest.id} without pictures"
        raise ProblemError(Problem("D15", found, "rows with a picture each", "crop faces from the videos", str(root)))
    table, written = labels.table, 0
    odd = [unit for unit in table.videos if PurePosixPath(unit).is_absolute() or ".." in PurePosixPath(unit).parts]
    if odd:
        fix = "rename it in the copy"
        raise ProblemError(Problem("T06", f"unit {odd[0]}", "a name of a folder", fix, str(root), count=len(odd)))
    rows = zip(table.video.tolist(), table.frame.tolist(), labels.images.tolist(), strict=True)
    for done, (video, frame, image) in enumerate(rows, start=1):
        if image:
            source, unit = root / image, table.videos[video]
            name = f"{unit}{source.suffix}" if frame == NO_FRAME else f"{unit}/{frame:05d}{source.suffix}"
            _copy(source, out / name)
            written += 1
        report((video + 1, len(table.videos)), (done, len(table)))
    return written


def _copy(source: Path, target: Path) -> None:
    try:
        if target.is_file() and target.stat().st_size == source.stat().st_size:
            return
        data = read_input(source)
    except OSError as error:
        raise unreadable(source, error, "a picture") from error
    try:
        make_folder(target.parent)
    except OSError as error:
        raise unwritable(target.parent, error) from error
    write_file(target, data)
