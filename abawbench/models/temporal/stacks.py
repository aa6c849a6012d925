"""Builds encoders from settings: the stack that all outputs share, and the private stack of one output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from abawbench.base.problems import ProblemError, near_names
from abawbench.models.temporal.encoders import Encoder, FrameMLP, IdentityEncoder, Recurrent, TemporalConvolutions
from abawbench.models.temporal.settings import TemporalSettings, network_problem
from abawbench.models.temporal.transformers import Transformer, TransformerLayer, WindowedTransformer

# deviation of fresh weights (source: aim3_mtl section 4)
DEVIATION = 0.02
# width of a head in the private layers of the release, whatever its options say
# (source: AIM3-RUC/ABAW4:models/mtl_transformer_model.py)
COMPAT_HEAD_WIDTH = 64


@dataclass(frozen=True, slots=True)
class StackSpec:
    """The specification of a stack of layers in a network.

    Attributes:
        width_in: width of the vectors that enter it.
        settings: temporal settings of the network.
        layers: number of layers, 1 or more.
        is_shared: True for the stack under all outputs, False for the private stack of one output.
        has_positions: True where a stack below has added positions to the vectors.
    """

    width_in: int
    settings: TemporalSettings
    layers: int
    is_shared: bool
    has_positions: bool


def shared_stack(width_in: int, settings: TemporalSettings, layers: int) -> Encoder:
    """The stack under all outputs; without a layer it passes the features on (source: aim3_mtl section 5).

    Raises:
        ProblemError: E17, an encoder that is not known.
    """
    return _stack(StackSpec(width_in, settings, layers, is_shared=True, has_positions=False))


def private_stack(width_in: int, settings: TemporalSettings, layers: int, *, above_shared: bool) -> Encoder:
    """The stack of one output; without a layer it passes the vectors on.

    Transformers are as wide as their input and have heads of the usual width. Those of `compat` have a head for every
    64 numbers, and are plain transformers above a windowed one too. Recurrent and convolutional stacks are of the same
    kind as the shared one, and of the usual width; for `none` the head alone is private: assumed(choice).

    Args:
        width_in: width of the shared vectors and the feedback together.
        settings: temporal settings of the network.
        layers: number of layers.
        above_shared: whether a shared stack stands below, which in `fixed` has added the positions (F12).

    Raises:
        ProblemError: E17, an encoder that is not known; `compat`, and a width with which the release stops.
    """
    has_positions = above_shared and settings.mode == "fixed"
    return _stack(StackSpec(width_in, settings, layers, is_shared=False, has_positions=has_positions))


def _stack(spec: StackSpec) -> Encoder:
    name = spec.settings.encoder
    build = ENCODERS.get(name)
    if build is None:
        raise ProblemError(network_problem(f"encoder = {name!r}", near_names(name, ENCODERS)))
    return build(spec) if spec.layers >= 1 else IdentityEncoder(spec.width_in)


def _frame_wise(spec: StackSpec) -> Encoder:
    if not spec.is_shared:
        return IdentityEncoder(spec.width_in)
    return FrameMLP(spec.width_in, spec.settings.width, spec.layers, spec.settings.dropout)


def _recurrent(spec: StackSpec) -> Encoder:
    return Recurrent(spec.width_in, spec.settings, spec.layers)


def _convolutions(spec: StackSpec) -> Encoder:
    return TemporalConvolutions(spec.width_in, spec.settings, spec.layers)


def _transformer(spec: StackSpec) -> Encoder:
    width, heads = _attention(spec)
    return Transformer(
        spec.width_in,
        width,
        heads,
        spec.settings,
        spec.layers,
        projects=spec.is_shared,
        adds_positions=not spec.has_positions,
    )


def _windowed_transformer(spec: StackSpec) -> Encoder:
    if _is_private_of_release(spec):
        return _transformer(spec)
    width, heads = _attention(spec)
    return WindowedTransformer(spec.width_in, width, heads, spec.settings, spec.layers, projects=spec.is_shared)


# name in the settings -> what builds a stack of that kind
ENCODERS: Mapping[str, Callable[[StackSpec], Encoder]] = MappingProxyType(
    {
        "none": _frame_wise,
        "lstm": _recurrent,
        "bilstm": _recurrent,
        "gru": _recurrent,
        "transformer": _transformer,
        "windowed_transformer": _windowed_transformer,
        "tcn": _convolutions,
    }
)


def initialise(network: nn.Module) -> None:
    """Fresh weights as in the release: N(0, 0.02), zero biases; attention inputs Xavier; recurrent layers as torch's.

    Source: aim3_mtl section 4.
    """
    # apply goes from the leaves up, so that a transformer layer has the last word on its linear layers
    network.apply(_initialise_one)


def _initialise_one(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv1d):
        nn.init.normal_(module.weight, std=DEVIATION)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, TransformerLayer):
        nn.init.xavier_uniform_(module.attention_in.weight)


def _is_private_of_release(spec: StackSpec) -> bool:
    return not spec.is_shared and spec.settings.mode == "compat"


def _attention(spec: StackSpec) -> tuple[int, int]:
    """Width and heads of attentive layers: those of the settings in a shared stack.

    A private stack is as wide as its input, with heads of the usual width; where these do not fill it, with the next
    smaller number of heads that divides its width. In `compat` its heads are those of the release.
    """
    settings, width = spec.settings, spec.width_in
    if spec.is_shared:
        return settings.width, settings.attention_heads
    if _is_private_of_release(spec):
        heads = width // COMPAT_HEAD_WIDTH
        if heads < 1 or width % heads:
            found = f"mode = 'compat' with private layers {width} wide and {heads} heads, one for {COMPAT_HEAD_WIDTH}"
            fix = "choose another width, or mode = 'fixed'"
            raise ProblemError(network_problem(found, "a width that its heads divide, as the release needs it", fix))
        return width, heads
    most = max(width * settings.attention_heads // settings.width, 1)
    return width, next(heads for heads in range(most, 0, -1) if width % heads == 0)
