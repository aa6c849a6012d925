"""Many submissions at once: `score --batch` against a loop of pandas and scikit-learn, as organisers write it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from abawbench.challenges import Categorical, Challenge, Continuous, get
from abawbench.formats import read_truth
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.batch import score_many
from abawbench.scoring.intervals import Resampling
from benchmarks.scoring import row_names
from benchmarks.timing import PYTHON, process

SUBMISSIONS, VIDEOS, FRAMES = 200, 50, 1000
# unlike files; the others are copies of them
UNLIKE = 10
CHALLENGES = ("abaw10-va", "abaw10-au", "abaw4-mtl")
# files, videos left out and resamples of the loop; its time is taken in proportion
LOOP_FILES, LOOP_VIDEOS, LOOP_RESAMPLES = 3, 5, 3
RESAMPLES = 10_000
Columns = list[NDArray[Any]]
Rows = NDArray[np.int64]


def random_columns(challenge: Challenge, rows: int, seed: int, *, is_truth: bool) -> Columns:
    """Random values of every column of a row; some rows of a truth hold sentinels."""
    generator = np.random.default_rng(seed)
    columns: Columns = []
    for place, task in enumerate(challenge.tasks):
        # other rows lack each task
        gaps = slice(place, None, 9 if task.is_real else 5)
        for _ in task.labels:
            if isinstance(task, Continuous):
                values: NDArray[Any] = np.round(generator.uniform(-1, 1, rows), 3)
            elif isinstance(task, Categorical):
                values = generator.integers(0, task.width, rows, dtype=np.int8)
            else:
                values = (generator.random(rows, np.float32) < 0.3).astype(np.int8)
            if is_truth:
                values[gaps] = task.sentinel
            columns.append(values)
    return columns


def write_rows(path: Path, challenge: Challenge, names: pa.Array, columns: Columns) -> None:
    """Write a file of all rows; without columns the list."""
    layout = prediction_layouts(challenge)[0]
    table = pa.table([names, *map(pa.array, columns)], [str(place) for place in range(len(columns) + 1)])
    with path.open("wb") as file:
        file.write(f"{layout.header}\n".encode())
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))


def write_all(challenge: Challenge, folder: Path, submissions: int, videos: int, frames: int) -> None:
    """Write truth.txt, list.txt and a folder `received` of submissions."""
    names, rows = row_names(videos, frames), videos * frames
    received = folder / "received"
    received.mkdir()
    write_rows(folder / "list.txt", challenge, names, [])
    write_rows(folder / "truth.txt", challenge, names, random_columns(challenge, rows, 0, is_truth=True))
    for place in range(submissions):
        path = received / f"team{place:03d}.txt"
        if place < UNLIKE:
            write_rows(path, challenge, names, random_columns(challenge, rows, place + 1, is_truth=False))
        else:
            shutil.copyfile(received / f"team{place % UNLIKE:03d}.txt", path)


class Loop:
    """What organisers write: pandas reads and joins the rows, scikit-learn and NumPy compute the figures."""

    def __init__(self, challenge: Challenge, truth: Path) -> None:
        self._challenge = challenge
        self._truth = self._read(truth)
        self._video = self._truth[0].str.rpartition("/")[0]

    def score(self, path: Path) -> tuple[float, Callable[[Rows], float]]:
        """The score of a file, and the function from rows to their score, for resampling."""
        both = self._truth.merge(self._read(path), on=0, how="left", validate="one_to_one")
        if both.isna().any(axis=None):
            raise ValueError("rows are missing")
        values = both.iloc[:, 1:].to_numpy()
        width = values.shape[1] // 2

        def of_rows(rows: Rows) -> float:
            return self._figure(values[rows, :width], values[rows, width:])

        return of_rows(np.arange(len(values))), of_rows

    def clusters(self) -> list[Rows]:
        """The rows of each video."""
        return [np.asarray(rows) for rows in self._video.groupby(self._video).indices.values()]

    def _read(self, path: Path) -> Any:
        import pandas as pd

        return pd.read_csv(path, header=None, skiprows=1)

    def _figure(self, truth: NDArray[Any], prediction: NDArray[Any]) -> float:
        from sklearn.metrics import f1_score

        total, begin = 0.0, 0
        for task in self._challenge.tasks:
            end = begin + len(task.labels)
            x, y = truth[:, begin:end], prediction[:, begin:end]
            keep = np.all(x != task.sentinel, axis=1)
            x, y, begin = x[keep], y[keep], end
            if isinstance(task, Continuous):
                total += float(np.mean([_concordance(x[:, place], y[:, place]) for place in range(x.shape[1])]))
            elif isinstance(task, Categorical):
                total += float(f1_score(x[:, 0], y[:, 0], average="macro"))
            else:
                total += float(np.mean([f1_score(x[:, place], y[:, place]) for place in range(x.shape[1])]))
        return total


def _concordance(x: NDArray[Any], y: NDArray[Any]) -> float:
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


@dataclass(frozen=True, slots=True)
class Step:
    """Mean seconds of a step of the loop: by the clock, and of the processor."""

    wall: float
    processor: float

    def __add__(self, other: Step) -> Step:
        return Step(self.wall + other.wall, self.processor + other.processor)

    def times(self, count: int) -> Step:
        """The step repeated."""
        return Step(self.wall * count, self.processor * count)


def time_loop(loop: Loop, folder: Path, known: Mapping[str, float]) -> tuple[Step, Step, Step]:
    """The loop's steps for one file: reading and score, a score without a video, and a score of a resample.

    Raises:
        RuntimeError: a score is not that of abawbench, and a comparison of speed would mean nothing.
    """
    generator = np.random.default_rng(0)
    clusters = loop.clusters()
    steps: tuple[list[Step], list[Step], list[Step]] = ([], [], [])

    def timed(step: int, call: Callable[[], Any]) -> Any:
        begin, processor = time.perf_counter(), time.process_time()
        result = call()
        steps[step].append(Step(time.perf_counter() - begin, time.process_time() - processor))
        return result

    for path in sorted(folder.iterdir())[: LOOP_FILES + 1]:
        value, of_rows = timed(0, lambda path=path: loop.score(path))
        if abs(value - known[path.name]) > 1e-9:
            raise RuntimeError(f"{path.name}: {value} and {known[path.name]}: not the same score")
        for place in range(LOOP_VIDEOS):
            rest = [rows for other, rows in enumerate(clusters) if other != place]
            timed(1, lambda rest=rest, of_rows=of_rows: of_rows(np.concatenate(rest)))
        for _ in range(LOOP_RESAMPLES):
            drawn = [clusters[place] for place in generator.integers(0, len(clusters), len(clusters))]
            timed(2, lambda drawn=drawn, of_rows=of_rows: of_rows(np.concatenate(drawn)))

    def mean(times: list[Step]) -> Step:
        # the first also imports the libraries
        return Step(*(float(np.mean([getattr(one, name) for one in times[1:]])) for name in ("wall", "processor")))

    return mean(steps[0]), mean(steps[1]), mean(steps[2])


def lines_of(name: str, folder: Path) -> Iterator[str]:
    """The measurements of one challenge, in lines."""
    challenge = get(name)
    truth, received = folder / "truth.txt", folder / "received"
    command = [PYTHON, "-m", "abawbench", "-q", "score", name, str(truth), "--batch", str(received)]
    checked = [*command, "--template", str(folder / "list.txt")]
    sources = {path.name: path for path in sorted(received.iterdir())[: LOOP_FILES + 1]}
    judged = score_many(challenge, read_truth(challenge, truth), sources, resampling=Resampling(0), workers=1)
    known = {one.name: one.score.score or 0.0 for one in judged if one.score is not None}
    yield (
        f"\n{name}: {SUBMISSIONS} submissions of {VIDEOS * FRAMES:,} rows in {VIDEOS} videos, "
        f"{truth.stat().st_size / 1e6:.1f} MB each\n  {'':62} {'wall':>9}  {'processor':>9}"
    )
    ours = {
        "score --batch: checked against the list, jackknife": process(checked),
        "score --batch: not checked, jackknife": process(command),
        f"score --batch --json: checked, jackknife, {RESAMPLES:,} resamples": process([*checked, "--json"]),
    }
    for words, (wall, processor, peak) in ours.items():
        yield f"  {words:62} {wall:8.1f}s {processor:9.1f}s  {peak:,.0f} MiB a process"
    whole, leaving, drawing = time_loop(Loop(challenge, truth), received, known)
    jackknife = whole + leaving.times(VIDEOS)
    _, bare, full = ours.values()
    theirs = {
        "pandas and scikit-learn: not checked, no interval": (whole, bare),
        f"the same, and every of {VIDEOS} videos left out": (jackknife, bare),
        f"the same, and {RESAMPLES:,} resamples": (jackknife + drawing.times(RESAMPLES), full),
    }
    yield f"  in one process, in proportion to {LOOP_FILES} files"
    for words, (step, own) in theirs.items():
        wall, processor = step.wall * SUBMISSIONS, step.processor * SUBMISSIONS
        yield f"  {words:62} {wall:8,.0f}s {processor:9,.0f}s"
        yield f"  {'    times ours':62} {wall / own[0]:8,.1f}  {processor / own[1]:9,.1f}"


def main() -> None:
    """Measure 200 submissions of valence and arousal, of action units, and of all tasks together."""
    for name in CHALLENGES:
        with tempfile.TemporaryDirectory() as temporary:
            write_all(get(name), Path(temporary), SUBMISSIONS, VIDEOS, FRAMES)
            for line in lines_of(name, Path(temporary)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
