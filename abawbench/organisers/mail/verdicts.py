"""Verdicts on trials: what `check` and the scorer say of each, kept in a file by content, so that no run repeats it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import make_folder, read_input, write_files
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.base.typed import typed
from abawbench.challenges import Challenge
from abawbench.formats.check import check
from abawbench.organisers.mail.trials import trial_path
from abawbench.scoring import Score
from abawbench.scoring.statistics import Statistics
from abawbench.table import Table

# stands for the trial in problems, which have the names of today when they are shown
TRIAL, TRUTH = "<trial>", "<truth>"
# trials that are judged between two notes of progress
BATCH = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a trial.

    Attributes:
        trial: SHA-256 of the trial.
        problems: every problem, with notes.
        public: the problems that tell nothing of the truth: those of the file and of the list.
        score: the score as `abawbench score --json` has it; None where the trial is refused.
    """

    trial: str
    problems: tuple[Problem, ...]
    public: tuple[Problem, ...]
    score: dict[str, Any] | None

    @property
    def is_accepted(self) -> bool:
        """True for a trial that was scored."""
        return self.score is not None

    def named(self, name: str, *, is_private: bool) -> tuple[Problem, ...]:
        """The problems for a reader, with the name that the sender gave to the trial.

        Args:
            name: the trial's name.
            is_private: True where only what tells nothing of the truth may be said.
        """
        shown = self.public if is_private else self.problems
        return tuple(_spelt(problem, {TRIAL: name, TRUTH: "the truth"}) for problem in shown)


@dataclass(frozen=True)
class Judging:
    """How trials are judged.

    Attributes:
        challenge: the challenge.
        truth: the annotations.
        truth_path: where they lie, which no message names.
        template: the organisers' list.
        room: folder of the mail room.
        workers: number of processes; None for one for each core.
        address: address of a Ray cluster; None for this machine alone.
    """

    challenge: Challenge
    truth: Table
    truth_path: Path
    template: Path | None
    room: Path
    workers: int | None = None
    address: str | None = None

    def judge(self, trials: Sequence[str], told: Callable[[int, int], None]) -> dict[str, Verdict]:
        """The verdicts on trials: those of earlier runs, and new ones, which are kept at once.

        Args:
            trials: hashes of trials.
            told: called with the numbers of trials that are judged and of all that were not judged before.
        """
        known = {trial: self._known(trial) for trial in trials}
        found = {trial: verdict for trial, verdict in known.items() if verdict is not None}
        new = [trial for trial in trials if trial not in found]
        for begin in range(0, len(new), BATCH):
            told(begin, len(new))
            part = new[begin : begin + BATCH]
            found |= self._judged(part)
        if new:
            told(len(new), len(new))
        return found

    def statistics(self, trial: str) -> Statistics:
        """The statistics of an accepted trial by video. Raises: ProblemError F01, O40."""
        path = self._path(trial, ".npz")
        try:
            with np.load(io.BytesIO(read_input(path)), allow_pickle=False) as arrays:
                parts = {name: arrays[name] for name in arrays.files}
            groups = tuple(parts.pop("groups").tolist())
        except OSError as error:
            raise unreadable(path, error) from error
        except (ValueError, KeyError, EOFError) as error:
            raise _broken(path, str(error)) from error
        tasks = {name.removeprefix("task "): array for name, array in parts.items() if name.startswith("task ")}
        pilots = {name.removeprefix("pilot "): array for name, array in parts.items() if name.startswith("pilot ")}
        return Statistics(groups, tasks, pilots)

    def _path(self, trial: str, ending: str) -> Path:
        return self.room / "verdicts" / f"{trial}{ending}"

    def _known(self, trial: str) -> Verdict | None:
        path = self._path(trial, ".json")
        if not path.is_file():
            return None
        try:
            verdict = typed(Verdict)(parse_fields(read_input(path)))
        except OSError as error:
            raise unreadable(path, error) from error
        except ValueError as error:
            raise _broken(path, str(error).splitlines()[0]) from error
        return verdict

    def _judged(self, trials: Sequence[str]) -> dict[str, Verdict]:
        from abawbench.organisers.batch import score_many

        sources = {trial: trial_path(self.room.resolve(), trial) for trial in trials}
        results = score_many(
            self.challenge,
            self.truth,
            sources,
            template=self.template,
            workers=self.workers,
            engine="local" if self.address is None else "ray",
            address=self.address,
        )
        make_folder(self.room / "verdicts")
        verdicts: dict[str, Verdict] = {}
        for one in results:
            verdict = self._verdict(one.name, sources[one.name], one.score, one.problems)
            files = {self._path(one.name, ".json"): _as_json(verdict)}
            if one.score is not None and verdict.is_accepted:
                files = {self._path(one.name, ".npz"): _as_arrays(one.score.statistics), **files}
            write_files(files)
            verdicts[one.name] = verdict
        return verdicts

    def _verdict(self, trial: str, path: Path, score: Score | None, problems: Sequence[Problem]) -> Verdict:
        is_refused = score is None or any(not problem.is_note for problem in problems)
        # what the scorer says may name rows of the truth; what `check` says names those of the list alone
        public = check(self.challenge, path, self.template) if is_refused else ()
        if is_refused and all(problem.is_note for problem in public):
            rules = dict.fromkeys(problem.rule for problem in problems if not problem.is_note)
            fix = "compare the rows of the file with the organisers' list"
            public += tuple(Problem(rule, "rows that do not fit", "rows of the list", fix, TRIAL) for rule in rules)
        words = {str(path): TRIAL, str(self.truth_path): TRUTH}
        if score is not None and not is_refused:
            notes = [problem for problem in problems if problem.is_note]
            problems, public = notes, ()
        return Verdict(
            trial,
            tuple(_spelt(problem, words) for problem in problems),
            tuple(_spelt(problem, words) for problem in public),
            None if is_refused or score is None else {**score.to_json(), "flags": list(score.flags)},
        )


def _spelt(problem: Problem, words: Mapping[str, str]) -> Problem:
    """A problem with some words in the place of others."""

    def spelt(text: str) -> str:
        for old, new in words.items():
            text = text.replace(old, new)
        return text

    return replace(
        problem,
        file=None if problem.file is None else spelt(problem.file),
        found=spelt(problem.found),
        expected=spelt(problem.expected),
        fix=spelt(problem.fix),
    )


def _as_json(verdict: Verdict) -> bytes:
    return (json.dumps(asdict(verdict), indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _as_arrays(statistics: Statistics) -> bytes:
    stream = io.BytesIO()
    arrays: dict[str, Any] = {"groups": np.array(statistics.groups, np.str_)}
    arrays |= {f"task {name}": array for name, array in statistics.tasks.items()}
    arrays |= {f"pilot {name}": array for name, array in statistics.pilots.items()}
    np.savez(stream, **arrays)
    return stream.getvalue()


def _broken(path: Path, found: str) -> ProblemError:
    fix = "run again with --anew, which judges every trial again"
    return ProblemError(Problem("O40", found, "a file that the mail room wrote", fix, str(path)))
