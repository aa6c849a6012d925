"""The base class of sequence encoders, and those that are not transformers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from abawbench.models.temporal.settings import TemporalSettings

# state of a stack behind a segment: (), (hidden,) or (hidden, cell)
LayerState = tuple[Tensor, ...]


class Encoder(nn.Module):
    """A stack of layers from sequences of vectors to sequences of vectors.

    Attributes:
        width: width of its output vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encode sequences.

        Args:
            sequences: input vectors, shape (sequences, frames, width of the input), padded behind.
            valid: True where a frame is no padding, shape (sequences, frames); None where there is no padding.
            state: state behind the segment before; empty at the start.
            positions: positions of the frames in time, shape (sequences, frames); None counts them from 0.

        Returns:
            The encoded sequences, shape (sequences, frames, width), whose padding has no meaning, and the state behind
            their last valid frames.
        """
        raise NotImplementedError


class IdentityEncoder(Encoder):
    """An encoder that returns its input."""

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Return the sequences as they are."""
        del valid, state, positions
        return sequences, ()


class FrameMLP(Encoder):
    """Linear layers with ReLU and dropout on each frame alone, the shared layers of `none`: assumed(choice)."""

    def __init__(self, width_in: int, width: int, layers: int, dropout: float) -> None:
        super().__init__(width)
        widths = (width_in, *[width] * layers)
        self.layers = nn.Sequential(
            *(layer for before in widths[:-1] for layer in (nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)))
        )

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encode each frame alone."""
        del valid, state, positions
        return self.layers(sequences), ()


def without_padding(sequences: Tensor, valid: Tensor | None) -> Tensor:
    """Set the padding of sequences, shape (sequences, frames, width), to zero."""
    return sequences if valid is None else sequences.masked_fill(~valid.unsqueeze(-1), 0)


class ConvolutionalBlock(nn.Module):
    """Two dilated convolutions with ReLU and dropout, added to the input, and ReLU."""

    def __init__(self, width_in: int, width: int, settings: TemporalSettings, dilation: int) -> None:
        super().__init__()
        reach = settings.kernel // 2 * dilation
        self.first = nn.Conv1d(width_in, width, settings.kernel, padding=reach, dilation=dilation)
        self.second = nn.Conv1d(width, width, settings.kernel, padding=reach, dilation=dilation)
        self.residual = nn.Identity() if width_in == width else nn.Linear(width_in, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, sequences: Tensor, valid: Tensor | None) -> Tensor:
        """Shape (sequences, frames, width)."""
        hidden = sequences
        for convolution in (self.first, self.second):
            hidden = convolution(without_padding(hidden, valid).transpose(1, 2)).transpose(1, 2)
            hidden = self.dropout(functional.relu(hidden))
        return functional.relu(hidden + self.residual(sequences))


class TemporalConvolutions(Encoder):
    """Residual blocks with dilations 1, 2, 4, ..., as far back as ahead: assumed(choice), not in the release.

    Source of the block: arXiv:1803.01271, there causal and with weight normalisation.
    """

    def __init__(self, width_in: int, settings: TemporalSettings, layers: int) -> None:
        super().__init__(settings.width)
        self.blocks = nn.ModuleList(
            ConvolutionalBlock(width_in if layer == 0 else self.width, self.width, settings, 2**layer)
            for layer in range(layers)
        )

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encode sequences by the blocks; padding is masked in both modes."""
        del state, positions
        for block in self.blocks:
            sequences = block(sequences, valid)
        return sequences, ()


# of the GRU of the release, whatever its options said (F14)
COMPAT_GRU_LAYERS, COMPAT_GRU_DROPOUT = 2, 0.3


class Recurrent(Encoder):
    """A stack of recurrent layers with dropout between them, and behind the last one of a GRU.

    `fixed` reads valid frames only, and lets only the forward direction go on from the segment before. `compat` reads
    padding as frames and starts both directions from where they ended (F17); its GRU has two layers (F14).
    Source: aim3_mtl sections 4 and 8; more than one layer of an LSTM: assumed(choice).
    """

    def __init__(self, width_in: int, settings: TemporalSettings, layers: int) -> None:
        both_ways = settings.encoder == "bilstm"
        super().__init__(settings.width * (1 + both_ways))
        dropout, is_gru = settings.dropout, settings.encoder == "gru"
        self.reads_padding = settings.mode == "compat"
        if is_gru and self.reads_padding:
            layers, dropout = COMPAT_GRU_LAYERS, COMPAT_GRU_DROPOUT
        self.directions = 1 + both_ways
        self.core = (nn.GRU if is_gru else nn.LSTM)(
            width_in,
            settings.width,
            layers,
            batch_first=True,
            # torch warns of dropout between layers where there is one
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=both_ways,
        )
        self.dropout = nn.Dropout(dropout if is_gru else 0.0)

    def forward(
        self, sequences: Tensor, valid: Tensor | None, state: LayerState = (), positions: Tensor | None = None
    ) -> tuple[Tensor, LayerState]:
        """Encode sequences as the hidden vectors of the last layer, those of both directions side by side."""
        del positions
        if valid is None or self.reads_padding:
            encoded, last = self.core(sequences, _for_core(state))
            last = _as_tuple(last)
        else:
            encoded, last = self._over_valid(sequences, valid, state)
        if self.directions == 2 and not self.reads_padding:
            last = tuple(_forward_only(part) for part in last)
        return self.dropout(encoded), last

    def _over_valid(self, sequences: Tensor, valid: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        lengths = valid.sum(dim=1)
        # torch packs no empty sequence: one frame of padding is read, and forgotten below
        packed = pack_padded_sequence(sequences, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        encoded, last = self.core(packed, _for_core(state))
        unpacked, _ = pad_packed_sequence(encoded, batch_first=True, total_length=sequences.shape[1])
        ended = (lengths == 0).view(1, -1, 1)
        last = _as_tuple(last)
        before = state or tuple(torch.zeros_like(part) for part in last)
        return unpacked, tuple(torch.where(ended, old, new) for old, new in zip(before, last, strict=True))


def _for_core(state: LayerState) -> Tensor | LayerState | None:
    return state[0] if len(state) == 1 else state or None


def _as_tuple(last: Tensor | LayerState) -> LayerState:
    return (last,) if isinstance(last, Tensor) else tuple(last)


def _forward_only(part: Tensor) -> Tensor:
    """Set the backward direction of each layer to zero; shape (layers x 2, sequences, width), directions alternate."""
    is_forward = torch.arange(len(part), device=part.device) % 2 == 0
    return part.masked_fill(~is_forward.view(-1, 1, 1), 0)
