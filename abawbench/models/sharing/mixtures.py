"""Units that mix streams with weights that do not depend on the picture: cross-stitch, sluice, NDDR."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from abawbench.base.problems import ProblemError
from abawbench.models.sharing.settings import CrossStitch, Nddr, Sluice
from abawbench.models.sharing.unit import Maps, SharingUnit, direction
from abawbench.models.temporal.settings import network_problem


def own_and_others(count: int, own: float) -> Tensor:
    """Weights with `own` on the diagonal and the rest of 1 spread evenly, shape (count, count); 1 for a count of 1.

    >>> own_and_others(2, 0.75)
    tensor([[0.7500, 0.2500],
            [0.2500, 0.7500]])
    """
    if count == 1:
        return torch.ones(1, 1)
    return torch.eye(count) * own + (1 - torch.eye(count)) * (1 - own) / (count - 1)


class CrossStitchUnit(SharingUnit):
    """Cross-stitch: F'_k = sum over j of a_kj F_j.

    Attributes:
        weights: weights a, shape (tasks, tasks), with an axis of channels where each has its own.

    Source: arXiv:1604.03539.
    """

    def __init__(self, channels: int, tasks: Sequence[str], settings: CrossStitch) -> None:
        super().__init__(channels, tasks, settings.rate_factor)
        start = own_and_others(len(tasks), settings.own)
        self.weights = nn.Parameter(start[..., None].repeat(1, 1, channels) if settings.per_channel else start)

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Mix the streams as `SharingUnit.forward` says."""
        del before
        stacked = torch.stack([maps[task] for task in self.tasks], 1)
        rule = "kj,bjchw->bkchw" if self.weights.ndim == 2 else "kjc,bjchw->bkchw"
        return dict(zip(self.tasks, torch.einsum(rule, self.weights, stacked).unbind(1), strict=True))

    def undecayed(self) -> list[nn.Parameter]:
        """The weights."""
        return [self.weights]

    def stats(self) -> dict[str, float]:
        """The mean weight of each direction."""
        weights = self.weights.detach()
        means = (weights if weights.ndim == 2 else weights.mean(2)).tolist()
        return {
            f"weight {direction(target, source)}": means[k][j]
            for k, target in enumerate(self.tasks)
            for j, source in enumerate(self.tasks)
            if k != j
        }


