"""Training from an entry file and data to a run folder, which is an entry; a second start resumes it."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench import challenges
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.entries.crops import faces_command, undescribed_crops
from abawbench.entries.entry_file import FILE, read_entry_file
from abawbench.entries.loading import make_entry
from abawbench.entries.network_notes import network_notes
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.settings import resolve_coupling
from abawbench.table import Floats
from abawbench.training.batching import Step, balancing_weights, databases_of, frame_steps, segment_steps, video_steps
from abawbench.training.coupling import make_coupling
from abawbench.training.data import Crops, read_inputs, training_data
from abawbench.training.learners import Learner, LearningEntry, make_learner, temporal_of
from abawbench.training.loop import Loop, repeatable
from abawbench.training.misfits import refuse_misfits
from abawbench.training.objective import make_objective
from abawbench.training.picture import write_picture
from abawbench.training.processes import start_processes
from abawbench.training.relatedness import NOTE
from abawbench.training.results import (
    SCORE,
    Provenance,
    TensorBoardLog,
    keep_weights,
    task_folder,
    write_curves,
    write_entry,
    write_tables,
)
from abawbench.training.ridge_training import fit_linear, inner_folds
from abawbench.training.run_folder import SaveClock, load_checkpoint, open_run, save_checkpoint
from abawbench.training.settings import TrainOptions, read_training
from abawbench.training.setup import Setup, TrainProgress, TrainSummary, make_record, make_splits
from abawbench.training.sources import Source, arrange_labels, open_data, read_labels
from abawbench.training.starting import (
    SETTINGS,
    load_all_but_decoder,
    starting_content,
    with_crop,
    with_labelled_tasks,
    with_untrained_tasks,
)
from abawbench.training.synthesis.enlarge import enlarge_split
from abawbench.training.synthesis.loop import make_loop
from abawbench.training.synthesis.pairs import faces_of, pair_notices, pair_steps
from abawbench.training.validation import Validation, ValidationScore

# seconds of an epoch above which curves are drawn after each epoch, and not only at the end
DRAWN_S = 5.0
DEFAULTS = TrainOptions()
# note of an entry whose recognition learned on after its synthesis
RECOGNISES = "recognition learned on alone: synthesise with the run that it started from, whose decoder fits"


def train(
    entry_file: Path,
    source: Source,
    out: Path,
    changes: Mapping[str, Any] | None = None,
    options: TrainOptions = DEFAULTS,
    *,
    report: Callable[[TrainProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
    notice: Callable[[str], None] = lambda _: None,
) -> TrainSummary:
    """Train an entry, or resume its training.

    Args:
        entry_file: an entry.toml of a kind in `SETTINGS`, with a table `[training]` or without.
        source: places of crops or features, and of labels.
        out: run folder, new or of the same training.
        changes: values that replace the file's, by dotted name, as `training.epochs`.
        options: options of the run.
        report: called after each step, and at the end of each epoch.
        resumed: called once with the numbers of epochs that an earlier run finished, and of all.
        notice: called with a sentence for each file of weights that is not there and not needed, for tasks without
            labels, for data that are assumed to be those of the challenge, about crops that do not say what they show,
            about the table of a coupling, and about pairs and synthesised faces.

    Raises:
        ProblemError: everything that is wrong with entry, settings and data (E02, E07, E17, E19, ...); E20 for the
            folder; E22 a loss that is not finite; D36 another run is at work there.
    """
    content = read_entry_file(entry_file, changes)
    settings = read_training(content.training, entry_file)
    if content.kind not in SETTINGS:
        fix, expected = "name an entry of these kinds", f"one of {', '.join(SETTINGS)}"
        raise ProblemError(Problem("E19", f"kind = {content.kind}", expected, fix, str(entry_file)))
    challenge = challenges.get(content.vocabulary)
    opened = open_data(source.data, faces_command(content.card()))
    clips = opened.clips
    content, sentences = starting_content(with_crop(content, clips), entry_file, clips, settings.seed)
    labels = read_labels(source, challenge)
    coupling = resolve_coupling(content.settings.get("coupling", "none"), settings.coupling, str(entry_file))
    if settings.ridge is not None:
        content = with_labelled_tasks(content, challenge, labels.train)
    else:
        content, untrained = with_untrained_tasks(content, challenge, labels.train, coupling)
        sentences += untrained
    entry = make_entry(content, entry_file)
    assert isinstance(entry, LearningEntry)
    if settings.synthesis is not None and settings.synthesis.start is not None and isinstance(entry, FersNetEntry):
        sentences += load_all_but_decoder(entry.network, settings.synthesis.start)
    if not settings.dataset and not source.dataset:
        sentences.append(f"assumed: the data are {challenge.dataset}; training.dataset names others")
    for sentence in sentences:
        notice(sentence)
    for note in (*opened.notes, *network_notes(entry.card), *undescribed_crops(entry.card, clips)):
        notice(f"note: {note.found}; expected: {note.expected}; {note.fix}")
    dataset = settings.dataset or source.dataset or challenge.dataset
    settings = replace(settings, coupling=coupling, dataset=dataset)
    with start_processes(options.device) as (processes, device):
        refuse_misfits(entry, settings, clips, str(entry_file), processes=processes.size)
        made = None
        if settings.coupling is not None:
            truth = arrange_labels(labels.train, challenge, entry.card.tasks)
            made = make_coupling(settings.coupling, entry.card.tasks, truth)
            for sentence in made.notes:
                notice(sentence)
            # those of an earlier training are about another one
            kept = [text for text in content.notes if not text.startswith(NOTE)]
            content = content.model_copy(update={"notes": [*kept, *made.notes]})
        if settings.synthesis is not None and settings.synthesis.stage == "balance":
            content = content.model_copy(update={"notes": [*dict.fromkeys([*content.notes, RECOGNISES])]})
        setup = Setup(
            content=content,
            entry=entry,
            challenge=challenge,
            settings=settings,
            coupling=made,
            labels=labels,
            folds=None if settings.ridge is None else inner_folds(settings, labels.train, challenge, labels.subjects),
            splits=make_splits(entry, challenge, labels, clips),
            out=out,
            options=replace(options, device=device),
            processes=processes,
            subjects=labels.subjects,
        )
        synthesis = settings.synthesis
        if synthesis is not None and synthesis.stage == "joint":
            faces = faces_of(setup.splits["train"], entry.card.tasks[0].name, labels.subjects)
            setup = replace(setup, faces=faces)
            for sentence in pair_notices(faces, labels.subjects):
                notice(sentence)
        with repeatable(device):
            if not processes.is_first:
                return _Training(setup, report, resumed).run()
            with open_run(out, make_record(setup, source)):
                if settings.ridge is not None:
                    return fit_linear(setup, report, resumed)
                if synthesis is not None and synthesis.stage == "balance" and synthesis.enlarge:
                    setup = enlarge_split(setup, notice)
                return _Training(setup, report, resumed).run()


class _Training:
    """One training, and its history so far."""

    def __init__(
        self, setup: Setup, report: Callable[[TrainProgress], None], resumed: Callable[[int, int], None]
    ) -> None:
        self.setup, self.report, self.resumed = setup, report, resumed
        self.entry, self.settings, self.processes, self.out = setup.entry, setup.settings, setup.processes, setup.out
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, dict[str, Any]] = {}
        self.temporal = temporal_of(setup.entry)
        self.truth = arrange_labels(setup.labels.train, setup.challenge, setup.entry.card.tasks)

    def run(self) -> TrainSummary:
        # the first process removes what a killed run left, and the others wait for it
        checkpoint = load_checkpoint(self.out) if self.processes.is_first else None
        self.processes.broadcast(None)
        if not self.processes.is_first:
            checkpoint = load_checkpoint(self.out)
        if checkpoint is not None:
            self.history, self.best = checkpoint.facts["history"], checkpoint.facts["best"]
        self.resumed(len(self.history), self.settings.epochs)
        # the entry's file is written last
        if (self.out / FILE).is_file():
            return TrainSummary(self.out, True, self.history, self.best)
        # a copy that answers: on the CPU, in evaluation mode, with the weights of the end of an epoch
        answering = copy.deepcopy(self.entry)
        device, threads = self.setup.options.device, self.setup.options.threads or os.cpu_count() or 1
        room = int(self.setup.options.memory_gib * 2**30)
        splits = self.setup.splits
        inputs = {
            name: read_inputs(frames, self.entry, self.settings, device=device, threads=threads, room=room)
            for name, frames in splits.items()
        }
        takes_features = not any(isinstance(own, Crops) for own in inputs.values())
        is_frozen = takes_features or self.settings.freeze_backbone
        mirror = make_learner(answering, is_frozen=is_frozen, takes_features=takes_features).eval()
        learner = make_learner(self.entry, is_frozen=is_frozen, takes_features=takes_features)
        data = training_data(self.entry, splits["train"], inputs["train"], device=device, room=room)
        objective = make_objective(self.settings, self.entry.card.tasks, self.truth, self.setup.coupling)
        loop = make_loop(
            learner.to(device).train(),
            data,
            self.settings,
            objective,
            device=device,
            threads=threads,
            processes=self.processes,
        )
        if checkpoint is not None:
            loop.restore(checkpoint)
        elif self.processes.is_first and is_frozen and self.entry.encoder.modules:
            keep_weights(self.out, answering, backbones=True)
        validation = None
        if self.setup.labels.validation is not None:
            own = inputs["validation"]
            own = own if isinstance(own, Crops) else own.numpy()
            validation = Validation(self.setup.challenge, self.setup.labels.validation, splits["validation"], own)
        self._learn(loop, answering, mirror, validation)
        if self.processes.is_first:
            self._finish(answering, is_frozen=is_frozen)
        return TrainSummary(self.out, False, self.history, self.best)

    def _learn(self, loop: Loop, answering: LearningEntry, mirror: Learner, validation: Validation | None) -> None:
        options, is_first = self.setup.options, self.processes.is_first
        tensorboard = TensorBoardLog(self.out, len(self.history)) if is_first and options.log == "tensorboard" else None
        clock = SaveClock(options.save_steps, options.save_s)
        while loop.epoch < self.settings.epochs and not self._is_stale():
            epoch = _Epoch(loop, self._steps(loop.epoch), (loop.epoch + 1, self.settings.epochs))
            loss = loop.run(epoch.steps, lambda done, epoch=epoch: self._after_step(loop, epoch, clock, done))
            seconds = epoch.seconds
            row: dict[str, Any] = {}
            if is_first:
                mirror.load(loop.weights())
                score = None if validation is None else validation.evaluate(answering.at(options.device, "float32"))
                row = _row(loop, loss, score, seconds, epoch.frames)
            row = self.processes.broadcast(row)
            self.history.append(row)
            better = self._update_best(row)
            if not is_first:
                continue
            for name in better:
                folder = self.out if name == SCORE else task_folder(self.out, name)
                keep_weights(folder, answering, backbones=not loop.learner.is_frozen)
            write_curves(self.out, self.history, self.best)
            if seconds > DRAWN_S:
                write_picture(self.out, self.history, self.best)
            self._save(loop)
            if tensorboard is not None:
                tensorboard.add(row)
            self.report(epoch.progress(len(epoch.steps), row))
        if tensorboard is not None:
            tensorboard.close()

    def _steps(self, epoch: int) -> list[Step]:
        frames, settings, seed = self.setup.splits["train"], self.settings, self.settings.seed
        if self.setup.faces is not None:
            return pair_steps(self.setup.faces, settings.batch, seed, epoch)
        if not isinstance(self.entry, NetworkEntry) or self.temporal.encoder == "none":
            databases, wanted = databases_of(frames, settings.databases), self._row_weights()
            weights = None
            if wanted is not None:
                weights = {name: wanted[frames.row[places]] for name, places in databases.items()}
            return frame_steps(databases, settings.batch, seed, epoch, weights)
        if settings.videos:
            return video_steps(frames, self.temporal, self.entry.time, settings.videos, seed, epoch)
        return segment_steps(frames, self.temporal, self.entry.time, settings.batch, seed, epoch)

    def _row_weights(self) -> Floats | None:
        """Relative frequency of each row of the truth in the steps, shape (rows,); None where all are drawn once."""
        settings, real = self.settings, self.setup.real_rows
        weights = balancing_weights(self._task(settings.balance), self.truth) if settings.balance else None
        if real is not None and settings.synthesis is not None and settings.synthesis.share != 1:
            weights = np.ones(len(self.truth)) if weights is None else weights
            weights[real:] *= settings.synthesis.share
        return weights

    def _task(self, name: str) -> Task:
        return next(task for task in self.entry.card.tasks if task.name == name)

    def _after_step(self, loop: Loop, epoch: _Epoch, clock: SaveClock, done: int) -> None:
        if self.processes.is_first:
            if clock.is_due() and done < len(epoch.steps):
                self._save(loop)
            self.report(epoch.progress(done))

    def _update_best(self, row: Mapping[str, Any]) -> list[str]:
        """Record the best values, and return the names of those that improved; `score` where there is no score."""
        better: list[str] = []
        standings = {SCORE: row["standing"]} | (row["terms"] if len(row["terms"]) > 1 else {})
        for name, value in standings.items():
            before = self.best.get(name)
            is_kept = self.settings.keep == "last"
            if value is None and (name != SCORE or (not is_kept and before and before["value"] is not None)):
                continue
            if is_kept or before is None or value is None or before["value"] is None or value > before["value"]:
                self.best[name] = {"epoch": row["epoch"], "value": value}
                better.append(name)
        return better

    def _is_stale(self) -> bool:
        best, patience = self._best_row(), self.settings.patience
        return bool(patience and best is not None and len(self.history) - best["epoch"] >= patience)

    def _best_row(self) -> dict[str, Any] | None:
        """The first epoch with the best value on the validation split, whichever is kept; None without any value."""
        scored = [row for row in self.history if row["standing"] is not None]
        return max(scored, key=lambda row: row["standing"], default=None)

    def _choice(self, kept: Mapping[str, Any]) -> str:
        """How the kept epoch was chosen."""
        best = self._best_row()
        if self.settings.keep == "best" or best is None:
            return "the best"
        if best["epoch"] == kept["epoch"]:
            return "the last and the best"
        other = f"{best['standing']:.4f} in epoch {best['epoch']}"
        return f"the last: {kept['value']:.4f}, where the best would be {other},"

    def _save(self, loop: Loop) -> None:
        save_checkpoint(self.out, loop.checkpoint({"history": self.history, "best": self.best}))

    def _finish(self, answering: LearningEntry, *, is_frozen: bool) -> None:
        """Write the files of the trained entries; that of the whole comes last and marks the run as finished."""
        if self.setup.coupling is not None:
            write_tables(self.out, self.setup.coupling)
        write_picture(self.out, self.history, self.best)
        dataset, coupling = self.settings.dataset, self.settings.coupling
        for name, best in sorted(self.best.items(), key=lambda item: item[0] == SCORE):
            path = self.out / (FILE if name == SCORE else f"{name}.toml")
            folder = self.out if name == SCORE else task_folder(self.out, name)
            by = "official score" if name == SCORE else f"score of {name}"
            value = "" if best["value"] is None else f", {self._choice(best)} by the {by} on the validation split"
            provenance = Provenance(
                licence=self.settings.licence or f"terms of {dataset}",
                trained_on=f"{dataset}, train split",
                note=f"trained by abawbench: epoch {best['epoch']} of {len(self.history)}{value}",
                coupling=() if coupling is None else coupling.terms,
                feature_origin=self.setup.feature_origin(is_frozen=is_frozen),
            )
            backbones = self.out if is_frozen else folder
            write_entry(path, self.setup.content, answering, provenance, heads=folder, backbones=backbones)


class _Epoch:
    """The steps of one epoch, and the time since it began or was resumed."""

    def __init__(self, loop: Loop, steps: Sequence[Step], epoch: tuple[int, int]) -> None:
        self.steps, self.epoch, self.begin = steps, epoch, time.perf_counter()
        counts = np.cumsum([0, *(len(step.places) for step in steps)])
        self._frames = (counts - counts[loop.done]).tolist()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self.begin

    @property
    def frames(self) -> int:
        """Frames of the steps that are learned here."""
        return self._frames[-1]

    def progress(self, done: int, row: Mapping[str, Any] | None = None) -> TrainProgress:
        """Progress after so many steps of the epoch."""
        steps, frames = (done, len(self.steps)), (self._frames[done], self.frames)
        return TrainProgress(self.epoch, steps, frames, self.seconds, row)


def _row(
    loop: Loop, loss: Mapping[str, float], score: ValidationScore | None, seconds: float, frames: int
) -> dict[str, Any]:
    return {
        "epoch": loop.epoch,
        "rate": loop.optimiser.param_groups[-1]["lr"],
        "seconds": round(seconds, 3),
        "frames": frames,
        "loss": dict(loss),
        # of the last step
        **({"sharing": gates} if (gates := loop.learner.gates()) else {}),
        "score": None if score is None else score.score,
        "standing": None if score is None else score.standing,
        "terms": {} if score is None else dict(score.terms),
        "metrics": {} if score is None else score.metrics,
    }
