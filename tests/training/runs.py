"""Tiny data and entries to train, and trainings in processes of their own that may be killed."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors.numpy import load_file

from abawbench.clips.features import write_features

# what a training imports on its way would take longer than the training
PRELOADED = [
    "abawbench.training.train",
    "tests.training.runs",
    "kornia",
    "matplotlib.backends.backend_agg",
    "torch._dynamo",
    "transformers.modeling_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.models.vit.modeling_vit",
]
SIDE, WIDTH = 16, 6
HEADER = "image,valence,arousal,expression,aus\n"

HEAD = """\
name = "2026_test_net"
title = "a test"
kind = "{kind}"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"
"""
PICTURE = f'[picture]\nsize = {SIDE}\ncolour = "RGB"\ncrop = "arcface-112"\n'
# group norms, no running statistics: the same for any share of a batch
BACKBONE = '[[settings.backbones]]\nkind = "tiny_vit"\n'
GRU = '[settings.temporal]\nencoder = "gru"\nwidth = 8\nlayers = 1\nsegment = 5\ndropout = 0.2\n'
TRANSFORMER = (
    '[settings.temporal]\nencoder = "transformer"\nwidth = 8\nlayers = 1\nattention_heads = 2\nfeed_forward = 8\n'
    "segment = 5\n"
)
STATIC = '[settings.temporal]\nencoder = "none"\nwidth = 8\nlayers = 1\n'
HEADS = "[settings.heads]\nhidden = [8]\ndropout = 0.2\n"
LABEL_FEEDBACK = (
    '[settings.framework]\nkind = "feedback"\nprivate_layers = 1\nfeedback = {arousal = ["valence", "action_units"]}\n'
    'feedback_of = "labels"\nlabel_width = 4\n'
)
TRAINING = "[training]\nepochs = 3\nbatch = 16\n[training.optimiser]\nrate = 0.01\nema = 0.8\nclip = 1.0\n"

FEATURES = HEAD.format(kind="network") + f"[settings]\nfeatures = {WIDTH}\n"
CROPS = HEAD.format(kind="network") + PICTURE + BACKBONE
FACEBEHAVIOR = HEAD.format(kind="facebehaviornet") + PICTURE + '[settings.trunk]\nkind = "tiny_vit"\n'


def an_entry(folder: Path, text: str) -> Path:
    path = folder / "2026_test_net" / "entry.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def labels(units: Mapping[str, int], seed: int) -> str:
    """Rows of s-Aff-Wild2 in which every fourth row lacks valence, every fifth the expression, every third the AUs."""
    random = np.random.default_rng(seed)
    lines = [HEADER]
    for unit, frames in units.items():
        for frame in range(1, frames + 1):
            affect = ["-5", "-5"] if frame % 4 == 0 else [f"{value:.3f}" for value in random.uniform(-1, 1, 2)]
            expression = "-1" if frame % 5 == 0 else str(random.integers(8))
            units_on = ["-1"] * 12 if frame % 3 == 0 else [str(value) for value in random.integers(0, 2, 12)]
            lines.append(f"{unit}/{frame:05d}.jpg,{','.join([*affect, expression, *units_on])}\n")
    return "".join(lines)


TRAIN = {"a": 13, "b": 9, "c": 17, "d": 4}
VALIDATION = {"e": 8, "f": 11}


def write_labels(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "training_set_annotations.txt").write_text(labels(TRAIN, 1))
    (root / "validation_set_annotations.txt").write_text(labels(VALIDATION, 2))
    return root


def a_corpus(root: Path, missing: tuple[str, ...] = ()) -> Path:
    """Crops of noise, and their labels."""
    write_labels(root)
    random = np.random.default_rng(3)
    for unit, frames in {**TRAIN, **VALIDATION}.items():
        folder = root / "cropped_aligned" / unit
        folder.mkdir(parents=True)
        for frame in range(1, frames + 1):
            if f"{unit}/{frame}" not in missing:
                crop = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
                cv2.imwrite(str(folder / f"{frame:05d}.jpg"), crop)
    return root


def some_features(folder: Path, width: int = WIDTH, seed: int = 4) -> Path:
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for unit, frames in {**TRAIN, **VALIDATION}.items():
        number = np.arange(1, frames + 1)
        valid = number != 7
        write_features(folder / f"{unit}.safetensors", number, random.normal(size=(frames, width)), valid)
    return folder


def weights_of(run: Path) -> dict[str, Any]:
    """Every tensor of the trained entries of a run, and those of its last checkpoint."""
    files = [*run.glob("*.safetensors"), *run.glob("checkpoints/*/*.safetensors"), *run.glob("checkpoints/last-*")]
    return {
        f"{'last' if path.stem.startswith('last-') else path.relative_to(run)}:{name}": tensor
        for path in files
        for name, tensor in load_file(path).items()
    }


def train_quietly(begun: Any, entry: Path, data: Path, truth: Path | None, out: Path, changes: dict[str, Any]) -> None:
    import torch

    from abawbench.training.settings import TrainOptions
    from abawbench.training.sources import Source
    from abawbench.training.train import train

    torch.set_num_threads(1)
    begun.set()
    train(entry, Source((data,), truth), out, changes, TrainOptions(threads=2, save_steps=1))


def in_a_process(*arguments: Any) -> Any:
    """`train_quietly` in a process that has begun to train."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    begun = context.Event()
    process = context.Process(target=train_quietly, args=(begun, *arguments))
    process.start()
    assert begun.wait(60)
    return process


def in_processes(count: int, *arguments: Any) -> None:
    """`train_quietly` in several processes that learn together, to its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [context.Process(target=_member, args=(rank, count, port, *arguments)) for rank in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count


def _member(rank: int, count: int, port: int, *arguments: Any) -> None:
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(count)}
    os.environ.update(place)
    train_quietly(multiprocessing.Event(), *arguments)
