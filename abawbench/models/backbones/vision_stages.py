"""The stages of transformers' vision networks, for the model types whose parts are known here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError

# stages that a row of equal layers is divided into
MOST_STAGES = 4
# networks and configurations of transformers, whose classes are made at run time
Network = Any


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a network of transformers.

    Attributes:
        begin: maps of pictures, with the arguments of each call of the network.
        stages: stages of the network, for pictures of a size.
        channels: number of channels after each stage.
        finish: the last hidden layer, and its own pooling where it has one, of the maps after the last stage.
        has_tokens: True where the maps are tokens in a row.
    """

    begin: Callable[[Network, Tensor, Mapping[str, Any]], Tensor]
    stages: Callable[[Network, Tensor], Sequence[nn.Module]]
    channels: Callable[[Any], Sequence[int]]
    finish: Callable[[Network, Tensor], tuple[Tensor, Tensor | None]]
    has_tokens: bool


def parts_of(network: Network) -> Parts:
    """The parts of a network. Raises: ProblemError E17, they are not known for networks of this type."""
    kind = network.config.model_type
    if kind not in PARTS:
        found, expected = f"the stages of a {kind}", f"a network of type {', '.join(PARTS)}"
        raise ProblemError(Problem("E17", found, expected, "name another kind of backbone"))
    return PARTS[kind]


class _Layers(nn.Module):
    """Layers over tokens, as a stage from maps to maps."""

    def __init__(self, layers: Sequence[nn.Module], more: Mapping[str, Any]) -> None:
        super().__init__()
        self.layers, self._more = nn.ModuleList(layers), more

    def forward(self, maps: Tensor) -> Tensor:
        tokens = _tokens(maps)
        for layer in self.layers:
            tokens = layer(tokens, **self._more)
        return _row(tokens)


class _SwinStage(nn.Module):
    """A stage of a Swin, which needs to know the grid of its tokens, from maps to maps."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[2:]
        tokens = self.stage(_tokens(maps), (height, width))[0]
        if cast(Any, self.stage).downsample is not None:
            height, width = (height + 1) // 2, (width + 1) // 2
        return tokens.transpose(1, 2).unflatten(2, (height, width))


def _tokens(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2)


def _row(tokens: Tensor) -> Tensor:
    return tokens.transpose(1, 2).unsqueeze(3)


def _divided(layers: Sequence[nn.Module], more: Mapping[str, Any]) -> list[nn.Module]:
    count = min(MOST_STAGES, len(layers))
    ends = [len(layers) * stage // count for stage in range(count + 1)]
    return [_Layers(layers[begin:end], more) for begin, end in itertools.pairwise(ends)]


def _begin_row(network: Network, pictures: Tensor, options: Mapping[str, Any]) -> Tensor:
    return _row(network.embeddings(pictures, **options))


def _begin_swin(network: Network, pictures: Tensor, options: Mapping[str, Any]) -> Tensor:
    tokens, grid = network.embeddings(pictures, **options)
    return tokens.transpose(1, 2).unflatten(2, grid)


def _finish_swin(network: Network, maps: Tensor) -> tuple[Tensor, Tensor | None]:
    hidden = network.layernorm(_tokens(maps))
    return hidden, None if network.pooler is None else network.pooler(hidden.transpose(1, 2))


def _row_channels(config: Any) -> list[int]:
    return [config.hidden_size] * min(MOST_STAGES, config.num_hidden_layers)


def _swin_channels(config: Any) -> list[int]:
    last = len(config.depths) - 1
    return [config.embed_dim * 2 ** min(stage + 1, last) for stage in range(last + 1)]


PARTS: dict[str, Parts] = {
    "vit": Parts(
        begin=_begin_row,
        stages=lambda network, _: _divided(network.layers, {}),
        channels=_row_channels,
        finish=lambda network, maps: (network.layernorm(_tokens(maps)), None),
        has_tokens=True,
    ),
    "dinov2": Parts(
        begin=_begin_row,
        stages=lambda network, _: _divided(network.encoder.layer, {}),
        channels=_row_channels,
        finish=lambda network, maps: (network.layernorm(_tokens(maps)), None),
        has_tokens=True,
    ),
    "dinov3_vit": Parts(
        begin=_begin_row,
        # in training the positions are drawn anew for each pass, and all layers share them
        stages=lambda network, picture: _divided(
            network.model.layer, {"position_embeddings": network.rope_embeddings(picture)}
        ),
        channels=_row_channels,
        finish=lambda network, maps: (network.norm(_tokens(maps)), None),
        has_tokens=True,
    ),
    "swin": Parts(
        begin=_begin_swin,
        stages=lambda network, _: [_SwinStage(stage) for stage in network.encoder.layers],
        channels=_swin_channels,
        finish=_finish_swin,
        has_tokens=False,
    ),
    "resnet": Parts(
        begin=lambda network, pictures, _: network.embedder(pictures),
        stages=lambda network, _: list(network.encoder.stages),
        channels=lambda config: config.hidden_sizes,
        finish=lambda network, maps: (maps, network.pooler(maps)),
        has_tokens=False,
    ),
    "convnextv2": Parts(
        begin=lambda network, pictures, _: network.embeddings(pictures),
        stages=lambda network, _: list(network.encoder.stages),
        channels=lambda config: config.hidden_sizes[: config.num_stages],
        finish=lambda network, maps: (maps, network.layernorm(maps.mean((2, 3)))),
        has_tokens=False,
    ),
}


def picture_like(network: Network, channels: int, size: int) -> Tensor:
    """An empty picture on the device and in the precision of a network."""
    first = next(network.parameters())
    return torch.empty((1, channels, size, size), device=first.device, dtype=first.dtype)
