"""Backbones over JPEG crops on disk: the forward pass of `predict` against plain loops of torch and PIL."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from abawbench.challenges import get
from abawbench.clips.clip import Clip, clips_of_units
from abawbench.entries import Card, ImageInput
from abawbench.entries.contract import encode_clip
from abawbench.entries.model import DeviceEntry, FrameFeatures
from abawbench.entries.networks.frame_encoder import BackboneSettings
from abawbench.entries.networks.network import NetworkSettings, create
from abawbench.inference.forward import BatchOptions, encode_clips
from abawbench.inference.precision import ANSWERS, PERIOD, Comparer, decide_precision, has_bfloat16
from abawbench.inference.run import BATCH
from abawbench.models import backbones
from benchmarks.crops import write_crops
from benchmarks.timing import functions, report

UNITS = 4
# by backbone: size of a crop in pixels, and frames of a unit
KINDS = {"mae_vit_b": (224, 40), "iresnet50": (112, 48)}
RUNS = 3
# watched frames of a unit of ten seconds
WATCHED = 2
# multiplications and additions of one picture of 224 x 224 in ViT-B/16: projections, hidden layers, attention, patches
VIT_B_OPERATIONS = 2 * (12 * (4 * 197 * 768**2 + 2 * 197 * 768 * 3072 + 2 * 197**2 * 768) + 196 * 768 * 768)


def entry_of(kind: str, side: int) -> DeviceEntry:
    """An entry with this backbone and random weights."""
    card = Card("2026_bench_forward", "a benchmark", (), ImageInput(side, "RGB"))
    return create(card, get("abaw4-mtl").tasks, NetworkSettings(backbones=(BackboneSettings(kind=kind),), seed=0))


def ours(entry: DeviceEntry, folder: Path, side: int, batch: int = BATCH) -> FrameFeatures:
    """The features that the entry gives for every crop of the folder."""
    parts = [features for _, features in encode_clips(entry, clips_of_units(folder), BatchOptions(side, batch))]
    return np.concatenate([part for part in parts if isinstance(part, np.ndarray)])


def plain(module: nn.Module, paths: list[Path], image_input: ImageInput, batch: int) -> FrameFeatures:
    """The features as the loop of a notebook computes them: PIL, NumPy, one float32 forward pass after another."""
    from PIL import Image

    mean, std = np.array(image_input.mean, np.float32), np.array(image_input.std, np.float32)
    parts: list[FrameFeatures] = []
    with torch.inference_mode():
        for begin in range(0, len(paths), batch):
            pictures: list[Any] = []
            for path in paths[begin : begin + batch]:
                picture = (
                    Image.open(path)
                    .convert("RGB")
                    .resize((image_input.size, image_input.size), Image.Resampling.BILINEAR)
                )
                pictures.append(((np.asarray(picture, np.float32) / 255 - mean) / std).transpose(2, 0, 1))
            parts.append(module(torch.from_numpy(np.stack(pictures))).numpy())
    return np.concatenate(parts)


def concordance(first: FrameFeatures, second: FrameFeatures) -> float:
    """Concordance of two sets of features, averaged over the features."""
    one, other = first.astype(np.float64), second.astype(np.float64)
    spread = one.var(0) + other.var(0) + (one.mean(0) - other.mean(0)) ** 2
    return float((2 * ((one - one.mean(0)) * (other - other.mean(0))).mean(0) / spread).mean())


def describe_guard(exact: DeviceEntry, entry: DeviceEntry, clips: Sequence[Clip], a_frame: float) -> str:
    """What the comparisons with float32 cost, by processor time; `a_frame` is the time of a frame in bfloat16."""
    comparer, features, rows = Comparer(exact, entry, ANSWERS, BATCH), encode_clip(entry, clips[0]), np.arange(WATCHED)
    watch = functions({"watch": lambda: comparer.compare(clips[0], rows, features)}, runs=9)["watch"].processor
    choose = partial(decide_precision, exact, "cpu", "auto", clips, BATCH, measure=ANSWERS)
    decide = functions({"decide": choose}, runs=1)["decide"].processor
    share, frames = watch / WATCHED / PERIOD / a_frame, decide / a_frame
    return f"watching one frame in {PERIOD}: {share:.1%} more time; deciding: the time of {frames:.0f} frames"


def product_rate(rows: int) -> float:
    """Operations per second of bfloat16 matrix products with the shapes of ViT-B, the best of several runs."""
    first, second = torch.randn(rows, 768).bfloat16(), torch.randn(3072, 768).bfloat16()
    best = 0.0
    with torch.inference_mode():
        for _ in range(12):
            begin = time.perf_counter()
            torch.nn.functional.linear(first, second)
            best = max(best, 2 * rows * 768 * 3072 / (time.perf_counter() - begin))
    return best


def compare(kind: str) -> None:
    """Measure one backbone in all ways."""
    side, frames = KINDS[kind]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_crops(folder, side, UNITS, frames)
        exact = entry_of(kind, side)
        precision = "bfloat16" if has_bfloat16("cpu") else "float32"
        entry = exact.at("cpu", precision)
        module = backbones.build(kind, seed=0)
        image_input = module.card.image_input
        title = f"predict, {precision}, batches of {BATCH}"
        calls: dict[str, Callable[[], object]] = {
            title: lambda: ours(entry, folder, side),
            "predict, float32": lambda: ours(exact, folder, side),
            "plain float32 loop, a picture at a time": lambda: plain(module, paths, image_input, 1),
            f"plain float32 loop, batches of {BATCH}": lambda: plain(module, paths, image_input, BATCH),
        }
        costs = functions(calls, runs=RUNS)
        report(f"{kind}, {len(paths)} JPEG crops of {side} x {side}", costs, title)
        rate = len(paths) / costs[title].seconds
        likeness = concordance(ours(exact, folder, side), ours(entry, folder, side))
        print(f"  {rate:.1f} frames/s; concordance of features with float32 {likeness:.5f}")
        if precision == "bfloat16":
            print(f"  {describe_guard(exact, entry, clips_of_units(folder), costs[title].processor / len(paths))}")
        if kind == "mae_vit_b":
            product, ourselves = product_rate(BATCH * 197) / 1e9, rate * VIT_B_OPERATIONS / 1e9
            print(f"  {ourselves:.0f} GFLOP/s of {product:.0f} in bfloat16 products: {ourselves / product:.2f}")


def main(kinds: Sequence[str] = ()) -> None:
    """Measure these backbones, or all of them."""
    for kind in kinds or KINDS:
        compare(kind)


if __name__ == "__main__":
    main(sys.argv[1:])
