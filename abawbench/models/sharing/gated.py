"""Units whose gates depend on the picture and the place: ConvFLU and MTAN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from abawbench.models.sharing.settings import ConvFlu, Mtan
from abawbench.models.sharing.unit import Maps, SharingUnit, direction


@dataclass(frozen=True, slots=True)
class Forced:
    """Values that replace parts of a ConvFLU, to study and test it.

    Attributes:
        take: the gate on the other stream, from 0 to 1; None for the learned one.
        leak: the share of the proposal, from 0 to 1; None for the learned one.
        is_linear: True to leave the hyperbolic tangent of the proposal out.
    """

    take: float | Tensor | None = None
    leak: float | Tensor | None = None
    is_linear: bool = False


class ConvFluUnit(SharingUnit):
    """ConvFLU: a stream x keeps a share of itself and takes a gated proposal from the other stream y.

        r  = sigmoid(W_r * [F_x, F_y])           what to take of y
        G  = tanh(W * (r . F_y) + U * F_x)       the proposal
        z  = sigmoid(W_z * [F_x, F_y])           the leak, the share of the proposal
        F_x' = (1 - z) . F_x + z . G

    with convolutions without bias. Where there are more than two streams, F_y is a 1x1 convolution of all others: an
    extension (assumed(choice)).

    Attributes:
        directions: the convolutions of each stream.
        forced: values that replace gates; None for none.

    Source: arXiv:2007.04514.
    """

    def __init__(self, channels: int, tasks: Sequence[str], settings: ConvFlu) -> None:
        super().__init__(channels, tasks, settings.rate_factor)
        self.directions = nn.ModuleList(_Direction(channels, len(tasks), settings) for _ in tasks)
        self.forced: Forced | None = None

    @property
    def is_extension(self) -> bool:
        """True for more than two streams, which the source does not define."""
        return len(self.tasks) > 2

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Share the streams as `SharingUnit.forward` says."""
        del before
        shared: dict[str, Tensor] = {}
        for task, part in zip(self.tasks, self.directions, strict=True):
            assert isinstance(part, _Direction)
            others = [maps[other] for other in self.tasks if other != task]
            shared[task], take, leak = part(maps[task], others, self.forced or Forced())
            name = direction(task, "others" if self.is_extension else next(t for t in self.tasks if t != task))
            self._means |= {f"take {name}": take.detach().mean(), f"leak {name}": leak.detach().mean()}
        return shared


class _Direction(nn.Module):
    """The convolutions of one stream of a ConvFLU."""

    def __init__(self, channels: int, tasks: int, settings: ConvFlu) -> None:
        super().__init__()

        def convolution(width: int, kernel: int = settings.kernel) -> nn.Conv2d:
            return nn.Conv2d(width, channels, kernel, padding=kernel // 2, bias=False)

        self.take, self.leak = convolution(2 * channels), convolution(2 * channels)
        self.from_other, self.from_own = convolution(channels), convolution(channels)
        self.join = nn.Identity() if tasks == 2 else convolution((tasks - 1) * channels, 1)
        self.sign = 1 if settings.orientation == "paper" else -1
        bias = settings.leak_bias
        self.bias = None if bias is None else nn.Parameter(torch.full((channels,), bias))
        self.norm = nn.BatchNorm2d(channels) if settings.post_norm else nn.Identity()

    def forward(self, own: Tensor, others: Sequence[Tensor], forced: Forced) -> tuple[Tensor, Tensor, Tensor]:
        """The new maps of the stream, the gate on the other, and the share of the proposal."""
        other = self.join(torch.cat(tuple(others), 1))
        both = torch.cat((own, other), 1)
        take = _gate(self.take(both), forced.take)
        score = self.sign * self.leak(both)
        leak = _gate(score if self.bias is None else score + self.bias[:, None, None], forced.leak)
        proposal = self.from_other(take * other) + self.from_own(own)
        proposal = proposal if forced.is_linear else proposal.tanh()
        return self.norm((1 - leak) * own + leak * proposal), take, leak


def _gate(score: Tensor, forced: float | Tensor | None) -> Tensor:
    if forced is None:
        return score.sigmoid()
    return torch.as_tensor(forced, dtype=score.dtype, device=score.device).expand_as(score)


class MtanUnit(SharingUnit):
    """MTAN: each task attends to the maps P of one trunk, F'_k = A_k . P.

        A_k = sigmoid(BN(conv1x1(ReLU(BN(conv1x1([P, f(F'_k of the stage before)]))))))

    f, shared by the tasks, is a convolution with norm and ReLU, whose maps are averaged to the size of P. The hidden
    maps have as many channels as P (assumed(choice)).

    Attributes:
        attentions: layers of A for each task.
        refinement: layers of f; None for the first unit of a network.

    Source: arXiv:1803.10704.
    """

    def __init__(self, channels: int, tasks: Sequence[str], settings: Mtan, before: int | None = None) -> None:
        super().__init__(channels, tasks, settings.rate_factor)
        width = channels if before is None else 2 * channels
        self.attentions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.Sigmoid(),
            )
            for _ in tasks
        )
        self.refinement: nn.Sequential | None = None
        if before is not None:
            kernel = settings.kernel
            self.refinement = nn.Sequential(
                nn.Conv2d(before, channels, kernel, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            )

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Attend to the maps, which are those of the trunk for every task; see `SharingUnit.forward`."""
        attended: dict[str, Tensor] = {}
        for task, attention in zip(self.tasks, self.attentions, strict=True):
            seen = own = maps[task]
            if self.refinement is not None:
                assert before is not None, "a unit behind another needs what that returned"
                size = own.shape[2:]
                refined = nn.functional.adaptive_avg_pool2d(self.refinement(before[task]), (size[0], size[1]))
                seen = torch.cat((own, refined), 1)
            share = attention(seen)
            self._means[f"attention {task}"] = share.detach().mean()
            attended[task] = share * own
        return attended
