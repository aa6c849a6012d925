"""From settings to an encoder: the stack that outputs share, and the private one of an output."""

from __future__ import annotations

from torch import nn

from abawbench.models.temporal.encoder import Encoder, FrameWise, PassOn, Recurrent, TemporalConvolutions
from abawbench.models.temporal.settings import RECURRENT, TemporalSettings
from abawbench.models.temporal.transformers import Transformer, TransformerLayer, WindowedTransformer

# deviation of fresh weights (source: aim3_mtl section 4)
DEVIATION = 0.02


def shared_stack(width_in: int, settings: TemporalSettings, layers: int) -> Encoder:
    """The stack under all outputs; without a layer it passes the features on (source: aim3_mtl section 5)."""
    if layers < 1:
        return PassOn(width_in)
    width, heads = settings.width, settings.attention_heads
    match settings.encoder:
        case "none":
            return FrameWise(width_in, width, layers, settings.dropout)
        case "transformer":
            return Transformer(width_in, width, heads, settings, layers, projects=True, adds_positions=True)
        case "windowed_transformer":
            return WindowedTransformer(width_in, width, heads, settings, layers, projects=True)
        case _:
            return _own_width(width_in, settings, layers)


def private_stack(width_in: int, settings: TemporalSettings, layers: int, *, above_shared: bool) -> Encoder:
    """The stack of one output, for transformers as wide as its input and with heads of the usual width.

    Recurrent and convolutional stacks are of the same kind as the shared one, and of the usual width; for `none` the
    head alone is private: assumed(choice).

    Args:
        width_in: of the shared vectors and the feedback together.
        settings: the temporal settings.
        layers: of the private stack.
        above_shared: whether a shared stack stands below, which in `fixed` has added the positions (F12).
    """
    if layers < 1:
        return PassOn(width_in)
    heads = _heads(width_in, settings)
    match settings.encoder:
        case "none":
            return PassOn(width_in)
        case "transformer":
            adds_positions = settings.mode == "compat" or not above_shared
            return Transformer(
                width_in, width_in, heads, settings, layers, projects=False, adds_positions=adds_positions
            )
        case "windowed_transformer":
            return WindowedTransformer(width_in, width_in, heads, settings, layers, projects=False)
        case _:
            return _own_width(width_in, settings, layers)


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


def _own_width(width_in: int, settings: TemporalSettings, layers: int) -> Encoder:
    if settings.encoder in RECURRENT:
        return Recurrent(width_in, settings, layers)
    return TemporalConvolutions(width_in, settings, layers)


def _heads(width: int, settings: TemporalSettings) -> int:
    """Heads of the usual width; where these do not fill a stack, the next smaller number that divides it."""
    most = max(width * settings.attention_heads // settings.width, 1)
    return next(heads for heads in range(most, 0, -1) if width % heads == 0)
