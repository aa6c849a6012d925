"""Predicts many clips into a prediction store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.entries.contract import check_answers, place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Entry, FrameFeatures, FrameWise
from abawbench.fill import FramePolicy, fill_frames
from abawbench.inference.precision import ANSWERS, Measure, Parity
from abawbench.inference.run import DEFAULTS, RunOptions, RunProgress, RunSummary, run
from abawbench.inference.store import Predictions, Store, begin_store, check_folder, previous_parity, record_of


def predict(
    entry: Entry,
    clips: Sequence[Clip],
    out: Path,
    options: RunOptions = DEFAULTS,
    *,
    fill: FramePolicy = "none",
    source: Path | None = None,
    report: Callable[[RunProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> RunSummary:
    """Predict clips into a store; units that the store already has are kept.

    `out` is the folder of the store, `fill` the policy for frames without a crop, and `source` the file that describes
    the entry, if there is one. The other arguments are those of `run`.

    Raises:
        ProblemError: faults that stop the whole run: P01 or P02 for the folder, P05 for the precision, D36 another run
            is at work.
    """
    record = record_of(entry, fill=fill, device=options.device, choice=options.precision, source=source)
    return run(entry, clips, _PredictionSink(out, record, fill), options, report=report, resumed=resumed)


class _PredictionSink:
    """A prediction store that a run writes into.

    Args:
        root: folder of the store.
        record: record of the run before its precision is decided.
        fill: policy for frames without a crop.
    """

    measure: Measure = ANSWERS
    _entry: Entry
    _store: Store

    def __init__(self, root: Path, record: Mapping[str, Any], fill: FramePolicy) -> None:
        self.root, self._record = root, record
        self._fill: FramePolicy = fill

    def check_folder(self) -> None:
        check_folder(self.root, self._record["card"]["name"])

    def previous_parity(self) -> Parity | None:
        return previous_parity(self.root, self._record)

    def begin(self, entry: Entry, parity: Parity | None) -> None:
        self._entry, self._store = entry, begin_store(self.root, self._record, parity)

    def holds(self, unit: str) -> bool:
        facts = self._store.facts(unit)
        return facts is not None and facts.entry == self._store.key

    def has(self, clip: Clip, digest: str) -> bool:
        return self._store.has(clip, digest)

    def put(self, clip: Clip, digest: str, features: FrameFeatures | None) -> tuple[Problem, ...]:
        entry = self._entry
        try:
            with reporting_failures(place_in(entry.card, clip.video)):
                if features is not None and isinstance(entry, FrameWise):
                    answers = entry.answer(features, clip)
                else:
                    answers = entry.predict(clip)
                problems = check_answers(entry.card, answers, clip)
        except ProblemError as error:
            return error.problems
        if not problems:
            answers, filled = fill_frames(answers, clip.frame, clip.valid, self._fill)
            self._store.write(Predictions(clip.video, clip.frame, clip.time, clip.valid, filled, answers), digest)
        return problems

    def close(self) -> None:
        """Nothing is left to do: each unit is committed when it is written."""
