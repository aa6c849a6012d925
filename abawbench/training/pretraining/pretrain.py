"""Masked-autoencoder pre-training: an encoder learns to see faces by filling in what is hidden of them."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from abawbench.base.files import write_file, write_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.version import VERSION
from abawbench.models.checkpoints import save_backbone
from abawbench.table import Rows
from abawbench.training.pretraining.autoencoder import (
    Autoencoder,
    autoencoder,
    encoder_of,
    optimiser_of,
    random_boxes,
    views,
    whole,
)
from abawbench.training.pretraining.crops import HELD_OUT, STEP, Crops, Split, batches, crops_of, in_memory, split
from abawbench.training.pretraining.figures import filled_in, loss_figure, reconstructions
from abawbench.training.pretraining.run_folder import (
    Epoch,
    State,
    claim,
    load_state,
    on_disk,
    read_losses,
    save_state,
    write_losses,
    write_published,
)
from abawbench.training.pretraining.settings import SIZES, MaskedSettings, rate_at

ENCODER, PUBLISHED, FOLDER = "encoder.safetensors", "mae_pretrain.pth", "huggingface"
LOSSES, CURVES, SHOWN = "loss.csv", "loss.png", "reconstructions.png"
MEMORY = 4 << 30
PAUSE_S = 60.0
# held-out crops that the loss is taken on, evenly spread, and those that are shown
_MEASURED, _PICTURES = 1024, 8
_STATE = "state.safetensors"
_LIBRARIES = ("numpy", "opencv-python-headless", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pre-training is.

    Attributes:
        epochs: done, and in all.
        pictures: seen since this start, and to be seen in all from there.
        seconds: since this start, reading of the crops left out.
        last: the epoch that has just ended; None within an epoch.
    """

    epochs: tuple[int, int]
    pictures: tuple[int, int]
    seconds: float
    last: Epoch | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a pre-training came to.

    Attributes:
        encoder: the file of the encoder.
        learned: crops that were learned from.
        held_out: crops that were not.
        units: names of the units held out.
        epochs: losses by epoch.
        seconds: that this start took.
        is_kept: True where the run was at its end before.
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
    settings: MaskedSettings
    crops: Crops
    split: Split
    device: torch.device
    folder: Path

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.split.learned) // self.settings.batch)

    @property
    def measured(self) -> Rows:
        """Held-out crops that the loss is taken on."""
        return _spread(self.split.held_out, _MEASURED)


def pretrain(
    data: Path,
    run: Path,
    settings: MaskedSettings,
    *,
    device: str = "cpu",
    memory: int = MEMORY,
    pause_s: float = PAUSE_S,
    report: Callable[[Progress], None] | None = None,
) -> Summary:
    """Train a masked autoencoder on crops, and write its encoder, losses and pictures into a folder.

    A run that was killed goes on where it was; on the CPU it ends with the bits of one that was not. One that is at its
    end is left as it is.

    Args:
        data: crops, as `crops_of` reads them.
        run: folder of the run, new or of the same run.
        settings: of the pre-training.
        device: as torch names it.
        memory: bytes that decoded crops may take; where they take more, they are read again in every epoch.
        pause_s: least seconds between two states that the run could go on from.
        report: is told how far it is, after every step.

    Raises:
        ProblemError: F01 D30 D31 E06 E19 of the crops, E20 the folder holds another run, E22 the loss is not finite.
    """
    began = time.monotonic()
    crops = crops_of(data)
    parts = split(crops, settings.held_out, settings.seed)
    claim(run, _record(settings, crops, parts, device))
    is_kept = (run / ENCODER).exists()
    if not is_kept:
        for torn in run.glob(f".{_STATE}.*"):
            torn.unlink(missing_ok=True)
        training = _Run(settings, in_memory(crops, memory), parts, torch.device(device), run)
        network = _train(training, pause_s, report or (lambda _: None))
        _finish(training, network)
    seconds = time.monotonic() - began
    counts = len(parts.learned), len(parts.held_out)
    return Summary(run / ENCODER, *counts, parts.units, read_losses(run / LOSSES), seconds, is_kept)


def noise_for(random: np.random.Generator, count: int, settings: MaskedSettings) -> Tensor:
    """Numbers that say which patches are seen, shape (count, patches)."""
    return torch.from_numpy(random.random((count, settings.patches), np.float32))


