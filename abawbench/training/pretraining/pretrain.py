"""Masked-autoencoder pre-training: an encoder learns from faces by filling in hidden patches."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from abawbench.base.files import write_file, write_folder
from abawbench.base.installed import VERSION
from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.models.checkpoints import save_backbone
from abawbench.table import Rows
from abawbench.training.data import Crops
from abawbench.training.optimisers import make_optimiser, restore_state, schedule_factor, state_tensors
from abawbench.training.pretraining.autoencoder import (
    Autoencoder,
    build_autoencoder,
    cut_views,
    encoder_of,
    random_boxes,
    whole_boxes,
)
from abawbench.training.pretraining.crops import HELD_OUT, STEP, Split, batches, digest_of, open_crops, split
from abawbench.training.pretraining.figures import (
    Epoch,
    fill_in,
    loss_figure,
    read_losses,
    reconstructions,
    write_losses,
)
from abawbench.training.pretraining.settings import BETAS, SIZES, WEIGHT_DECAY, PretrainSettings
from abawbench.training.pretraining.weights import transformers_files, write_published
from abawbench.training.run_folder import (
    CHECKPOINTS,
    FREE,
    Checkpoint,
    SaveClock,
    load_checkpoint,
    open_run,
    save_checkpoint,
)
from abawbench.training.settings import OptimiserSettings, ScheduleSettings

ENCODER, PUBLISHED, FOLDER = "encoder.safetensors", "mae_pretrain.pth", "huggingface"
LOSSES, CURVES, SHOWN = "loss.csv", "loss.png", "reconstructions.png"
MEMORY = 4 << 30
PAUSE_S = 60.0
# largest numbers of held-out crops for the loss and for the reconstructions, evenly spread
_MEASURED, _PICTURES = 1024, 8
# file of the state before pre-trainings had checkpoints as trainings have
_EARLIER_STATE = "state.safetensors"
_LIBRARIES = ("numpy", "opencv-python-headless", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class PretrainProgress:
    """Progress of a pre-training.

    Attributes:
        epochs: number of epochs, done and in all.
        pictures: number of pictures learned since this start, and to learn in all from there.
        seconds: seconds since this start, without the time to set up.
        last: epoch that has just ended; None within an epoch.
    """

    epochs: tuple[int, int]
    pictures: tuple[int, int]
    seconds: float
    last: Epoch | None = None


@dataclass(frozen=True, slots=True)
class PretrainSummary:
    """Result of a pre-training.

    Attributes:
        encoder: file of the encoder.
        learned: number of crops that were learned from.
        held_out: number of crops held out.
        units: names of the units held out.
        epochs: losses of the epochs.
        seconds: seconds that this start took.
        is_kept: True where the run was finished before.
    """

    encoder: Path
    learned: int
    held_out: int
    units: tuple[str, ...]
    epochs: tuple[Epoch, ...]
    seconds: float
    is_kept: bool


@dataclass(frozen=True, eq=False)
class _Run:
    """The inputs of a pre-training."""

    settings: PretrainSettings
    crops: Crops
    split: Split
    device: torch.device
    folder: Path

    @property
    def side(self) -> int:
        """Height and width of the crops in pixels."""
        return self.crops.clips[0].size

    @property
    def crop(self) -> str:
        """Name of what the crops show; empty where they do not say."""
        crop = self.crops.clips[0].crop
        return "" if crop is None else crop.name

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.split.learned) // self.settings.batch)

    @property
    def measured(self) -> Rows:
        """Held-out crops on which the loss is measured."""
        return _spread(self.split.held_out, _MEASURED)


def pretrain(
    data: Path,
    run: Path,
    settings: PretrainSettings,
    *,
    device: str = "cpu",
    memory: int = MEMORY,
    pause_s: float = PAUSE_S,
    report: Callable[[PretrainProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> PretrainSummary:
    """Train a masked autoencoder on crops, and write its encoder, losses and pictures into a folder.

    A killed run is resumed; on the CPU it ends with the same bits as a run without interruption. A finished run is not
    changed.

    Args:
        data: crops, as `open_crops` reads them.
        run: folder of the run, new or of the same run.
        settings: settings of the pre-training.
        device: device of the training, as torch names it.
        memory: bytes of decoded crops that may be kept; others are read again in every epoch.
        pause_s: seconds between two saves; 0 to save after every step.
        report: called after every step.
        resumed: called once with the numbers of steps that an earlier run finished, and of all.

    Raises:
        ProblemError: F01 D30 D31 E06 E19 of the crops, E20 the folder holds another run, E22 the loss is not finite,
            D36 another run is at work there.
    """
    began = time.monotonic()
    crops = open_crops(data, memory)
    parts = split(crops, settings.held_out, settings.seed)
    setup = _Run(settings, crops, parts, torch.device(device), run)
    with open_run(run, _record(setup), indent=2):
        is_kept = (run / ENCODER).exists()
        if not is_kept:
            _refuse_earlier_state(run)
            _finish(setup, _train(setup, pause_s, report, resumed))
        seconds = time.monotonic() - began
        return PretrainSummary(
            encoder=run / ENCODER,
            learned=len(parts.learned),
            held_out=len(parts.held_out),
            units=parts.units,
            epochs=read_losses(run / LOSSES),
            seconds=seconds,
            is_kept=is_kept,
        )


def noise_for(random: np.random.Generator, count: int, settings: PretrainSettings) -> Tensor:
    """Random numbers that decide which patches are visible, shape (count, patches)."""
    return torch.from_numpy(random.random((count, settings.patches), np.float32))


def rate_at(settings: PretrainSettings, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, in epochs of `steps` steps.

    Source: facebookresearch/mae:util/lr_sched.py (warm-up, then half a cosine, moved on at every step).
    """
    schedule = ScheduleSettings("cosine", warmup_epochs=settings.warm_up)
    return settings.rate * schedule_factor(schedule, settings.epochs, 0, step / steps)


