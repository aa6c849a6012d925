"""Running the cells of a claim: each is kept in a small file, and a run that was stopped goes on to the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import make_folder, write_file
from abawbench.base.process_pool import in_processes
from abawbench.base.run_lock import only_run
from benchmarks.claims.claim import Cell, Claim, Floats, Outcome, Side

SECONDS = "seconds.txt"

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Tuned:
    """An arm in a regime, with the weight that is best on the validation people.

    Attributes:
        weight: the best weight.
        validation: mean of the validation figure by weight.
        outcome: outcome over all seeds with the best weight.
    """

    weight: float
    validation: Mapping[float, float]
    outcome: Outcome


def cell_path(claim: Claim, cell: Cell, out: Path) -> Path:
    """The file of a cell in the folder of all claims."""
    text = json.dumps([asdict(cell), dict(claim.settings)], sort_keys=True)
    seeds = f"{cell.seeds[0]}-{cell.seeds[-1]}"
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{cell.regime}.{cell.arm}.{cell.weight:g}.{seeds}")
    return (
        out / (claim.cells_of or claim.name) / "cells" / f"{name}.{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    )


def run_claim(claim: Claim, out: Path, *, processes: int, report: Report) -> dict[Side, Tuned]:
    """Run what is missing of a claim: first every weight with the seeds for tuning, then the best weight with all.

    Args:
        claim: the claim.
        out: folder of all claims.
        processes: number of processes; the results are the same for any number.
        report: function that is called with a line of progress.

    Returns:
        Each arm in each regime, tuned.
    """
    folder = out / (claim.cells_of or claim.name)
    make_folder(folder / "cells")
    with only_run(folder):
        claim.prepare(out, processes, report)
        tuning = claim.tuning_seeds or claim.seeds
        weights = {side: claim.arm(side.arm).weights for side in claim.design}
        tried = [cell for side in claim.design for w in weights[side] for cell in claim.cells(side, w, tuning)]
        _run(claim, [cell for cell in tried if len(weights[Side(cell.regime, cell.arm)]) > 1], out, processes, report)
        chosen = {side: _choose(claim, side, tuning, out) for side in claim.design}
        final = [cell for side, (best, _) in chosen.items() for cell in claim.cells(side, best, claim.seeds)]
        _run(claim, final, out, processes, report)
    return {
        side: Tuned(
            best, tried, _joined([read_cell(claim, cell, out) for cell in claim.cells(side, best, claim.seeds)])
        )
        for side, (best, tried) in chosen.items()
    }


def minutes(claim: Claim, out: Path) -> float:
    """Minutes that the finished cells of a claim took, summed over processes."""
    path = out / (claim.cells_of or claim.name) / SECONDS
    lines = path.read_text().splitlines() if path.exists() else []
    last = {line.split()[0]: float(line.split()[1]) for line in lines}
    return sum(last.values()) / 60


def read_cell(claim: Claim, cell: Cell, out: Path) -> Outcome:
    """The outcome of a finished cell."""
    return decode(cell_path(claim, cell, out).read_bytes())


def encode(cell: Cell, settings: Mapping[str, Any], outcome: Outcome) -> bytes:
    """A cell and its outcome as JSON; equal outcomes give equal bytes."""
    statistics = {name: _packed(array) for name, array in outcome.statistics.items()}
    value = {
        "cell": asdict(cell),
        "settings": dict(settings),
        "validation": outcome.validation.tolist(),
        "statistics": statistics,
    }
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def decode(data: bytes) -> Outcome:
    """The outcome in the bytes of `encode`."""
    value = json.loads(data)
    arrays = {name: _unpacked(packed) for name, packed in value["statistics"].items()}
    return Outcome(np.array(value["validation"]), arrays)


def _run(claim: Claim, cells: Sequence[Cell], out: Path, processes: int, report: Report) -> None:
    cells = list(dict.fromkeys(cells))
    missing = [cell for cell in cells if not cell_path(claim, cell, out).exists()]
    if len(missing) < len(cells):
        report(f"{claim.name}: {len(cells) - len(missing)} of {len(cells)} cells are there already")
    begin = time.monotonic()
    folder = out / (claim.cells_of or claim.name)
    done = in_processes(partial(_finish, claim.run, dict(claim.settings), out), missing, processes, folder)
    for count, (index, (data, seconds)) in enumerate(done, start=1):
        path = cell_path(claim, missing[index], out)
        write_file(path, data)
        with (folder / SECONDS).open("a") as file:
            file.write(f"{path.name} {seconds:.2f}\n")
        left = (time.monotonic() - begin) / count * (len(missing) - count)
        report(f"{claim.name}: {count} of {len(missing)} cells, {path.name}, about {left / 60:.1f} minutes left")


def _finish(
    run: Callable[[Cell, Path], Outcome], settings: Mapping[str, Any], out: Path, cell: Cell
) -> tuple[bytes, float]:
    begin = time.monotonic()
    outcome = run(cell, out)
    counts = {len(outcome.validation), *(len(array) for array in outcome.statistics.values())}
    if counts != {len(cell.seeds)}:
        raise ValueError(f"{cell}: {sorted(counts)} outcomes of {len(cell.seeds)} seeds")
    return encode(cell, settings, outcome), time.monotonic() - begin


def _choose(claim: Claim, side: Side, seeds: int, out: Path) -> tuple[float, dict[float, float]]:
    """The best weight, the first of equal ones, and the mean validation figure of each."""
    weights = claim.arm(side.arm).weights
    if len(weights) == 1:
        return weights[0], {}
    means = {
        weight: float(
            np.concatenate([read_cell(claim, cell, out).validation for cell in claim.cells(side, weight, seeds)]).mean()
        )
        for weight in weights
    }
    return max(means, key=lambda weight: means[weight]), means


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    names = outcomes[0].statistics
    return Outcome(
        np.concatenate([outcome.validation for outcome in outcomes]),
        {name: np.concatenate([outcome.statistics[name] for outcome in outcomes]) for name in names},
    )


def _packed(array: Floats) -> dict[str, Any]:
    """An array as text; counts take few bytes."""
    counts = array.astype(np.uint16)
    kept = counts if (counts == array).all() else array.astype(np.float64)
    data = base64.b64encode(zlib.compress(kept.astype(kept.dtype.newbyteorder("<")).tobytes(), 9)).decode()
    return {"type": kept.dtype.name, "shape": list(array.shape), "data": data}


def _unpacked(packed: Mapping[str, Any]) -> Floats:
    data = zlib.decompress(base64.b64decode(packed["data"]))
    kind = np.dtype(packed["type"]).newbyteorder("<")
    return np.frombuffer(data, kind).reshape(packed["shape"]).astype(np.float64)
