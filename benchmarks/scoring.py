"""Scoring against named peers: start-up, whole files, tables in memory, intervals, files by unit."""

# torch and torchmetrics are in the extra `dev`
# pyright: reportMissingImports=false

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from abawbench.challenges import get
from abawbench.formats import read_both, read_truth
from abawbench.labels import ACTION_UNITS_12
from abawbench.metrics.bootstrap import resampled
from abawbench.scoring import pair
from abawbench.scoring.criteria import evaluate
from abawbench.scoring.statistics import collect
from abawbench.table import Floats, Mask, Table
from benchmarks.timing import PYTHON, functions, processes, report

VIDEOS, FRAMES = 300, 9000
MTL = get("abaw4-mtl")
HEADER = b"image,valence,arousal,expression,aus\n"


def whole_process(folder: Path) -> None:
    """Measure `abawbench score` on 2.7 million rows against processes that only read both files."""
    truth, prediction, shuffled = (str(folder / name) for name in ("truth.txt", "prediction.txt", "shuffled.txt"))
    abawbench = [PYTHON, "-m", "abawbench", "score", "abaw4-mtl", truth]
    read = "import pandas as pd; [pd.read_csv(path{}) for path in ({!r}, {!r})]"
    costs = processes(
        {
            "abawbench score, intervals included": [*abawbench, prediction],
            "abawbench score, shuffled rows": [*abawbench, shuffled],
            "pandas.read_csv of both files": [PYTHON, "-c", read.format("", truth, prediction)],
            "pandas.read_csv of both, header skipped": [
                PYTHON,
                "-c",
                read.format(", header=None, skiprows=1", truth, prediction),
            ],
        },
        runs=5,
    )
    megabytes = (folder / "truth.txt").stat().st_size / 1e6
    report(
        f"Whole process, {VIDEOS * FRAMES:,} rows, {megabytes:.0f} MB a file",
        costs,
        "abawbench score, intervals included",
    )


def in_process(truth: Table, prediction: Table) -> None:
    """Measure the score of tables in memory against scikit-learn and torchmetrics."""
    valid = pair(MTL, truth, prediction).valid

    def ours() -> dict[tuple[str, ...], Floats]:
        paired = pair(MTL, truth, prediction)
        statistics = collect(MTL, paired.truth, paired.prediction, valid=paired.valid)
        return evaluate(MTL, statistics.total, statistics.pilots)

    difference = abs(float(ours()["score",]) - _scikit_learn(truth, prediction, valid))
    if difference > 1e-9:
        raise RuntimeError(f"the scores differ by {difference}: a comparison of speed would mean nothing")
    calls: dict[str, Callable[[], object]] = {
        "abawbench": ours,
        "scikit-learn (and NumPy for CCC)": lambda: _scikit_learn(truth, prediction, valid),
    }
    if importlib.util.find_spec("torchmetrics"):
        calls["torchmetrics"] = lambda: _torchmetrics(truth, prediction, valid)
    else:
        print("\ntorchmetrics is not installed: `make setup` installs it")
    report("In process: the score from tables in memory", functions(calls, runs=3), "abawbench")


def _scikit_learn(truth: Table, prediction: Table, valid: Mapping[str, Mask]) -> float:
    from sklearn.metrics import f1_score

    keep = valid["va"]
    total = 0.0
    for column in (0, 1):
        x, y = truth.numbers("va")[keep, column], prediction.numbers("va")[keep, column]
        covariance = np.mean((x - x.mean()) * (y - y.mean()))
        total += covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    keep = valid["expression"]
    total += f1_score(truth.classes("expression")[keep], prediction.classes("expression")[keep], average="macro")
    keep = valid["action_units"]
    x, y = truth.classes("action_units")[keep], prediction.classes("action_units")[keep]
    return total + float(np.mean([f1_score(x[:, unit], y[:, unit]) for unit in range(12)]))


def _torchmetrics(truth: Table, prediction: Table, valid: Mapping[str, Mask]) -> float:
    import torch
    from torchmetrics.functional.classification import multiclass_f1_score, multilabel_f1_score
    from torchmetrics.functional.regression import concordance_corrcoef

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array))

    keep = valid["va"]
    affect = [tensor(table.numbers("va")[keep]) for table in (prediction, truth)]
    total = float(concordance_corrcoef(*affect).mean())
    keep = valid["expression"]
    classes = [tensor(table.classes("expression")[keep]).long() for table in (prediction, truth)]
    total += float(multiclass_f1_score(*classes, num_classes=8, average="macro"))
    keep = valid["action_units"]
    units = [tensor(table.classes("action_units")[keep]).long() for table in (prediction, truth)]
    return total + float(multilabel_f1_score(*units, num_labels=12, average="macro"))


