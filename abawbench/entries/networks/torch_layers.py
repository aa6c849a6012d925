"""Layers of torch modules, by name, as makers of features."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.entries.features import layer_card
from abawbench.entries.model import Card
from abawbench.entries.networks.frame_encoder import EncoderAlone, EncoderEntry, FrameEncoder

# pictures of the trial that shows the width; with two, rows and columns cannot be confused
TRIAL = 2


class _Tap(nn.Module):
    """A module that returns what one of its layers makes of pictures, shape (pictures, width).

    Args:
        module: the whole module, which is run.
        layer: path of the layer in it.
        name: name of the layer, for messages.
    """

    def __init__(self, module: nn.Module, layer: str, name: str) -> None:
        super().__init__()
        self.module, self.layer, self.name = module, layer, name

    def forward(self, pictures: Tensor) -> Tensor:
        made: list[object] = []

        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            made.append(output)

        handle = self.module.get_submodule(self.layer).register_forward_hook(keep)
        try:
            self.module(pictures)
        finally:
            handle.remove()
        tensors = [part for part in made if isinstance(part, Tensor) and part.ndim and part.is_floating_point()]
        if len(tensors) < len(made) or sum(map(len, tensors)) != len(pictures):
            shapes = [f"({', '.join(map(str, part.shape))})" for part in tensors]
            shapes += [type(part).__name__ for part in made if not isinstance(part, Tensor)]
            found = f"layer {self.name} makes {' and '.join(shapes) or 'nothing'} of {len(pictures)} pictures"
            raise ProblemError(Problem("E13", found, "one tensor with a row for each", "name another layer"))
        return torch.cat([part.flatten(1) for part in tensors])


def layers_of(module: nn.Module) -> tuple[str, ...]:
    """Names of all layers of a module, those inside of others too."""
    return tuple(name for name, _ in module.named_modules() if name)


def require_layer(module: nn.Module, layer: str, place: str, rule: str) -> None:
    """Check that a module has a layer. Raises: ProblemError of this rule, with the layers to choose from."""
    known = layers_of(module)
    if layer not in known:
        outer = [name for name, _ in module.named_children()]
        expected = f"one of {', '.join(outer)}, or a layer inside of them, as a.b"
        fix = did_you_mean(layer, known, "name one of these layers")
        raise ProblemError(Problem(rule, f"{place}: no layer {layer}", expected, fix))


def torch_layer(card: Card, encoder: FrameEncoder, prefix: str, layer: str) -> EncoderAlone:
    """Make the entry whose features are those of a layer; more than one axis behind that of the pictures is flattened.

    Args:
        card: card of the entry that the layer belongs to.
        encoder: its encoder, of one module.
        prefix: path, in that module, of the module whose layers are named.
        layer: name of the layer.

    Raises:
        ProblemError: E13, it makes no row of numbers for each picture.
    """
    (module,), (image_input,) = encoder.modules, encoder.image_inputs
    named = module.get_submodule(prefix)
    own = FrameEncoder((_Tap(module, f"{prefix}.{layer}", layer),), (image_input,))
    width = own.forward((torch.zeros(TRIAL, image_input.size, image_input.size, 3, dtype=torch.uint8),)).shape[1]
    kind, sha256 = type(named).__name__, _digest(named)
    about = layer_card(card, image_input, layer, f"layer {layer}", kind=kind, sha256=sha256, width=width)
    return EncoderAlone(about, own, width)


class LayeredEncoderEntry(EncoderEntry):
    """An entry around one torch module, whose layers make features too.

    Attributes:
        inside: path of that module in the one of the encoder.
    """

    inside: ClassVar[str]

    def layers(self) -> tuple[str, ...]:
        """Names of the layers of the module."""
        return layers_of(self.encoder.modules[0].get_submodule(self.inside))

    def layer(self, name: str) -> EncoderAlone:
        """The entry whose features are those of a layer.

        Raises:
            ProblemError: C02 there is no such layer, E13 it makes no row of numbers for each crop.
        """
        require_layer(self.encoder.modules[0].get_submodule(self.inside), name, self.card.name, "C02")
        return torch_layer(self.card, self.encoder, self.inside, name)


def _digest(module: nn.Module) -> str:
    """SHA-256 of all tensors of a module with their names."""
    state = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()
