"""Entries as they learn: the modules of an entry, from crops or features to the outputs of each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from abawbench.challenges import Continuous, Task
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.frame_encoder import FrameEncoder
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.facebehaviornet import VALENCE_AROUSAL
from abawbench.models.image_input import ImageInput
from abawbench.models.temporal.segments import State

Outputs = dict[str, Tensor]
Answering = NetworkEntry | FaceBehaviorEntry


class Learner(nn.Module):
    """What two kinds of entries share.

    Attributes:
        tasks: of the entry.
        image_inputs: what each backbone takes.
        is_frozen: whether the backbones stay as they are.
    """

    def __init__(self, tasks: Sequence[Task], image_inputs: Sequence[ImageInput], *, is_frozen: bool) -> None:
        super().__init__()
        self.tasks, self.image_inputs, self.is_frozen = tuple(tasks), tuple(image_inputs), is_frozen

    def eyes(self) -> Sequence[nn.Module]:
        """The modules that look at crops."""
        raise NotImplementedError

    def parts(self) -> Iterator[nn.Module]:
        """Modules whose gradients are clipped by themselves."""
        raise NotImplementedError

    def answer(
        self, features: Tensor, lengths: Tensor, state: State | None, positions: Tensor | None
    ) -> tuple[Outputs, State | None]:
        """Outputs by task, shape (frames, width), of features, shape (frames, width), one sequence behind the other.

        Args:
            features: of all frames.
            lengths: frames of each sequence, on the CPU.
            state: behind the segments before; None at the start.
            positions: shape (frames,), of the frames in time; None counts them.
        """
        raise NotImplementedError

    def encode(self, pictures: Sequence[Tensor]) -> Tensor:
        """Features, shape (frames, width), of pictures for each image input, shape (frames, channels, size, size)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            seen = [eye(given.contiguous()) for eye, given in zip(self.eyes(), pictures, strict=True)]
        return torch.cat(seen, 1) if len(seen) > 1 else seen[0]

    def train(self, mode: bool = True) -> Learner:
        """Training mode of whatever learns."""
        super().train(mode)
        for eye in self.eyes() if mode else ():
            # torch 2.13 crashes on some processors in the gradient of a convolution with channels last
            torch.nn.utils.convert_conv2d_weight_memory_format(eye, torch.contiguous_format)
        if self.is_frozen:
            for eye in self.eyes():
                eye.eval()
        return self

    def learned(self) -> dict[str, Tensor]:
        """Weights and statistics that training changes, by name."""
        kept = {id(tensor) for eye in self.eyes() for tensor in (*eye.parameters(), *eye.buffers())}
        every = self.state_dict(keep_vars=True)
        return {name: tensor for name, tensor in every.items() if not (self.is_frozen and id(tensor) in kept)}

    def groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Parameters of the backbones, none where these are frozen, and of everything above them."""
        below = {id(parameter): parameter for eye in self.eyes() for parameter in eye.parameters()}
        above = [parameter for parameter in self.parameters() if id(parameter) not in below]
        return ([] if self.is_frozen else list(below.values())), above


class SequenceLearner(Learner):
    """A network entry: backbones, and the network above them."""

    def __init__(self, entry: NetworkEntry, *, is_frozen: bool, takes_features: bool) -> None:
        sight = FrameEncoder((), ()) if takes_features else entry.encoder
        super().__init__(entry.card.tasks, sight.image_inputs, is_frozen=is_frozen)
        self.backbones = nn.ModuleList(sight.modules)
        self.network = entry.network
        _let_learn(self)

    def eyes(self) -> Sequence[nn.Module]:
        """The backbones."""
        return list(self.backbones)

    def parts(self) -> Iterator[nn.Module]:
        """Each backbone, the shared stack, the private stack and the head of each output."""
        network = self.network
        yield from (*self.backbones, network.shared, *network.private.children(), *network.heads.children())

    def answer(
        self, features: Tensor, lengths: Tensor, state: State | None, positions: Tensor | None
    ) -> tuple[Outputs, State | None]:
        """As `Learner.answer`; features as `MultiTaskNetwork.normalise` gives them."""
        longest, width = int(lengths.max()), features.shape[1]
        if bool((lengths == longest).all()):
            shape = (len(lengths), longest)
            padded = features.view(*shape, width)
            placed = None if positions is None else positions.view(shape)
            heads, after = self.network.forward_segment(padded, lengths, state, placed)
            flat = {name: output.flatten(0, 1) for name, output in heads.items()}
        else:
            is_row = (torch.arange(longest) < lengths[:, None]).to(features.device)
            padded = features.new_zeros((len(lengths), longest, width)).index_put((is_row,), features)
            placed = None
            if positions is not None:
                placed = positions.new_zeros((len(lengths), longest)).index_put((is_row,), positions)
            heads, after = self.network.forward_segment(padded, lengths, state, placed)
            flat = {name: output[is_row] for name, output in heads.items()}
        return {task.name: _joined(task, flat) for task in self.tasks}, after


class FrameLearner(Learner):
    """FaceBehaviorNet: a trunk and heads, each frame for itself."""

    def __init__(self, entry: FaceBehaviorEntry, *, is_frozen: bool) -> None:
        super().__init__(entry.card.tasks, entry.encoder.image_inputs, is_frozen=is_frozen)
        self.network = entry.network
        _let_learn(self)

    def eyes(self) -> Sequence[nn.Module]:
        """The trunk."""
        return [self.network.trunk]

    def parts(self) -> Iterator[nn.Module]:
        """The trunk, and each head."""
        yield from (self.network.trunk, *self.network.heads.children())

    def answer(
        self, features: Tensor, lengths: Tensor, state: State | None, positions: Tensor | None
    ) -> tuple[Outputs, State | None]:
        """As `Learner.answer`; sequences make no difference."""
        del lengths, state, positions
        answers = self.network.answers(features)
        outputs = {
            task.name: answers[VALENCE_AROUSAL if isinstance(task, Continuous) else task.name] for task in self.tasks
        }
        return outputs, None


def learner_of(entry: Answering, *, is_frozen: bool, takes_features: bool) -> Learner:
    """An entry as it learns. Its modules are those of the entry, and are changed.

    Args:
        entry: to be trained.
        is_frozen: whether its backbones stay as they are.
        takes_features: whether features are given in the place of crops.
    """
    if isinstance(entry, NetworkEntry):
        return SequenceLearner(entry, is_frozen=is_frozen, takes_features=takes_features)
    return FrameLearner(entry, is_frozen=is_frozen)


def shorter(state: State | None, sequences: int) -> State | None:
    """The state of the first sequences."""
    if state is None:
        return None
    # layers come first in the state of a recurrent stack
    return tuple(tuple(part[:, :sequences].contiguous() for part in layer) for layer in state)


def _let_learn(learner: Learner) -> None:
    learner.requires_grad_(True)
    if learner.is_frozen:
        for eye in learner.eyes():
            eye.requires_grad_(False)


def _joined(task: Task, heads: Mapping[str, Tensor]) -> Tensor:
    if isinstance(task, Continuous):
        return torch.cat([heads[column] for column in task.columns], 1)
    return heads[task.name]
