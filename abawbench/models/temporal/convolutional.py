"""The temporal convolutional network: residual blocks whose reach doubles from one to the next."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from abawbench.models.temporal.encoder import Encoder, LayerState, without_padding
from abawbench.models.temporal.settings import TemporalSettings


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
    """Blocks with dilations 1, 2, 4, ...; a frame sees as far back as ahead: assumed(choice), not in the release.

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
        """What leaves the last block; padding is masked in both modes."""
        del state, positions
        for block in self.blocks:
            sequences = block(sequences, valid)
        return sequences, ()
