"""Files of a pre-training: what it can go on from, and the weights it ends with in the layouts of the field."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from abawbench.base.files import write_file, write_text
from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.vision import quiet
from abawbench.models.image_input import ImageInput

_KEY = "abawbench"
_BLOCK = re.compile(r"(vit\.encoder\.layer|decoder\.decoder_\w+?(?:\.layer)?)\.(\d+)\.(.+)\.(weight|bias)")
_THIRDS = ("query", "key", "value")
_ATTENTION = "attention.attention."
# transformers on disk -> facebookresearch/mae
_IN_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}
_OUTSIDE = {
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "layernorm.weight": "norm.weight",
    "layernorm.bias": "norm.bias",
}


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        epoch: from 1.
        step: steps made by its end.
        rate: learning rate of its last step.
        loss: mean over its steps.
        held_out: loss on crops that nothing is learned from; None where there are none.
    """

    epoch: int
    step: int
    rate: float
    loss: float
    held_out: float | None


@dataclass(frozen=True, slots=True)
class State:
    """How far a pre-training is.

    Attributes:
        step: steps made.
        total: sum of the losses of the steps of an epoch that is not at its end.
        epochs: that are at their end.
    """

    step: int = 0
    total: float = 0.0
    epochs: tuple[Epoch, ...] = ()


def save_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, state: State) -> None:
    """Weights, moments and progress in one safetensors file, which appears whole or not at all.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    for name, value in network.named_parameters():
        tensors[f"network.{name}"] = value
        for kind, moment in optimiser.state.get(value, {}).items():
            tensors[f"{kind}.{name}"] = moment
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_file(path, save(whole, {_KEY: json.dumps(asdict(state))}))


def load_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> State:
    """Put the content of a file of `save_state` into network and optimiser; a state of no step where there is none.

    Raises:
        ProblemError: E04, it is something else.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return State()
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            said = json.loads(file.metadata()[_KEY])
        moments: dict[str, dict[str, Tensor]] = {}
        with torch.no_grad():
            for name, value in network.named_parameters():
                value.copy_(tensors.pop(f"network.{name}"))
        for name, tensor in tensors.items():
            kind, _, parameter = name.partition(".")
            moments.setdefault(parameter, {})[kind] = tensor
        epochs = tuple(Epoch(**epoch) for epoch in said["epochs"])
        state = State(said["step"], said["total"], epochs)
        _put(network, optimiser, moments)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        found = f"a file that does not read as one ({type(error).__name__})"
        fix = "remove it, and begin anew"
        raise ProblemError(Problem("E04", found, "a state of this pre-training", fix, str(path))) from error
    return state


def on_disk(network: Any, image_input: ImageInput, picture: int) -> dict[str, bytes]:
    """Files of a folder of transformers: weights and configuration of an autoencoder, and what pictures it takes."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        network.save_pretrained(folder, max_shard_size="1000GB")
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    size = {"height": picture, "width": picture}
    preprocessing = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": size,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(image_input.mean),
        "image_std": list(image_input.std),
    }
    return {**files, "preprocessor_config.json": json.dumps(preprocessing, indent=2).encode()}


def published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of an autoencoder, by the names that transformers writes, by those of facebookresearch/mae."""
    result: dict[str, Tensor] = {}
    # safetensors gives them in no order
    for name, tensor in sorted(tensors.items()):
        if not (match := _BLOCK.fullmatch(name)):
            bare = name.removeprefix("vit.").removeprefix("decoder.")
            result[_OUTSIDE.get(bare, bare)] = tensor
            continue
        room, block, part, kind = match.groups()
        stem = f"{'blocks' if room.startswith('vit.') else 'decoder_blocks'}.{block}"
        if part in _IN_BLOCK:
            result[f"{stem}.{_IN_BLOCK[part]}.{kind}"] = tensor
        elif part == f"{_ATTENTION}{_THIRDS[0]}":
            prefix = name.removesuffix(f"{_THIRDS[0]}.{kind}")
            result[f"{stem}.attn.qkv.{kind}"] = torch.cat([tensors[f"{prefix}{third}.{kind}"] for third in _THIRDS])
    return result


def write_published(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A file as facebookresearch/mae saves it: the tensors under `model`. Raises: ProblemError F01."""
    whole = io.BytesIO()
    torch.save({"model": dict(published(tensors))}, whole)
    write_file(path, whole.getvalue())


def write_losses(path: Path, epochs: tuple[Epoch, ...]) -> None:
    """A row for each epoch. Raises: ProblemError F01."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", "step", "rate", "loss", "held_out"])
    for epoch in epochs:
        held_out = "" if epoch.held_out is None else f"{epoch.held_out:.6f}"
        table.writerow([epoch.epoch, epoch.step, f"{epoch.rate:.4g}", f"{epoch.loss:.6f}", held_out])
    write_file(path, text.getvalue().encode())


def read_losses(path: Path) -> tuple[Epoch, ...]:
    """What `write_losses` wrote; nothing where there is no such file."""
    if not path.exists():
        return ()
    with path.open(newline="") as file:
        return tuple(
            Epoch(int(row["epoch"]), int(row["step"]), float(row["rate"]), float(row["loss"]), _number(row["held_out"]))
            for row in csv.DictReader(file)
        )


def claim(run: Path, record: Mapping[str, Any]) -> None:
    """Make the folder of a run, or see that the one there is of the same.

    Args:
        run: the folder.
        record: settings, data and versions, as JSON takes them; what stands under `environment` may differ.

    Raises:
        ProblemError: E20 it holds something else, F01 it cannot be written.
    """
    place = run / "run.json"
    if not place.exists():
        if run.exists() and not (run.is_dir() and not any(run.iterdir())):
            raise ProblemError(
                Problem("E20", "no pre-training, but other files", "a new folder", "name another", str(run))
            )
        write_text(place, json.dumps(record, indent=2) + "\n")
        return
    try:
        before = _flat(json.loads(place.read_bytes()))
    except (OSError, ValueError, AttributeError) as error:
        fix = "name another folder"
        raise ProblemError(Problem("E20", "a run.json that does not read", "one of mae", fix, str(place))) from error
    now = _flat(json.loads(json.dumps(record)))
    problems = [
        Problem(
            "E20",
            f"{name} = {json.dumps(before.get(name))}",
            json.dumps(now.get(name)),
            "name another folder, or repeat what was said before",
            str(place),
        )
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if problems:
        raise ProblemError(*problems)


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and not (name == "environment" and not prefix):
            flat |= _flat(value, f"{prefix}{name}.")
        elif prefix or name != "environment":
            flat[f"{prefix}{name}"] = value
    return flat


def _put(network: nn.Module, optimiser: torch.optim.Optimizer, moments: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Moments of the parameters of these names; the optimiser itself counts parameters through its groups."""
    names = {value: name for name, value in network.named_parameters()}
    saved = optimiser.state_dict()
    places = [value for group in optimiser.param_groups for value in group["params"]]
    saved["state"] = {
        place: dict(moments[names[value]]) for place, value in enumerate(places) if names[value] in moments
    }
    optimiser.load_state_dict(saved)


def _number(text: str) -> float | None:
    return float(text) if text else None
