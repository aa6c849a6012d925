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
from abawbench.formats.check import check_listed
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.organisers.batch import Judged, score_many
from abawbench.organisers.mail.trials import trial_path
from abawbench.scoring import Score
from abawbench.scoring.statistics import Statistics
from abawbench.table import Table

# stands for the trial in problems, which have the names of today when they are shown
TRIAL, TRUTH = "<trial>", "<truth>"
# families of problems that may come of a comparison with the truth
OF_TRUTH = ("T", "V04", "C")
# an error of the scorer, for which no team can do anything
FAILURE = "O56"
# a trial has at most so many lines and bytes, and so many more for each row that is asked for
LINES, LINES_OF_A_ROW = 10_000, 4
BYTES, BYTES_OF_A_ROW = 1 << 20, 1 << 10


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

    @property
    def is_failure(self) -> bool:
        """True where the scorer itself failed: the organisers look at it, and the next run tries again."""
        return any(problem.rule == FAILURE for problem in self.problems)

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
        """The verdicts on trials: those of earlier runs, and new ones, each of which is kept at once.

        Args:
            trials: hashes of trials.
            told: called with the numbers of trials that are judged and of all that were not judged before.
        """
        known = {trial: self._known(trial) for trial in trials}
        found = {trial: verdict for trial, verdict in known.items() if verdict is not None}
        new = {trial: trial_path(self.room.resolve(), trial) for trial in trials if trial not in found}
        if not new:
            return found
        make_folder(self.room / "verdicts")
        wanted = None if self.template is None else read_list(self.challenge, self.template)
        told(0, len(new))

        def keep(judged: Judged) -> None:
            path = new[judged.name]
            verdict = self._verdict(judged.name, path, judged.score, judged.problems, wanted)
            if not verdict.is_failure:
                self._write(verdict, judged.score)
            found[judged.name] = verdict
            told(sum(trial in found for trial in new), len(new))

        rows = max(len(self.truth), len(wanted.keys) if isinstance(wanted, RowList) else 0)
        for trial, path in new.items():
            problem = _oversize(path, rows)
            if problem is not None:
                keep(Judged(trial, None, (problem,)))
        score_many(
            self.challenge,
            self.truth,
            {trial: path for trial, path in new.items() if trial not in found},
            template=self.template,
            workers=self.workers,
            engine="local" if self.address is None else "ray",
            address=self.address,
            keep=keep,
        )
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

    def _write(self, verdict: Verdict, score: Score | None) -> None:
        """Keep a verdict; its statistics first, so that a verdict is never without them."""
        files = {self._path(verdict.trial, ".json"): _as_json(verdict)}
        if score is not None and verdict.is_accepted:
            files = {self._path(verdict.trial, ".npz"): _as_arrays(score.statistics), **files}
        write_files(files)

    def _verdict(
        self,
        trial: str,
        path: Path,
        score: Score | None,
        problems: Sequence[Problem],
        wanted: RowList | UnitList | None,
    ) -> Verdict:
        words = {str(path): TRIAL, str(self.truth_path): TRUTH}
        refusing = [problem for problem in problems if not problem.is_note]
        shown = tuple(_spelt(problem, words) for problem in problems)
        if score is not None and not refusing:
            flags = [_worded(flag, words) for flag in score.flags]
            return Verdict(trial, shown, (), {**score.to_json(), "flags": flags})
        public = shown
        if any(problem.rule == FAILURE for problem in refusing):
            fix = "nothing is to be done; the organisers look at it"
            public = (Problem(FAILURE, "an error while it was scored", "a score", fix, TRIAL),)
        elif any(problem.rule.startswith(OF_TRUTH) for problem in refusing):
            # what the scorer says may name rows of the truth; what `check` says names those of the list alone
            checked = check_listed(self.challenge, path, wanted)
            public = tuple(_spelt(problem, words) for problem in checked)
            if all(problem.is_note for problem in public):
                fix = "compare the rows of the file with the organisers' list"
                rules = dict.fromkeys(problem.rule for problem in refusing)
                public += tuple(Problem(rule, "rows that do not fit", "rows of the list", fix, TRIAL) for rule in rules)
        return Verdict(trial, shown, public, None)


def _oversize(path: Path, rows: int) -> Problem | None:
    """O43 for a trial that is far larger than a prediction of so many rows: to tell each of its lines takes minutes."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    most_bytes, most_lines = BYTES + BYTES_OF_A_ROW * rows, LINES + LINES_OF_A_ROW * rows
    size = sum(file.stat().st_size for file in files)
    if size > most_bytes:
        found, expected = f"{size:,} bytes", f"at most {most_bytes:,} for {rows:,} rows"
    else:
        lines = sum(file.read_bytes().count(b"\n") for file in files)
        if lines <= most_lines:
            return None
        found, expected = f"{lines:,} lines", f"at most {most_lines:,} for {rows:,} rows"
    return Problem("O43", found, expected, "check that it is the right file", str(path))


def _spelt(problem: Problem, words: Mapping[str, str]) -> Problem:
    """A problem with some words in the place of others."""
    return replace(
        problem,
        file=None if problem.file is None else _worded(problem.file, words),
        found=_worded(problem.found, words),
        expected=_worded(problem.expected, words),
        fix=_worded(problem.fix, words),
    )


def _worded(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


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