def bootstrap(truth: Table, prediction: Table) -> None:
    """Measure 10,000 resamples of videos against drawing rows and scoring with scikit-learn (10 runs, scaled up)."""
    paired = pair(MTL, truth, prediction)
    statistics = collect(MTL, paired.truth, paired.prediction, valid=paired.valid)
    bounds = np.searchsorted(truth.video, np.arange(len(truth.videos) + 1))
    generator = np.random.default_rng(0)

    def by_rows() -> None:
        drawn = generator.integers(0, len(truth.videos), len(truth.videos))
        rows = np.concatenate([np.arange(int(bounds[video]), int(bounds[video + 1])) for video in drawn])
        one, two = truth.take(rows), prediction.take(rows)
        _scikit_learn(one, two, {task: mask[rows] for task, mask in paired.valid.items()})

    def figures(sums: Mapping[str, Floats]) -> dict[tuple[str, ...], Floats]:
        return evaluate(MTL, sums, statistics.pilots)

    costs = functions(
        {"abawbench, 10,000 resamples": lambda: resampled(statistics.tasks, figures, resamples=10_000, seed=0)}, runs=5
    )
    single = functions({"one": by_rows}, runs=10)["one"].seconds
    ours = costs["abawbench, 10,000 resamples"].seconds
    print("\nIntervals from 10,000 resamples of videos")
    print(f"  abawbench {ours:.3f} s; scikit-learn {single:.2f} s for one (median of 10), so {single * 10_000:,.0f} s")
    print(f"  scikit-learn takes {single * 10_000 / ours:,.0f} times as long")


def per_unit(folder: Path) -> None:
    """Measure reading 600 files with 2.9 million lines against reading their bytes line by line."""
    va = get("abaw3-va")
    units = folder / "units"

    def lines() -> int:
        count = 0
        for path in sorted(units.iterdir()):
            with path.open("rb") as file:
                for _ in file:
                    count += 1
        return count

    costs = functions(
        {"abawbench.formats.read_truth": lambda: read_truth(va, units), "line by line in Python": lines}, 5
    )
    report(f"600 per-unit files, {lines() - 600:,} lines", costs, "abawbench.formats.read_truth")


def start_up(folder: Path) -> None:
    """Measure `abawbench --help` against `python -c pass`."""
    del folder
    costs = processes(
        {"abawbench --help": [PYTHON, "-m", "abawbench", "--help"], "python -c pass": [PYTHON, "-c", "pass"]}, runs=15
    )
    report("Start-up", costs, "abawbench --help")


def row_names(videos: int, frames: int) -> pa.Array:
    """Names of rows, of videos with as many frames each."""
    tails = pa.array([f"/{frame:05d}.jpg" for frame in range(1, frames + 1)])
    parts = [
        pa.compute.binary_join_element_wise(  # pyright: ignore[reportAttributeAccessIssue]
            pa.array([f"{video}-30-1920x1080{'_left' if video % 7 == 0 else ''}"] * frames), tails, ""
        )
        for video in range(videos)
    ]
    return pa.concat_arrays(parts)


def write_mtl(path: Path, videos: int, frames: int, seed: int, *, is_truth: bool, shuffled: bool = False) -> None:
    """Write a file in the MTL format with `videos * frames` random rows; a truth has sentinels."""
    generator = np.random.default_rng(seed)
    rows = videos * frames
    affect = np.round(generator.uniform(-1, 1, (rows, 2)), 3)
    expression = generator.integers(0, 8, rows, dtype=np.int8)
    units = (generator.random((rows, len(ACTION_UNITS_12)), np.float32) < 0.3).astype(np.int8)
    if is_truth:
        affect[::9] = -5
        expression[::2] = -1
        units[::5] = -1
    names = row_names(videos, frames)
    if shuffled:
        order = generator.permutation(rows)
        names, affect, expression, units = names.take(pa.array(order)), affect[order], expression[order], units[order]
    columns = {"image": names, "valence": affect[:, 0], "arousal": affect[:, 1], "expression": expression}
    columns |= {name: units[:, place] for place, name in enumerate(ACTION_UNITS_12)}
    with path.open("wb") as file:
        file.write(HEADER)
        csv.write_csv(pa.table(columns), file, csv.WriteOptions(include_header=False, quoting_style="none"))


def write_units(folder: Path, units: int, lines: int, seed: int, *, is_truth: bool) -> None:
    """Write per-unit files of valence and arousal with `lines` rows each; a truth has sentinels."""
    generator = np.random.default_rng(seed)
    folder.mkdir()
    for unit in range(units):
        affect = np.round(generator.uniform(-1, 1, (lines, 2)), 3)
        if is_truth:
            affect[::9] = -5
        table = pa.table({"valence": affect[:, 0], "arousal": affect[:, 1]})
        with (folder / f"{unit}-30-1280x720.txt").open("wb") as file:
            file.write(b"valence,arousal\n")
            csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))


def main() -> None:
    """Measure everything about scoring."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_mtl(folder / "truth.txt", VIDEOS, FRAMES, 1, is_truth=True)
        write_mtl(folder / "prediction.txt", VIDEOS, FRAMES, 2, is_truth=False)
        write_mtl(folder / "shuffled.txt", VIDEOS, FRAMES, 3, is_truth=False, shuffled=True)
        write_units(folder / "units", 600, 4833, 4, is_truth=True)
        start_up(folder)
        whole_process(folder)
        per_unit(folder)
        truth, prediction = read_both(MTL, folder / "truth.txt", folder / "prediction.txt")
        in_process(truth, prediction)
        bootstrap(truth, prediction)


if __name__ == "__main__":
    main()
