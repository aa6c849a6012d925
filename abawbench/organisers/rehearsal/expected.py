"""What should become of a submission: the verdict of `abawbench check`, and the score of `abawbench score`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.folders import is_litter
from abawbench.base.problems import ProblemError
from abawbench.challenges import Challenge
from abawbench.formats import read_predictions
from abawbench.formats.check import check, is_accepted
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.rehearsal.sent import NotUnpackedError, Sent, unpack, write_below
from abawbench.scoring import score
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Truth:
    """What a submission is compared with.

    Attributes:
        challenge: the challenge.
        table: the annotations.
        template: path of the organisers' list.
    """

    challenge: Challenge
    table: Table
    template: Path


@dataclass(frozen=True, slots=True)
class Expected:
    """The verdict of the command line.

    Attributes:
        score: the score; None where the submission is refused.
        rules: the rules that it breaks, and notes.
    """

    score: float | None
    rules: frozenset[str]

    @property
    def is_refused(self) -> bool:
        """True where the submission gets no score."""
        return self.score is None


def expected(truth: Truth, sent: Sent) -> Expected:
    """The verdict of `check --template` on what was sent, and its score, where it holds one prediction."""
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "sent" / Path(sent.file).name
        write_below({file.name: sent.data}, file.parent)
        problems = check(truth.challenge, file, truth.template)
        rules = frozenset(problem.rule for problem in problems)
        if not is_accepted(problems):
            return Expected(None, rules)
        try:
            path = _prediction(truth.challenge, sent, Path(work) / "unpacked")
            if path is None:
                # several trials, of which a platform scores none
                return Expected(None, rules)
            prediction = read_predictions(truth.challenge, path)
            return Expected(score(truth.challenge, truth.table, prediction).score, rules)
        except ProblemError as error:
            return Expected(None, rules | {problem.rule for problem in error.problems})


def _prediction(challenge: Challenge, sent: Sent, work: Path) -> Path | None:
    """The path of the one prediction in a zip, unpacked without litter; None where it holds more."""
    try:
        files = {name: data for name, data in unpack(sent.data).items() if not is_litter(name)}
    except NotUnpackedError:
        # a text file that was sent as it is
        files = {sent.file: sent.data}
    write_below(files, work)
    folders = {Path(name).parent for name in files}
    if len(folders) != 1:
        return None
    if prediction_layouts(challenge)[0].per_unit:
        return work / folders.pop()
    return work / next(iter(files)) if len(files) == 1 else None
