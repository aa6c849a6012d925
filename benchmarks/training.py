"""Training against bare loops of torch on tensors in memory: temporal networks on features, a static one on crops."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from abawbench.challenges import get
from abawbench.clips.features import write_features
from abawbench.entries.outputs import head_widths
from abawbench.models import backbones, facebehaviornet
from abawbench.models.frameworks.networks import build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.training.sources import Source
from abawbench.training.train import train
from benchmarks.crops import write_crops

UNITS, WIDTH, EPOCHS = 48, 768, 3
HEADER = "image,valence,arousal,expression,aus"
ENTRY = """\
name = "2026_bench_training"
title = "a benchmark"
kind = "{kind}"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"
notes = ["random weights"]

[picture]
size = 112
colour = "RGB"
crop = "any"

[settings]
seed = 0
{settings}
[training]
epochs = {epochs}
batch = {batch}
"""


def labels(path: Path, rows: list[str], random: np.random.Generator) -> None:
    """Write random labels of rows in the layout of s-Aff-Wild2."""
    lines = [HEADER]
    for row in rows:
        valence, arousal = random.uniform(-1, 1, 2)
        units = ",".join(map(str, random.integers(0, 2, 12)))
        lines.append(f"{row},{valence:.3f},{arousal:.3f},{random.integers(0, 8)},{units}")
    path.write_text("\n".join(lines) + "\n")


def rate_of(folder: Path, entry: str, source: Source) -> float:
    """Frames per second of training alone, in the best of a few epochs."""
    place = folder / "2026_bench_training"
    place.mkdir()
    (place / "entry.toml").write_text(entry)
    train(place / "entry.toml", source, folder / "run")
    rows = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    return max(row["frames"] / row["seconds"] for row in rows)


def best_rate(epoch: Callable[[], int]) -> float:
    """Frames per second of a plain loop over one epoch, the best of a few."""
    rates: list[float] = []
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        frames = epoch()
        rates.append(frames / (time.perf_counter() - begin))
    return max(rates)


def usual_loss(outputs: dict[str, Tensor]) -> Tensor:
    """A loss that costs about as much as those of abawbench and needs no labels."""
    return sum(
        (nn.functional.mse_loss(output, torch.zeros_like(output)) for output in outputs.values()), torch.zeros(())
    )


def temporal(folder: Path, encoder: str) -> None:
    """Measure segments packed by length against whole videos with padding."""
    random = np.random.default_rng(0)
    lengths = random.integers(60, 1500, UNITS)
    rows: dict[str, list[str]] = {"training": [], "validation": []}
    for unit, length in enumerate(lengths.tolist()):
        feature = random.normal(size=(length, WIDTH)).astype(np.float16)
        write_features(folder / f"u{unit}.safetensors", np.arange(1, length + 1, dtype=np.int32), feature)
        split = "validation" if unit == 0 else "training"
        rows[split] += [f"u{unit}/{number:05d}.jpg" for number in range(1, length + 1)]
    for split, names in rows.items():
        labels(folder / f"{split}_set_annotations.txt", names, random)
    sizes = "width = 128\nlayers = 1\nattention_heads = 4\nfeed_forward = 256\nsegment = 64\ncarry_state = false\n"
    settings = (
        f'features = {WIDTH}\n[settings.temporal]\nencoder = "{encoder}"\n{sizes}[settings.heads]\nhidden = [128]\n'
    )
    ours = rate_of(
        folder,
        ENTRY.format(kind="network", settings=settings, epochs=EPOCHS, batch=512),
        Source((folder,), truth=folder),
    )
    spec = TemporalSettings(encoder, 128, 1, 4, 256, segment=64)  # pyright: ignore[reportArgumentType] - one of the kinds
    outputs = head_widths(get("abaw4-mtl").tasks)
    network = build_network(WIDTH, outputs, spec, FrameworkSettings(), HeadSettings(hidden=(128,)), seed=0)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    videos = [torch.randn(length, WIDTH) for length in lengths.tolist()]

    def epoch() -> int:
        for begin in range(0, UNITS, 8):
            batch = videos[begin : begin + 8]
            padded = nn.utils.rnn.pad_sequence(batch, batch_first=True)
            answers, _ = network(padded, torch.tensor([len(video) for video in batch]))
            optimiser.zero_grad()
            usual_loss(answers).backward()
            optimiser.step()
        return int(lengths.sum())

    plain = best_rate(epoch)
    print(f"{encoder:12s} {ours:10,.0f} frames/s; plain loop, videos padded {plain:10,.0f}; {ours / plain:.2f} times")


def end_to_end(folder: Path) -> None:
    """Measure training from files, with decoding and loss, against the bare step on tensors in memory."""
    paths = write_crops(folder / "cropped_aligned", 112, 4, 256)
    random = np.random.default_rng(0)
    names = [f"{path.parent.name}/{path.name}" for path in paths]
    labels(folder / "training_set_annotations.txt", [name for name in names if "unit0" not in name], random)
    labels(folder / "validation_set_annotations.txt", [name for name in names if "unit0" in name][:16], random)
    settings = '[settings.trunk]\nkind = "tiny_iresnet"\n'
    entry = ENTRY.format(kind="facebehaviornet", settings=settings, epochs=EPOCHS, batch=64)
    ours = rate_of(folder, entry, Source((folder,)))
    widths = {"valence_arousal": 2, "expression": 8, "action_units": 12}
    network = facebehaviornet.build(backbones.build("tiny_iresnet", seed=0), widths, seed=0).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    pictures = torch.randn(64, 3, 112, 112)

    def epoch() -> int:
        for _ in range(12):
            optimiser.zero_grad()
            usual_loss(network(pictures)).backward()
            optimiser.step()
        return 12 * 64

    bare = best_rate(epoch)
    print(f"{'end to end':12s} {ours:10,.0f} frames/s; the bare step {bare:10,.0f}; {bare / ours:.2f} times as long")


def main() -> None:
    """Measure temporal networks and a static one."""
    for encoder in ("gru", "transformer"):
        with tempfile.TemporaryDirectory() as name:
            temporal(Path(name), encoder)
    with tempfile.TemporaryDirectory() as name:
        end_to_end(Path(name))


if __name__ == "__main__":
    main()
