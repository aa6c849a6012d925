"""A training from an entry file and data to a run folder, which is an entry; started again, it goes on."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from abawbench import challenges
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.run_lock import only_run
from abawbench.challenges import Challenge, Task
from abawbench.clips.clip import Clip
from abawbench.entries.entry_file import FILE, EntryFile, read_entry_file
from abawbench.entries.loading import entry_of
from abawbench.entries.networks.network import NetworkEntry
from abawbench.training.batching import Step, databases_of, frames_plan, segments_plan, videos_plan
from abawbench.training.checkpoint import load_checkpoint, save_checkpoint
from abawbench.training.compatibility import NO_COUPLING, refuse_misfits, temporal_of, with_coupling
from abawbench.training.curves import Board, write_curves, write_picture
from abawbench.training.data import Crops, Part, part_of
from abawbench.training.learners import Answering, Learner, learner_of
from abawbench.training.loop import Clock, Loop, repeatable
from abawbench.training.material import material_of, seen_of
from abawbench.training.objective import objective_of
from abawbench.training.processes import Processes, started
from abawbench.training.run_folder import (
    digest_of,
    is_finished,
    keep_weights,
    load_weights,
    open_run,
    record_of,
    task_folder,
    write_entry,
)
from abawbench.training.sampling import balancing_weights
from abawbench.training.settings import TrainingSettings, read_training
from abawbench.training.sources import Labels, Source, clips_of, for_tasks, labels_of
from abawbench.training.validation import Judged, Validation

KINDS = ("network", "facebehaviornet")
SCORE = "score"
# shorter epochs are drawn at the end alone
DRAWN_S = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What changes how a training goes, and not what comes of it on one kind of device.

    Attributes:
        device: where it learns, as `cpu` or `cuda`.
        threads: that read crops; one for each core where not given.
        memory_gib: that decoded crops, or features on an accelerator, may take.
        save_s: seconds after which to save within an epoch; 0 for at its end alone.
        save_steps: steps after which to save within an epoch; 0 likewise.
        log: `tensorboard` writes its events into the folder `tensorboard` of the run.
    """

    device: str = "cpu"
    threads: int | None = None
    memory_gib: float = 2.0
    save_s: float = 300.0
    save_steps: int = 0
    log: Literal["none", "tensorboard"] = "none"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        epoch: from 1, and how many.
        steps: of the epoch, done and in all.
        frames: of the epoch, done and in all.
        seconds: since the epoch began, or went on.
        row: what the epoch came to, at its end.
    """

    epoch: tuple[int, int]
    steps: tuple[int, int]
    frames: tuple[int, int]
    seconds: float
    row: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a training came to.

    Attributes:
        out: the run folder.
        was_finished: whether it was finished before, so that nothing was done.
        history: of each epoch; see `abawbench.training.curves`.
        best: by task, and `score` for the whole: the best epoch, and its value.
    """

    out: Path
    was_finished: bool
    history: Sequence[Mapping[str, Any]]
    best: Mapping[str, Mapping[str, Any]]


