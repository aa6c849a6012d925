"""A rehearsal: submissions, good and bad, go through a bundle's own program under the conditions of its platform."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, get
from abawbench.formats import read_truth
from abawbench.organisers.faults import planted
from abawbench.organisers.faults.in_zips import EXECUTED
from abawbench.organisers.rehearsal import codabench_files, codabench_worker, evalai_files, evalai_worker, kaggle
from abawbench.organisers.rehearsal.bundle_files import Inspected, Opened, Stage
from abawbench.organisers.rehearsal.expected import Expected, Truth, expected
from abawbench.organisers.rehearsal.interpreters import Interpreter, old_interpreter, this_interpreter
from abawbench.organisers.rehearsal.outcome import Outcome, judged, not_run
from abawbench.organisers.rehearsal.profiles import PROFILES, Profile
from abawbench.organisers.rehearsal.sandbox import Limits, programs_end_with_us
from abawbench.organisers.rehearsal.sent import Sent, as_sent, packed_like_finder, write_below
from abawbench.organisers.samples import Sample, predict

# name of the good submission of a dress rehearsal
GOOD = "good submission"
# planted faults that a platform decides itself, or of which nothing is left when it has unpacked the zip
UNDECIDED: Mapping[str, frozenset[str]] = {
    "codabench": frozenset((
        *("member-twice", "unusual-packing", "zip-in-the-zip", "windows-path"),
        *("metadata-with-command", "metadata-of-the-participant"),
    )),
    "evalai": frozenset(),
    "kaggle": frozenset(),
}  # fmt: skip
Progress = Callable[[int, int], None]
Job = tuple[Stage, Sent, Profile]


class _Worker(Protocol):
    def __call__(
        self, stage: Stage, sent: Sent, profile: Profile, limits: Limits, interpreter: Interpreter, work: Path
    ) -> Outcome: ...


INSPECT: Mapping[str, Callable[[Opened], Inspected]] = {
    "codabench": codabench_files.inspect,
    "evalai": evalai_files.inspect,
    "kaggle": kaggle.inspect,
}
WORKERS: Mapping[str, _Worker] = {
    "codabench": codabench_worker.run,
    "evalai": evalai_worker.run,
    "kaggle": kaggle.run,
}


@dataclass(frozen=True)
class Rehearsal:
    """What came of a rehearsal.

    Attributes:
        platform: name of the platform.
        source: folder or zip of the bundle.
        challenge: id of the challenge; None where the bundle does not say and nobody did.
        interpreter: name of the interpreter that ran the program.
        problems: what is wrong with the files of the bundle, notes included.
        outcomes: what became of each submission.
    """

    platform: str
    source: str
    challenge: str | None
    interpreter: str
    problems: tuple[Problem, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """What is wrong with the bundle: with its files, and as outcomes show."""
        left_out = [outcome for outcome in self.outcomes if outcome.state == "not run"]
        notes = {
            (outcome.profile, *outcome.remarks): Problem(
                "N79", f"{outcome.profile}: {', '.join(outcome.remarks)}", "a run", "see `--python`", self.source
            )
            for outcome in left_out
        }
        told = [problem for outcome in self.outcomes for problem in outcome.problems]
        return (*self.problems, *told, *notes.values())

    @property
    def is_ok(self) -> bool:
        """True if nothing is wrong with the bundle."""
        return all(problem.is_note for problem in self.all_problems)

    def counts(self) -> Counter[str]:
        """Number of outcomes by what became of the submission."""
        return Counter(outcome.state for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """The rehearsal as plain data."""
        return {
            "platform": self.platform,
            "bundle": self.source,
            "challenge": self.challenge,
            "interpreter": self.interpreter,
            "counts": dict(self.counts()),
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }


def rehearse(
    bundle: Opened,
    submissions: Sequence[Sent] = (),
    *,
    profiles: Sequence[Profile] = (),
    challenge: Challenge | None = None,
    phase: str | None = None,
    limits: Limits | None = None,
    interpreter: Interpreter | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Rehearsal:
    """Run submissions through a bundle; without any, a good one and every planted fault.

    A dress rehearsal runs the good submission in every phase and under every profile, and the planted faults under the
    first profile in the last phase.

    Args:
        bundle: the bundle.
        submissions: what is sent; empty for a dress rehearsal.
        profiles: conditions; by default those of `platform`.
        challenge: the challenge; by default that which the bundle names.
        phase: codename of the one phase to run; None for all, or for the last with submissions.
        limits: bounds of a run.
        interpreter: interpreter that runs the program; by default this one.
        workers: number of runs at a time; by default that of the cores.
        progress: function that is called with the numbers of runs done and in all.

    Raises:
        ProblemError: O20 the description of the bundle cannot be read; C02 no such phase; C01 an unknown challenge.
    """
    inspected = INSPECT[bundle.platform](bundle)
    stages = _chosen(inspected.stages, phase, bundle)
    profiles = profiles or (PROFILES["platform"],)
    known = challenge or next((_named(stage.challenge, bundle) for stage in stages if stage.challenge), None)
    python = interpreter or this_interpreter()
    bounds = limits or Limits()
    more: tuple[Problem, ...] = ()
    with ExitStack() as stack:
        truths = {stage.name: _truth(stage, known, stack) for stage in stages}
        if submissions:
            jobs = [(stages[-1], sent, profile) for sent in submissions for profile in profiles] if stages else []
        else:
            jobs, more = _dress(bundle, stages, truths, profiles)
        run = _Runner(bundle.platform, truths, bounds, python, is_planted=not submissions)
        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool, programs_end_with_us():
            for outcome in pool.map(run, jobs):
                outcomes.append(outcome)
                if progress is not None:
                    progress(len(outcomes), len(jobs))
    return Rehearsal(
        bundle.platform,
        bundle.source,
        None if known is None else known.id,
        python.name,
        (*inspected.problems, *more),
        tuple(outcomes),
    )


def _chosen(stages: Sequence[Stage], phase: str | None, bundle: Opened) -> tuple[Stage, ...]:
    if phase is None:
        return tuple(stages)
    found = tuple(stage for stage in stages if stage.name == phase)
    if not found:
        names = ", ".join(stage.name for stage in stages) or "none that can be run"
        raise ProblemError(Problem("C02", f"--phase {phase}", names, "name one of them", bundle.source))
    return found


def _named(identifier: str, bundle: Opened) -> Challenge:
    """The challenge that a bundle names. Raises: ProblemError C01, it is not known here."""
    try:
        return get(str(identifier))
    except ProblemError as error:
        fix = "give the file of a challenge of your own: --challenge FILE"
        problems = (
            replace(problem, fix=fix, file=bundle.source) if problem.rule == "C01" else problem
            for problem in error.problems
        )
        raise ProblemError(*problems) from None


def _truth(stage: Stage, challenge: Challenge | None, stack: ExitStack) -> Truth | None:
    """Truth and list of a stage, unpacked for as long as the stack lives; None where the bundle does not say."""
    if challenge is None or stage.truth is None or stage.template is None:
        return None
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    write_below(stage.reference, folder)
    return Truth(challenge, read_truth(challenge, folder / stage.truth), folder / stage.template)


def _dress(
    bundle: Opened, stages: Sequence[Stage], truths: Mapping[str, Truth | None], profiles: Sequence[Profile]
) -> tuple[list[Job], tuple[Problem, ...]]:
    """The runs of a dress rehearsal, or why there can be none."""
    if bundle.platform == "kaggle" and stages:
        good, *faulty = kaggle.faulty_tables(stages[-1])
        jobs = [(stages[-1], good, profile) for profile in profiles]
        return [*jobs, *((stages[-1], sent, profiles[0]) for sent in faulty)], ()
    jobs: list[Job] = []
    last: tuple[Stage, Truth, Mapping[str, bytes]] | None = None
    for stage in stages:
        truth = truths[stage.name]
        if truth is None:
            found = f"{stage.name}: no challenge, truth and list that the bundle names"
            expected_files = "settings.json or paths.json as `abawbench bundle` writes them"
            fix = "name submissions to run: `abawbench rehearse BUNDLE SUBMISSION...`"
            return [], (Problem("C02", found, expected_files, fix, bundle.source),)
        files = predict(truth.challenge, truth.table, truth.template)
        jobs += [(stage, as_sent(GOOD, files, is_refused=False), profile) for profile in profiles]
        last = stage, truth, files
    if last is None:
        return [], ()
    stage, truth, files = last
    for fault in planted(truth.challenge, Sample({}, {}, files)):
        is_refused = None if fault.name in UNDECIDED[bundle.platform] else fault.is_refused
        sent = as_sent(fault.name, fault.files, is_refused=is_refused, rules=fault.rules)
        jobs.append((stage, sent, profiles[0]))
    return jobs, ()


class _Runner:
    """Runs a submission against a stage under a profile, in a folder of its own, and judges what came of it."""

    def __init__(
        self,
        platform: str,
        truths: Mapping[str, Truth | None],
        limits: Limits,
        interpreter: Interpreter,
        *,
        is_planted: bool,
    ) -> None:
        self._platform = platform
        self._truths = truths
        self._limits = limits
        self._interpreter = interpreter
        self._is_planted = is_planted

    def __call__(self, job: Job) -> Outcome:
        stage, sent, profile = job
        interpreter = self._interpreter
        if profile.has_old_python and not interpreter.is_old:
            old = old_interpreter()
            if old is None:
                return not_run(sent, stage.name, profile, "no Python 3.9 with NumPy 1.26 here; name one with --python")
            interpreter = old
        if profile.packs_like_finder:
            sent = replace(sent, data=packed_like_finder(sent.data))
        sent, wanted = self._with_verdict(stage, sent)
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as work:
            place = Path(work).resolve()
            outcome = WORKERS[self._platform](stage, sent, profile, self._limits, interpreter, place)
            outcome = judged(outcome, sent)
            strays = _strays(place)
        problems = list(outcome.problems)
        if strays:
            found, fix = f"'{strays[0]}' was made", "run nothing of a submission"
            problems.append(Problem("O29", found, "nothing of a submission is run", fix, sent.name))
        if wanted is not None and wanted.score is not None and outcome.state == "scored":
            ranked = next(iter(outcome.scores.values()))
            if ranked != wanted.score:
                found, right = f"the score {ranked!r}", f"{wanted.score!r}, as `abawbench score` has it"
                problems.append(Problem("O28", found, right, "make the bundle anew", sent.name))
        return replace(outcome, problems=tuple(problems))

    def _with_verdict(self, stage: Stage, sent: Sent) -> tuple[Sent, Expected | None]:
        """The submission with the verdict of the command line, where the truth is known."""
        truth = self._truths[stage.name]
        if truth is None or (self._is_planted and sent.is_refused is None):
            return sent, None
        wanted = expected(truth, sent)
        if "N20" in wanted.rules:
            # two trials that are the same may count as one
            return replace(sent, is_refused=None, rules=wanted.rules), None
        return replace(sent, is_refused=wanted.is_refused, rules=wanted.rules), wanted


def _strays(work: Path) -> list[str]:
    """Files that a submission makes if something of it is run; where it was unpacked, it may hold one itself."""
    unpacked = work / "app" / "input" / "res"
    return [path.relative_to(work).as_posix() for path in work.rglob(EXECUTED) if unpacked not in path.parents]