class SluiceUnit(SharingUnit):
    """Sluice: F'_(k,g) = sum over streams j and subspaces h of a_(k,g),(j,h) F_(j,h).

    The penalty is the sum, over streams and pairs of subspaces, of the squared Frobenius norm of S_g^T S_h / n, with
    the n places of all pictures as rows of S; the division by n keeps it free of batch and size (assumed(choice)).

    Attributes:
        weights: weights a, shape (tasks x subspaces, tasks x subspaces).

    Source: arXiv:1705.08142.
    """

    def __init__(self, channels: int, tasks: Sequence[str], settings: Sluice) -> None:
        super().__init__(channels, tasks, settings.rate_factor)
        if channels % settings.subspaces:
            found = f"subspaces = {settings.subspaces} of {channels} channels"
            raise ProblemError(network_problem(found, "a number that divides the channels"))
        self.subspaces, self.penalty = settings.subspaces, settings.penalty
        mean = own_and_others(len(tasks) * settings.subspaces, settings.own)
        self.weights = nn.Parameter(mean + settings.spread * torch.randn(mean.shape))

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Mix the subspaces as `SharingUnit.forward` says."""
        del before
        stacked = torch.stack([maps[task] for task in self.tasks], 1)
        parts = stacked.unflatten(2, (self.subspaces, -1))
        self._penalty = self.penalty * _overlap(parts) if self.training else None
        mixed = torch.einsum("kj,bjchw->bkchw", self.weights, parts.flatten(1, 2))
        return dict(zip(self.tasks, mixed.reshape(stacked.shape).unbind(1), strict=True))

    def undecayed(self) -> list[nn.Parameter]:
        """The weights."""
        return [self.weights]

    def stats(self) -> dict[str, float]:
        """The mean, over the subspaces of a target, of the sum of the weights of a source."""
        count, subspaces = len(self.tasks), self.subspaces
        blocks = self.weights.detach().reshape(count, subspaces, count, subspaces).sum(3).mean(1).tolist()
        return {
            f"weight {direction(target, source)}": blocks[k][j]
            for k, target in enumerate(self.tasks)
            for j, source in enumerate(self.tasks)
            if k != j
        }


class DepthMixture(nn.Module):
    """The mixture of the stages of each stream: sum over stages l of b_(k,l) F_k^l.

    Maps of an earlier stage are averaged to the size of the last; where it has other channels, a 1x1 convolution
    without bias brings them to those of the last (assumed(choice)), and where not it has no weights but b.

    Attributes:
        weights: weights b, shape (tasks, stages); at the start .9 for the last stage and even for the others (assumed).

    Source: arXiv:1705.08142.
    """

    def __init__(self, channels: Sequence[int], tasks: Sequence[str]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        start = own_and_others(len(channels), 0.9)[-1]
        self.weights = nn.Parameter(start.repeat(len(tasks), 1))
        self.bridges = nn.ModuleList(
            nn.ModuleList(
                nn.Identity() if width == channels[-1] else nn.Conv2d(width, channels[-1], 1, bias=False)
                for width in channels
            )
            for _ in tasks
        )

    def forward(self, stages: Sequence[Maps]) -> dict[str, Tensor]:
        """Mix the maps of all stages, from the first to the last; returns maps of the shape of the last."""
        mixed: dict[str, Tensor] = {}
        for place, task in enumerate(self.tasks):
            bridges = self.bridges[place]
            assert isinstance(bridges, nn.ModuleList)
            size = stages[-1][task].shape[2:]
            parts = [
                bridge(nn.functional.adaptive_avg_pool2d(maps[task], (size[0], size[1])))
                for bridge, maps in zip(bridges, stages, strict=True)
            ]
            mixed[task] = torch.stack(parts, -1) @ self.weights[place]
        return mixed


class NddrUnit(SharingUnit):
    """NDDR: F'_k = ReLU(BN(W_k * [F_1 .. F_T])), with 1x1 convolutions W_k without bias.

    Attributes:
        mixers: convolution, norm and ReLU of each stream.

    Source: arXiv:1801.08297; bhpfelix/NDDR-CNN-PyTorch:models/nddr_net.py, configs/defaults.py.
    """

    def __init__(self, channels: int, tasks: Sequence[str], settings: Nddr) -> None:
        super().__init__(channels, tasks, settings.rate_factor)
        shares = own_and_others(len(tasks), settings.own)
        self.mixers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(len(tasks) * channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05),
                nn.ReLU(),
            )
            for _ in tasks
        )
        with torch.no_grad():
            for place, weight in enumerate(self._weights()):
                weight.copy_(torch.cat([share * torch.eye(channels) for share in shares[place]], 1)[..., None, None])

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Mix the streams as `SharingUnit.forward` says."""
        del before
        joined = torch.cat([maps[task] for task in self.tasks], 1)
        return {task: mixer(joined) for task, mixer in zip(self.tasks, self.mixers, strict=True)}

    def stats(self) -> dict[str, float]:
        """The mean weight of the same channel of another stream, for each direction."""
        means: dict[str, float] = {}
        for target, weight in zip(self.tasks, self._weights(), strict=True):
            blocks = weight.detach()[..., 0, 0].split(self.channels, 1)
            means |= {
                f"weight {direction(target, source)}": block.diagonal().mean().item()
                for source, block in zip(self.tasks, blocks, strict=True)
                if source != target
            }
        return means

    def _weights(self) -> list[Tensor]:
        return [weight for name, weight in self.mixers.named_parameters() if name.endswith("0.weight")]


def _overlap(parts: Tensor) -> Tensor:
    """The penalty of maps of shape (pictures, tasks, subspaces, channels, height, width)."""
    rows = parts.permute(1, 2, 3, 0, 4, 5).flatten(3)
    products = torch.einsum("tgcn,thdn->tghcd", rows, rows) / rows.shape[-1]
    squares = products.square().sum((3, 4))
    return squares.triu(1).sum()
