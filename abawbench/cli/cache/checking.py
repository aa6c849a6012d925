"""What `cache verify` and `cache gc` share: every fault of a folder of features, found with progress."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH
from abawbench.cli.progress import ProgressLine

if TYPE_CHECKING:
    from abawbench.clips.feature_index import Fault, FeatureIndex

caches_argument = click.argument("caches", type=PATH, nargs=-1, required=True, metavar="CACHE...")
data_option = click.option("--data", type=PATH, help="The crops as they are now: features of others are stale.")


def checked(cache: Path, data: Path | None) -> tuple[FeatureIndex, tuple[Fault, ...]]:
    """The index of a folder and all its faults.

    Raises:
        ProblemError: E21 the folder is no cache, C02 the data are no crops, what `open_clips` raises.
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.clips.open import open_clips
    from abawbench.inference.feature_cache import open_cache, verify

    def no_faces() -> Path:
        fix = "name the folder that `faces` made of them, as CACHE/faces"
        raise ProblemError(Problem("C02", "videos or pictures", "crops", fix, str(data)))

    index = open_cache(cache)
    clips = None
    if data is not None:
        source = open_clips(data, faces=no_faces)
        clips = source.clips
        # else all would be stale, and gc would clear the folder
        if source.kind == "features" or not any(clip.video in index.units for clip in clips):
            found = "features" if source.kind == "features" else f"no unit of {cache}"
            fix = "name the crops that the features were made from"
            raise ProblemError(Problem("C02", found, "crops of the units of the cache", fix, str(data)))
    line, begin, done = ProgressLine("units"), time.perf_counter(), [0, 0]

    def tick(unit: str) -> None:
        done[0] += 1
        done[1] += index.units[unit].frames
        line.show((done[0], len(index.units)), (done[1], done[1]), time.perf_counter() - begin)

    faults = verify(index, clips, tick=tick)
    line.end()
    return index, faults
