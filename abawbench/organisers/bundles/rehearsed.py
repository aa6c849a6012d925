"""The sample submission of each phase goes through the frozen scorer before a bundle is written."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.organisers.bundles.inputs import PhaseFiles, root_of


def require_scores(scorer: str, phases: Sequence[PhaseFiles]) -> None:
    """Check that the frozen scorer reads truth and list of every phase, and scores the sample submission.

    Args:
        scorer: source of the frozen scorer.
        phases: files of the phases.

    Raises:
        ProblemError: the problems that it finds; O09, the sample has no score.
    """
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "frozen_scorer_of_bundle.py"
        source.write_text(scorer, encoding="ascii")
        module = _load(source)
        done: set[int] = set()
        for place, files in enumerate(phases):
            if id(files.annotations) in done:
                continue
            done.add(id(files.annotations))
            folder = Path(work) / str(place)
            for parts in (files.truth, files.template, files.sample):
                _write(folder, parts)
            truth, sample, template = (
                str(folder / root_of(parts)) for parts in (files.truth, files.sample, files.template)
            )
            _require_score(module.evaluate(truth, sample, template=template), folder, files.phase.codename)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _require_score(result: Mapping[str, Any], folder: Path, phase: str) -> None:
    if not result["ok"]:
        raise ProblemError(*(_problem(problem, f"{folder}/") for problem in result["problems"]))
    score = result["score"]
    if score is None or not math.isfinite(score):
        fix = "check that its truth is the right one"
        raise ProblemError(Problem("O09", f"the sample submission of {phase} has no score", "a score", fix))


def _problem(problem: Mapping[str, Any], root: str) -> Problem:
    found, expected, fix = (str(problem[name]).replace(root, "") for name in ("found", "expected", "fix"))
    file = problem["file"] and str(problem["file"]).replace(root, "")
    return Problem(problem["rule"], found, expected, fix, file, problem["line"], problem["count"])