def train(
    entry_file: Path,
    source: Source,
    out: Path,
    changes: Mapping[str, Any] | None = None,
    options: Options = Options(),
    *,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Train an entry, or go on where a training was left.

    Args:
        entry_file: an entry.toml of kind `network` or `facebehaviornet`, with a table `[training]` or without.
        source: where crops or features, and labels lie.
        out: the run folder, new or of the same training.
        changes: values in the place of the file's, as `training.epochs`.
        options: where and how.
        report: is told of each step, and of the end of each epoch.

    Raises:
        ProblemError: everything that is wrong with entry, settings and data (E02, E07, E17, E19, ...); E20 for the
            folder; E22 numbers that ran away; D36 another run is at work there.
    """
    content = read_entry_file(entry_file, changes)
    settings = read_training(content.training, entry_file)
    if content.kind not in KINDS:
        fix = "name an entry of these kinds"
        raise ProblemError(Problem("E19", f"kind = {content.kind}", f"one of {', '.join(KINDS)}", fix, str(entry_file)))
    # parts without a file of weights are drawn
    content = content.model_copy(update={"settings": {"seed": settings.seed, **content.settings}})
    entry = entry_of(content, entry_file)
    assert isinstance(entry, Answering)
    challenge = challenges.get(content.vocabulary)
    labels, clips = labels_of(source, challenge), clips_of(source.data)
    settings = with_coupling(settings, content.settings.get("coupling", NO_COUPLING), str(entry_file))
    settings = replace(settings, dataset=settings.dataset or source.dataset or challenge.dataset)
    with started(options.device) as (processes, device):
        refuse_misfits(entry, settings, clips, str(entry_file), processes=processes.size)
        sides = _sides(entry, challenge, labels, clips)
        data = {
            "labels": {path.name: sha256_of(path) for path in labels.files},
            "clips": {name: digest_of(part.clips) for name, part in sides.items()},
            "units": {name: len(part.clips) for name, part in sides.items()},
            "labelled": {name: int(part.labelled.sum()) for name, part in sides.items()},
            "fold": source.fold,
            "device": device.partition(":")[0],
        }
        weights = [{"role": file.role, "sha256": file.sha256} for file in entry.card.weights]
        record = record_of(content, settings, weights, data)
        options = replace(options, device=device)
        task = _Training(content, entry, challenge, settings, sides, labels, out, options, processes, report)
        with repeatable(device):
            if not processes.is_first:
                return task.run()
            out.mkdir(parents=True, exist_ok=True)
            with only_run(out):
                open_run(out, record)
                return task.run()


def _sides(entry: Answering, challenge: Challenge, labels: Labels, clips: Sequence[Clip]) -> dict[str, Part]:
    tasks = entry.card.tasks
    tables = {"train": labels.train, "validation": labels.validation}
    return {
        name: part_of(clips, for_tasks(table, challenge, tasks), tasks)
        for name, table in tables.items()
        if table is not None
    }


class _Training:
    """One training: what it was told, and what it has come to."""

    def __init__(
        self,
        content: EntryFile,
        entry: Answering,
        challenge: Challenge,
        settings: TrainingSettings,
        sides: Mapping[str, Part],
        labels: Labels,
        out: Path,
        options: Options,
        processes: Processes,
        report: Callable[[Progress], None],
    ) -> None:
        self.content, self.entry, self.challenge, self.settings = content, entry, challenge, settings
        self.sides, self.labels, self.out, self.options, self.report = sides, labels, out, options, report
        self.processes = processes
        self.threads = options.threads or os.cpu_count() or 1
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, dict[str, Any]] = {}
        self.temporal = temporal_of(entry)
        self.truth = for_tasks(labels.train, challenge, entry.card.tasks)

    def run(self) -> Summary:
        # the first removes what a killed run left, and the others wait for it
        checkpoint = load_checkpoint(self.out) if self.processes.is_first else None
        self.processes.agreed(None)
        if not self.processes.is_first:
            checkpoint = load_checkpoint(self.out)
        if checkpoint is not None:
            self.history, self.best = checkpoint.facts["history"], checkpoint.facts["best"]
        if is_finished(self.out):
            return Summary(self.out, True, self.history, self.best)
        # answers by itself: on the CPU, in evaluation mode, with the weights of the end of an epoch
        answering = copy.deepcopy(self.entry)
        device, room = self.options.device, int(self.options.memory_gib * 2**30)
        seen = {
            name: seen_of(part, self.entry, self.settings, device=device, threads=self.threads, room=room)
            for name, part in self.sides.items()
        }
        takes_features = not any(isinstance(part, Crops) for part in seen.values())
        is_frozen = takes_features or self.settings.freeze_backbone
        mirror = learner_of(answering, is_frozen=is_frozen, takes_features=takes_features).eval()
        learner = learner_of(self.entry, is_frozen=is_frozen, takes_features=takes_features)
        loop = Loop(
            learner.to(device).train(),
            material_of(self.entry, self.sides["train"], seen["train"], device=device, room=room),
            self.settings,
            objective_of(self.settings, self.entry.card.tasks, self.truth),
            device=device,
            threads=self.threads,
            processes=self.processes,
        )
        if checkpoint is not None:
            loop.restore(checkpoint)
        elif self.processes.is_first and is_frozen and self.entry.encoder.modules:
            keep_weights(self.out, answering, backbones=True)
        self._learn(loop, answering, mirror, self._validation(seen.get("validation")))
        if self.processes.is_first:
            self._finish(answering, is_frozen)
        return Summary(self.out, False, self.history, self.best)

    def _validation(self, seen: Crops | Tensor | None) -> Validation | None:
        if seen is None or self.labels.validation is None:
            return None
        given = seen.numpy() if isinstance(seen, Tensor) else seen
        return Validation(self.challenge, self.labels.validation, self.sides["validation"], given)

    def _steps(self, epoch: int) -> list[Step]:
        part, settings = self.sides["train"], self.settings
        if not isinstance(self.entry, NetworkEntry) or self.temporal.encoder == "none":
            databases = databases_of(part, settings.databases)
            weights = None
            if settings.balance:
                wanted = balancing_weights(self._task(settings.balance), self.truth)
                weights = {name: wanted[part.row[places]] for name, places in databases.items()}
            return frames_plan(databases, settings.batch, settings.seed, epoch, weights)
        if settings.videos:
            return videos_plan(part, self.temporal, self.entry.time, settings.videos, settings.seed, epoch)
        return segments_plan(part, self.temporal, self.entry.time, settings.batch, settings.seed, epoch)

    def _task(self, name: str) -> Task:
        return next(task for task in self.entry.card.tasks if task.name == name)

    def _learn(self, loop: Loop, answering: Answering, mirror: Learner, validation: Validation | None) -> None:
        is_first = self.processes.is_first
        board = Board(self.out, len(self.history)) if is_first and self.options.log == "tensorboard" else None
        clock = Clock(self.options.save_steps, self.options.save_s)
        while loop.epoch < self.settings.epochs and not self._is_stale():
            begin = time.perf_counter()
            steps = self._steps(loop.epoch)
            behind = np.concatenate([[0], np.cumsum([len(step.places) for step in steps])])
            place, first = (loop.epoch + 1, self.settings.epochs), loop.done

            def told(
                done: int,
                place: tuple[int, int] = place,
                behind: np.ndarray[Any, Any] = behind,
                first: int = first,
                begin: float = begin,
            ) -> None:
                if not is_first:
                    return
                if clock.is_due() and done < len(behind) - 1:
                    self._save(loop)
                frames = (int(behind[done] - behind[first]), int(behind[-1] - behind[first]))
                self.report(Progress(place, (done, len(behind) - 1), frames, time.perf_counter() - begin))

            loss = loop.run(steps, told)
            seconds = time.perf_counter() - begin
            frames = int(behind[-1] - behind[first])
            row: dict[str, Any] = {}
            if is_first:
                load_weights(mirror.learned(), loop.weights())
                judged = None if validation is None else validation.judge(answering.at(self.options.device, "float32"))
                row = _row(loop, loss, judged, seconds, frames)
            row = self.processes.agreed(row)
            self.history.append(row)
            better = self._better(row)
            if not is_first:
                continue
            for name in better:
                folder = self.out if name == SCORE else task_folder(self.out, name)
                keep_weights(folder, answering, backbones=not loop.learner.is_frozen)
            write_curves(self.out, self.history, self.best)
            if seconds > DRAWN_S:
                write_picture(self.out, self.history)
            self._save(loop)
            if board is not None:
                board.add(row)
            total = (len(steps), len(steps))
            self.report(Progress(place, total, (frames, frames), time.perf_counter() - begin, row))
        if board is not None:
            board.close()

    def _better(self, row: Mapping[str, Any]) -> list[str]:
        """Names of what is better than before, the whole or a task; the whole where nothing says."""
        better: list[str] = []
        standings = {SCORE: row["standing"]} | (row["terms"] if len(row["terms"]) > 1 else {})
        for name, value in standings.items():
            before = self.best.get(name)
            if value is None and (name != SCORE or (before and before["value"] is not None)):
                continue
            if before is None or value is None or before["value"] is None or value > before["value"]:
                self.best[name] = {"epoch": row["epoch"], "value": value}
                better.append(name)
        return better

    def _is_stale(self) -> bool:
        best = self.best.get(SCORE)
        patience = self.settings.patience
        return bool(patience and best and best["value"] is not None and len(self.history) - best["epoch"] >= patience)

    def _save(self, loop: Loop) -> None:
        save_checkpoint(self.out, loop.checkpoint({"history": self.history, "best": self.best}))

    def _finish(self, answering: Answering, is_frozen: bool) -> None:
        """Write the files of the trained entries; that of the whole comes last and says that all is done."""
        write_picture(self.out, self.history)
        dataset = self.settings.dataset
        for name, best in sorted(self.best.items(), key=lambda item: item[0] == SCORE):
            path = self.out / (FILE if name == SCORE else f"{name}.toml")
            folder = self.out if name == SCORE else task_folder(self.out, name)
            by = "official score" if name == SCORE else f"score of {name}"
            value = "" if best["value"] is None else f", the best by the {by} on the validation split"
            write_entry(
                path,
                self.content,
                answering,
                heads=folder,
                backbones=self.out if is_frozen else folder,
                licence=self.settings.licence or f"terms of {dataset}",
                trained_on=f"{dataset}, train split",
                note=f"trained by abawbench: epoch {best['epoch']} of {len(self.history)}{value}",
            )


def _row(loop: Loop, loss: Mapping[str, float], judged: Judged | None, seconds: float, frames: int) -> dict[str, Any]:
    return {
        "epoch": loop.epoch,
        "rate": loop.optimiser.param_groups[-1]["lr"],
        "seconds": round(seconds, 3),
        "frames": frames,
        "loss": dict(loss),
        "score": None if judged is None else judged.score,
        "standing": None if judged is None else judged.standing,
        "terms": {} if judged is None else dict(judged.terms),
        "metrics": {} if judged is None else judged.metrics,
    }
