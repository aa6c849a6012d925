"""One prediction of many: checked, read and scored, with whatever is wrong with it as problems."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, not_found
from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.formats.archive import is_archive
from abawbench.formats.checked import CheckedReader
from abawbench.inference import is_ensemble, is_store
from abawbench.organisers.batch.sources import Packed, Source, refuse_oversized, trials_in, unpacked
from abawbench.scoring import Score, score
from abawbench.scoring.intervals import USUAL, Resampling
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Judged:
    """What became of one prediction.

    Attributes:
        name: name of the prediction.
        score: its score, as `abawbench.score` gives it; None where the prediction was refused.
        problems: why it was refused, or notes on what is odd about it.
    """

    name: str
    score: Score | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Job:
    """What is the same for all predictions.

    Attributes:
        challenge: the challenge.
        truth: annotated rows.
        template: the organisers' list, to check predictions against; None for no check.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of resamples, their seed, and the subjects to resample, if any.
        split: split of the truth; None where it is not known.
        scratch: folder for trials that are unpacked; None for that of the system.
        key: name under which a worker process keeps what it has read for the job.
    """

    # left out of comparisons: a worker process gets a copy with each task
    challenge: Challenge = field(compare=False)
    truth: Table = field(compare=False)
    template: Path | None = field(compare=False, default=None)
    missing: Policy = field(compare=False, default="error")
    allow_filled: float = field(compare=False, default=MOST_FILLED)
    resampling: Resampling = field(compare=False, default=USUAL)
    split: str | None = field(compare=False, default=None)
    scratch: Path | None = field(compare=False, default=None)
    key: str = field(default_factory=lambda: uuid4().hex)


def judge(job: Job, name: str, source: Source) -> Judged:
    """Check, read and score one prediction; nothing that is wrong with it is raised."""
    try:
        return _judge(job, name, source)
    except ProblemError as error:
        return Judged(name, None, error.problems)
    except Exception as error:
        # whatever it is, the other predictions are scored
        found = f"{type(error).__name__}: {error}"
        problem = Problem("O56", found, "a score", "score it alone, and report the error", _shown(source))
        return Judged(name, None, (problem,))


def _judge(job: Job, name: str, source: Source) -> Judged:
    if isinstance(source, Path) and is_archive(source):
        trials, _ = trials_in(job.challenge, source)
        if len(trials) > 1:
            fix = "name each trial, or unpack them"
            raise ProblemError(Problem("O54", f"{len(trials)} trials", "one trial", fix, str(source)))
        source = next(iter(trials.values()))
    if isinstance(source, Path):
        return _judge_path(job, name, source)
    with unpacked(source, job.scratch) as path:
        try:
            judged = _judge_path(job, name, path)
        except ProblemError as error:
            raise ProblemError(*(_told_of(problem, path, source) for problem in error.problems)) from error
        return _judged_of(judged, path, source)


def _judge_path(job: Job, name: str, path: Path) -> Judged:
    if not path.exists():
        raise not_found(path)
    require_plain(path)
    refuse_oversized(path)
    table, notes = _read(job, path)
    result = score(
        job.challenge,
        job.truth,
        table,
        missing=job.missing,
        allow_filled=job.allow_filled,
        resampling=job.resampling,
        split=job.split,
    )
    return Judged(name, result, tuple(dict.fromkeys((*notes, *result.notes))))


def _read(job: Job, path: Path) -> tuple[Table, tuple[Problem, ...]]:
    if is_ensemble(path):
        from abawbench.tuning.use import read_tuned_predictions

        return read_tuned_predictions(job.challenge, path, None, job.truth)[0], ()
    if is_store(path):
        from abawbench.inference.store import read_store

        return read_store(job.challenge, path), ()
    return _reader_of(job).read(path)


@lru_cache(maxsize=1)
def _reader_of(job: Job) -> CheckedReader:
    return CheckedReader(job.challenge, job.template)


def _shown(source: Source) -> str:
    return source.shown if isinstance(source, Packed) else str(source)


def _judged_of(judged: Judged, path: Path, source: Packed) -> Judged:
    """What was found about a trial on disk, told of the trial in its zip."""
    problems = tuple(_told_of(problem, path, source) for problem in judged.problems)
    result = judged.score
    if result is not None:
        notes = tuple(_told_of(note, path, source) for note in result.notes)
        flags = tuple(_in_zip(flag, path, source) for flag in result.flags)
        result = replace(result, notes=notes, flags=flags)
    return Judged(judged.name, result, problems)


def _told_of(problem: Problem, path: Path, source: Packed) -> Problem:
    file = None if problem.file is None else _in_zip(problem.file, path, source)
    found, expected, fix = (_in_zip(text, path, source) for text in (problem.found, problem.expected, problem.fix))
    return replace(problem, file=file, found=found, expected=expected, fix=fix)


def _in_zip(text: str, path: Path, source: Packed) -> str:
    return text.replace(str(path), source.shown)