def optimiser_of(network: Autoencoder, settings: PretrainSettings) -> torch.optim.Optimizer:
    """AdamW over all trained parameters; biases and norms do not decay.

    Source: facebookresearch/mae:main_pretrain.py (timm's groups).
    """
    chosen = OptimiserSettings(rate=settings.rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    learned = [value for value in network.parameters() if value.requires_grad]
    return make_optimiser((), learned, chosen, fused=learned[0].device.type == "cuda")


class _Learning:
    """A network, its optimiser, and their progress."""

    def __init__(self, run: _Run) -> None:
        settings = run.settings
        self.run = run
        self.network = build_autoencoder(settings).to(run.device).train()
        self.optimiser = optimiser_of(self.network, settings)
        self.step = 0
        self.total = torch.zeros((), dtype=torch.float64, device=run.device)
        self.epochs: list[Epoch] = []

    def save(self) -> None:
        """Write the state. Raises: ProblemError E22, the loss is not finite."""
        parts = {"weights": dict(self.network.named_parameters()), "optimiser": state_tensors(self.optimiser)}
        tensors = {f"{part}/{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        total = _finite(self.total.item(), self.step)
        facts = {"step": self.step, "total": total, "epochs": [asdict(epoch) for epoch in self.epochs]}
        save_checkpoint(self.run.folder, Checkpoint(tensors, facts))

    def resume(self) -> None:
        """Continue from the newest checkpoint, where there is one."""
        checkpoint = load_checkpoint(self.run.folder)
        if checkpoint is None:
            return
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(checkpoint.tensors[f"weights/{name}"])
        own = "optimiser/"
        tensors = checkpoint.tensors.items()
        restore_state(self.optimiser, {name.removeprefix(own): part for name, part in tensors if name.startswith(own)})
        self.step, self.epochs = checkpoint.facts["step"], [Epoch(**epoch) for epoch in checkpoint.facts["epochs"]]
        self.total.fill_(checkpoint.facts["total"])


def _train(
    run: _Run, pause_s: float, report: Callable[[PretrainProgress], None], resumed: Callable[[int, int], None]
) -> Autoencoder:
    """Train to the last step, and return the network."""
    learning = _Learning(run)
    learning.resume()
    first, last = learning.step, run.steps * run.settings.epochs
    resumed(first, last)
    clock, began = SaveClock(0 if pause_s else 1, pause_s), time.monotonic()
    for step, pictures, noise in _steps(run, first):
        rate = rate_at(run.settings, step, run.steps)
        learning.total += _step(learning, pictures, noise, rate).double()
        learning.step = done = step + 1
        is_end = done % run.steps == 0
        if is_end:
            mean = _finite(learning.total.item() / run.steps, done)
            held_out = _held_out_loss(run, learning.network)
            learning.epochs.append(Epoch(done // run.steps, done, rate, mean, held_out))
            write_losses(run.folder / LOSSES, tuple(learning.epochs))
            learning.total.zero_()
        if clock.is_due() or done == last:
            learning.save()
        seen = (done - first) * len(pictures), (last - first) * len(pictures)
        epochs, ended = (len(learning.epochs), run.settings.epochs), learning.epochs[-1] if is_end else None
        report(PretrainProgress(epochs, seen, time.monotonic() - began, ended))
    return learning.network


def _steps(run: _Run, first: int) -> Generator[tuple[int, Tensor, Tensor]]:
    """Number, pictures and noise of each step from `first` on; all of it depends on the seed and the number alone."""
    settings = run.settings
    numbers = range(first, run.steps * settings.epochs)

    def rows() -> Generator[Rows]:
        order = batches(run.split.learned, settings.batch, settings.seed, first // run.steps)
        for step in numbers:
            if step % run.steps == 0:
                order = batches(run.split.learned, settings.batch, settings.seed, step // run.steps)
            yield order[step % run.steps]

    for step, (crops,) in zip(numbers, map_ahead(run.crops.read, rows()), strict=True):
        random = np.random.default_rng([STEP, settings.seed, *divmod(step, run.steps)])
        boxes = random_boxes(random, len(crops), run.side)
        mirrored = random.random(len(crops)) < 0.5
        noise = noise_for(random, len(crops), settings).to(run.device)
        pixels = torch.from_numpy(crops).to(run.device)
        yield step, cut_views(pixels, boxes, mirrored, settings.picture), noise


def _step(learning: _Learning, pictures: Tensor, noise: Tensor, rate: float) -> Tensor:
    """Take a step. Returns the loss before it."""
    optimiser = learning.optimiser
    for group in optimiser.param_groups:
        group["lr"] = rate
    with _autocast(learning.run):
        loss, _, _ = learning.network(pictures, noise)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


def _autocast(run: _Run) -> torch.autocast:
    return torch.autocast(run.device.type, torch.bfloat16, enabled=run.settings.precision == "bfloat16")


@torch.no_grad()
def _held_out_loss(run: _Run, network: Autoencoder) -> float | None:
    """The loss on whole crops, with the same patches hidden every time; None where nothing is held out."""
    if not len(run.measured):
        return None
    total = 0.0
    for pictures, noise in _held_out(run, run.measured):
        with _autocast(run):
            total += float(network(pictures, noise)[0]) * len(pictures)
    return total / len(run.measured)


def _held_out(run: _Run, rows: Rows) -> Generator[tuple[Tensor, Tensor]]:
    """Whole pictures and noise, a batch at a time."""
    settings = run.settings
    random = np.random.default_rng([HELD_OUT, settings.seed])
    parts = [rows[begin : begin + settings.batch] for begin in range(0, len(rows), settings.batch)]
    for (crops,) in map_ahead(run.crops.read, parts):
        pixels = torch.from_numpy(crops).to(run.device)
        boxes, mirrored = whole_boxes(len(crops), run.side), np.zeros(len(crops), bool)
        noise = noise_for(random, len(crops), settings).to(run.device)
        yield cut_views(pixels, boxes, mirrored, settings.picture), noise


def _finish(run: _Run, network: Autoencoder) -> None:
    """Write the results; the encoder comes last and marks the run as finished."""
    from safetensors.torch import load

    settings, folder = run.settings, run.folder
    write_file(folder / SHOWN, _shown(run, network.eval()))
    write_file(folder / CURVES, loss_figure(read_losses(folder / LOSSES)))
    files = transformers_files(network.network.cpu(), SIZES[settings.size].encoder.image_input, settings.picture)
    if not (folder / FOLDER).exists():
        write_folder(folder / FOLDER, files)
    tensors = load(files["model.safetensors"])
    write_published(folder / PUBLISHED, tensors)
    save_backbone(encoder_of(settings, tensors, run.crop), folder / ENCODER)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)


@torch.no_grad()
def _shown(run: _Run, network: Autoencoder) -> bytes:
    """Draw reconstructions of held-out crops, or of others where none is held out."""
    rows = run.split.held_out if len(run.split.held_out) else run.split.learned
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for pictures, noise in _held_out(run, _spread(rows, _PICTURES)):
        _, output, hidden = network(pictures, noise)
        parts.append((pictures, *fill_in(pictures, output, hidden, run.settings.patch)))
    return reconstructions(*(torch.cat(kind) for kind in zip(*parts, strict=True)))


def _spread(rows: Rows, count: int) -> Rows:
    """At most `count` rows, evenly spread."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        found = f"a loss of {loss} by step {step}"
        raise ProblemError(Problem("E22", found, "a finite loss", "lower base_rate, or take float32"))
    return loss


def _refuse_earlier_state(run: Path) -> None:
    """Refuse the state of an earlier abawbench, whole; remove the half-written ones that it left when it was killed."""
    path = run / _EARLIER_STATE
    if path.exists():
        found = "the unfinished state of an earlier abawbench"
        fix = "name a new folder, or remove this one, and start again"
        raise ProblemError(Problem("E20", found, f"a state in {CHECKPOINTS}/", fix, str(path)))
    for torn in run.glob(f".{_EARLIER_STATE}.*"):
        torn.unlink(missing_ok=True)


def _record(run: _Run) -> dict[str, Any]:
    """The content of run.json: everything that the weights depend on, and under `environment` facts that may differ."""
    return {
        "form": "mae/1",
        "settings": run.settings.to_json(),
        "data": {
            "sha256": digest_of(run.crops.clips),
            "units": len(run.crops.clips),
            "crops": len(run.crops),
            "side": run.side,
            "crop": run.crop,
            "held_out": list(run.split.units),
        },
        "device": run.device.type,
        "versions": {"abawbench": VERSION, **{name: version(name) for name in _LIBRARIES}},
        FREE: {"python": sys.version.split()[0], "threads": torch.get_num_threads()},
    }
