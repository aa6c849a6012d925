"""The discriminator of FERSNet, which tells real patches of a face with an expression from synthesised ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from abawbench.models.fersnet.layers import SLOPE

# channels of the four stages, in times those of the first
GROWTH = (1, 2, 4, 8)
# side in pixels of the smallest picture: a norm needs more than the one place that four stages of stride 2 would leave
SMALLEST = 2 * 2 ** len(GROWTH)


class Discriminator(nn.Module):
    """Four convolutions of stride 2 and one that judges each patch.

    The last convolution needs padding to keep the number of patches (computed, not in the sources).

    Attributes:
        classes: number of expressions; 0 for a discriminator that does not see the target expression.
    """

    def __init__(self, classes: int, *, width: int = 64) -> None:
        super().__init__()
        self.classes = classes
        before, parts = 3 + classes, list[nn.Module]()
        for stage, growth in enumerate(GROWTH):
            after = width * growth
            parts.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            if stage:
                parts.append(nn.InstanceNorm2d(after))
            parts.append(nn.LeakyReLU(SLOPE))
            before = after
        self.layers = nn.Sequential(*parts, nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(before, 1, 4, padding=1))

    def forward(self, pictures: Tensor, code: Tensor) -> Tensor:
        """Judgements near 1 for real and near 0 for synthesised patches, shape (pictures, 1, height / 16, width / 16).

        Args:
            pictures: pictures, shape (pictures, 3, height, width).
            code: probability of each target expression, shape (pictures, classes).
        """
        if self.classes:
            maps = code[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
            pictures = torch.cat((pictures, maps), 1)
        return self.layers(pictures)