def _train(run: _Run, pause_s: float, report: Callable[[Progress], None]) -> Autoencoder:
    """The network after its last step."""
    settings = run.settings
    network = autoencoder(settings).to(run.device).train()
    optimiser = optimiser_of(network, run.device)
    state = load_state(run.folder / _STATE, network, optimiser)
    total = torch.tensor(state.total, dtype=torch.float64, device=run.device)
    epochs, first = list(state.epochs), state.step
    last = run.steps * settings.epochs
    began = saved = time.monotonic()
    for step, pictures, noise in _steps(run, first):
        rate = rate_at(settings, step, run.steps)
        total += _step(network, optimiser, pictures, noise, rate, settings).double()
        done = step + 1
        is_end = done % run.steps == 0
        if is_end:
            mean = _finite(total.item() / run.steps, done)
            epochs.append(Epoch(done // run.steps, done, rate, mean, _held_out_loss(run, network)))
            write_losses(run.folder / LOSSES, tuple(epochs))
            total.zero_()
        now = time.monotonic()
        if done == last or now - saved >= pause_s:
            state = State(done, _finite(total.item(), done), tuple(epochs))
            save_state(run.folder / _STATE, network, optimiser, state)
            saved = now
        seen = (done - first) * len(pictures), (last - first) * len(pictures)
        report(Progress((len(epochs), settings.epochs), seen, now - began, epochs[-1] if is_end else None))
    return network


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

    for step, crops in zip(numbers, run.crops.ahead(rows()), strict=True):
        random = np.random.default_rng([STEP, settings.seed, *divmod(step, run.steps)])
        boxes = random_boxes(random, len(crops), run.crops.side)
        mirrored = random.random(len(crops)) < 0.5
        noise = noise_for(random, len(crops), settings).to(run.device)
        pixels = torch.from_numpy(crops).to(run.device)
        yield step, views(pixels, boxes, mirrored, settings.picture), noise


def _step(
    network: Autoencoder,
    optimiser: torch.optim.Optimizer,
    pictures: Tensor,
    noise: Tensor,
    rate: float,
    settings: MaskedSettings,
) -> Tensor:
    """The loss before the step."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    with _products(settings, pictures.device):
        loss, _, _ = network(pictures, noise)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


def _products(settings: MaskedSettings, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16")


@torch.no_grad()
def _held_out_loss(run: _Run, network: Autoencoder) -> float | None:
    """On whole crops, with the same patches hidden every time."""
    if not len(run.measured):
        return None
    total = 0.0
    for pictures, noise in _held_out(run, run.measured):
        with _products(run.settings, run.device):
            total += float(network(pictures, noise)[0]) * len(pictures)
    return total / len(run.measured)


def _held_out(run: _Run, rows: Rows) -> Generator[tuple[Tensor, Tensor]]:
    settings = run.settings
    random = np.random.default_rng([HELD_OUT, settings.seed])
    parts = [rows[begin : begin + settings.batch] for begin in range(0, len(rows), settings.batch)]
    for crops in run.crops.ahead(parts):
        pixels = torch.from_numpy(crops).to(run.device)
        boxes, mirrored = whole(len(crops), run.crops.side), np.zeros(len(crops), bool)
        noise = noise_for(random, len(crops), settings).to(run.device)
        yield views(pixels, boxes, mirrored, settings.picture), noise


def _finish(run: _Run, network: Autoencoder) -> None:
    """Write what the run is for; the encoder last, for it says that the run is at its end."""
    from safetensors.torch import load

    settings, folder = run.settings, run.folder
    write_file(folder / SHOWN, _shown(run, network.eval()))
    write_file(folder / CURVES, loss_figure(read_losses(folder / LOSSES)))
    files = on_disk(network.network.cpu(), SIZES[settings.size].encoder.image_input, settings.picture)
    if not (folder / FOLDER).exists():
        write_folder(folder / FOLDER, files)
    tensors = load(files["model.safetensors"])
    write_published(folder / PUBLISHED, tensors)
    save_backbone(encoder_of(settings, tensors), folder / ENCODER)
    (folder / _STATE).unlink(missing_ok=True)


@torch.no_grad()
def _shown(run: _Run, network: Autoencoder) -> bytes:
    """Of held-out crops, or of others where none is held out."""
    rows = run.split.held_out if len(run.split.held_out) else run.split.learned
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for pictures, noise in _held_out(run, _spread(rows, _PICTURES)):
        _, said, hidden = network(pictures, noise)
        parts.append((pictures, *filled_in(pictures, said, hidden, run.settings.patch)))
    return reconstructions(*(torch.cat(kind) for kind in zip(*parts, strict=True)))


def _spread(rows: Rows, count: int) -> Rows:
    """At most so many rows, evenly spread."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        found = f"a loss of {loss} by step {step}"
        raise ProblemError(Problem("E22", found, "a finite loss", "lower base_rate, or take float32"))
    return loss


def _record(settings: MaskedSettings, crops: Crops, parts: Split, device: str) -> dict[str, Any]:
    """What the weights depend on; where it ran stands under `environment`."""
    return {
        "form": "mae/1",
        "settings": settings.to_json(),
        "data": {
            "sha256": crops.digest(),
            "units": len(crops.clips),
            "crops": len(crops),
            "side": crops.side,
            "held_out": list(parts.units),
        },
        "device": torch.device(device).type,
        "versions": {"abawbench": VERSION, **{name: version(name) for name in _LIBRARIES}},
        "environment": {"python": sys.version.split()[0], "threads": torch.get_num_threads()},
    }
