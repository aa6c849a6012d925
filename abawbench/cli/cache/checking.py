"""What `cache verify` and `cache gc` share: every fault of a folder of features, found with progress."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.meter import Meter
from abawbench.cli.options import PATH

if TYPE_CHECKING:
    from abawbench.clips.feature_index import Fault, FeatureIndex

caches_argument = click.argument("caches", type=PATH, nargs=-1, required=True, metavar="CACHE...")
data_option = click.option("--data", type=PATH, help="The crops as they are now: features of others are stale.")


def checked(cache: Path, data: Path | None) -> tuple[FeatureIndex, tuple[Fault, ...]]:
    """The index of a folder and all its faults.

    Raises:
        ProblemError: E21 the folder is no cache, C02 the data are no crops, what `input_of` raises.
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.clips.crop_index import recipes_of
    from abawbench.clips.open import input_of
    from abawbench.inference.feature_cache import open_cache, verify

    def no_faces() -> Path:
        fix = "name the folder that `faces` made of them, as CACHE/faces"
        raise ProblemError(Problem("C02", "videos or pictures", "crops", fix, str(data)))

    index = open_cache(cache)
    clips = recipes = None
    if data is not None:
        given, recipes = input_of(data, no_faces), recipes_of(data)
        clips = given.clips()
        # else all would be stale, and gc would clear the folder
        if given.kind == "features" or not any(clip.video in index.units for clip in clips):
            found = "features" if given.kind == "features" else f"no unit of {cache}"
            fix = "name the crops that the features were made from"
            raise ProblemError(Problem("C02", found, "crops of the units of the cache", fix, str(data)))
    meter, begin, done = Meter("units"), time.perf_counter(), [0, 0]

    def tick(unit: str) -> None:
        done[0] += 1
        done[1] += index.units[unit].frames
        meter.show((done[0], len(index.units)), (done[1], done[1]), time.perf_counter() - begin)

    faults = verify(index, clips, recipes, tick=tick)
    meter.end()
    return index, faults
