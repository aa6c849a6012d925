"""Entries that learn, and the modules of them that training changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from abawbench.challenges import Task
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.entries.networks.frame_encoder import FrameEncoder
from abawbench.entries.networks.network import NetworkEntry
from abawbench.models.facebehaviornet import VALENCE_AROUSAL
from abawbench.models.fersnet.network import FersNet
from abawbench.models.image_input import ImageInput
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.models.temporal.segments import State
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.training.optimisers import copy_tensors

Outputs = dict[str, Tensor]
LearningEntry = NetworkEntry | FaceBehaviorEntry | FersNetEntry


def temporal_of(entry: LearningEntry) -> TemporalSettings:
    """The temporal settings of an entry; those of FaceBehaviorNet have no encoder."""
    return entry.network.temporal if isinstance(entry, NetworkEntry) else TemporalSettings()


class Learner(nn.Module):
    """The modules of an entry that are trained.

    Attributes:
        tasks: tasks of the entry.
        image_inputs: image input of each backbone.
        is_frozen: True where the backbones are not trained.
    """

    def __init__(self, tasks: Sequence[Task], image_inputs: Sequence[ImageInput], *, is_frozen: bool) -> None:
        super().__init__()
        self.tasks, self.image_inputs, self.is_frozen = tuple(tasks), tuple(image_inputs), is_frozen

    def encoders(self) -> Sequence[nn.Module]:
        """The backbones, which encode pictures."""
        raise NotImplementedError

    def parts(self) -> Iterator[nn.Module]:
        """The modules whose gradients may be clipped one by one."""
        raise NotImplementedError

    @property
    def label_sources(self) -> tuple[str, ...]:
        """Names of the outputs whose labels are fed back to others."""
        return ()

    @property
    def truth_share(self) -> float:
        """The share of the time steps that feed back annotated labels at the start of a training."""
        return 0.0

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute the outputs of each task, shape (frames, width), and the state after the last frames.

        Args:
            features: features of all frames, shape (frames, width), one sequence after the other.
            lengths: number of frames of each sequence, on the CPU.
            state: state after the segments before; None at the start.
            positions: positions of the frames in time, shape (frames,); None to count them.
            given: labels fed back in place of predictions, by source, shape (frames, labels); NaN for predictions.
        """
        raise NotImplementedError

    def frame_features(self, pictures: Sequence[Tensor]) -> Tensor:
        """Encode pictures for each backbone, shape (frames, channels, size, size), as features, (frames, width)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            parts = [encoder(own.contiguous()) for encoder, own in zip(self.encoders(), pictures, strict=True)]
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]

    def train(self, mode: bool = True) -> Learner:
        """Set the training mode; frozen backbones stay in evaluation mode."""
        super().train(mode)
        for encoder in self.encoders() if mode else ():
            # torch 2.13 crashes on some processors in the gradient of a convolution with channels last
            torch.nn.utils.convert_conv2d_weight_memory_format(encoder, torch.contiguous_format)
        if self.is_frozen:
            for encoder in self.encoders():
                encoder.eval()
        return self

    def learned(self) -> dict[str, Tensor]:
        """Weights and statistics that training changes, by name."""
        frozen = self.encoders() if self.is_frozen else ()
        kept = {id(tensor) for encoder in frozen for tensor in (*encoder.parameters(), *encoder.buffers())}
        return {name: tensor for name, tensor in self.state_dict(keep_vars=True).items() if id(tensor) not in kept}

    def load(self, weights: dict[str, Tensor]) -> None:
        """Copy weights and statistics into those of the same names."""
        copy_tensors(weights, self.learned())

    def groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Parameters of the backbones, empty where these are frozen, and all others, without those of sharing units."""
        below = {id(parameter): parameter for encoder in self.encoders() for parameter in encoder.parameters()}
        above = [parameter for parameter in self.parameters() if id(parameter) not in below]
        units = {id(parameter) for group in self.unit_groups(1.0) for parameter in group["params"]}
        own = [parameter for key, parameter in below.items() if key not in units]
        return ([] if self.is_frozen else own), above

    def unit_groups(self, rate: float) -> list[dict[str, Any]]:
        """Groups of the parameters of sharing units, with their rates; none where the backbones are frozen.

        Args:
            rate: learning rate of the training.
        """
        return [] if self.is_frozen else [group for trunk in self._shared() for group in trunk.param_groups(rate)]

    def penalty(self) -> Tensor | None:
        """The penalty of the sharing units in the last forward pass; None where there is none."""
        penalties = [] if self.is_frozen else [trunk.regulariser() for trunk in self._shared()]
        return next((penalty for penalty in penalties if penalty is not None), None)

    def gates(self) -> dict[str, float]:
        """Mean gates or weights of the sharing units in the last forward pass, by stage and direction."""
        return {name: mean for trunk in self._shared() for name, mean in trunk.stats().items()}

    def _shared(self) -> list[StreamTrunk | FersNet]:
        return [encoder for encoder in self.encoders() if isinstance(encoder, StreamTrunk | FersNet)]


class SequenceLearner(Learner):
    """The learner of a network entry: backbones, and the network above them."""

    def __init__(self, entry: NetworkEntry, *, is_frozen: bool, takes_features: bool) -> None:
        encoder = FrameEncoder((), ()) if takes_features else entry.encoder
        super().__init__(entry.card.tasks, encoder.image_inputs, is_frozen=is_frozen)
        self.backbones = nn.ModuleList(encoder.modules)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The backbones."""
        return list(self.backbones)

    def parts(self) -> Iterator[nn.Module]:
        """Each backbone, the shared stack, each embedding, and for each output its private stack and head together."""
        network = self.network
        yield from (*self.backbones, network.shared, *network.embeddings.children())
        for name, head in network.heads.items():
            yield nn.ModuleList((network.private[name], head))

    @property
    def label_sources(self) -> tuple[str, ...]:
        """Names of the outputs whose labels are fed back to others."""
        return self.network.label_sources

    @property
    def truth_share(self) -> float:
        """The share of the time steps that feed back annotated labels at the start of a training."""
        return self.network.framework.truth_share

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute outputs and state as `Learner.forward`, of features that `MultiTaskNetwork.normalise` returned."""
        longest = int(lengths.max())
        is_row = None
        if not bool((lengths == longest).all()):
            is_row = (torch.arange(longest) < lengths[:, None]).to(features.device)

        def padded(flat: Tensor) -> Tensor:
            shape = (len(lengths), longest, *flat.shape[1:])
            return flat.view(shape) if is_row is None else flat.new_zeros(shape).index_put((is_row,), flat)

        heads, after = self.network.forward_segment(
            padded(features),
            lengths,
            state,
            None if positions is None else padded(positions),
            {source: padded(weights) for source, weights in (given or {}).items()},
        )
        flat = {name: output.flatten(0, 1) if is_row is None else output[is_row] for name, output in heads.items()}
        # real values have a head for each column
        outputs = {
            task.name: torch.cat([flat[column] for column in task.outputs], 1) if task.is_real else flat[task.name]
            for task in self.tasks
        }
        return outputs, after


class FrameLearner(Learner):
    """A learner that sees each frame alone."""

    def answers(self, features: Tensor) -> Outputs:
        """Compute the outputs of each task, shape (frames, width), of features, shape (frames, width)."""
        raise NotImplementedError

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None,
        positions: Tensor | None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Outputs, State | None]:
        """Compute outputs as `Learner.forward`, frame by frame, without a state."""
        del lengths, state, positions, given
        return self.answers(features), None


class FaceBehaviorLearner(FrameLearner):
    """The learner of FaceBehaviorNet: a trunk and heads."""

    def __init__(self, entry: FaceBehaviorEntry, *, is_frozen: bool) -> None:
        super().__init__(entry.card.tasks, entry.encoder.image_inputs, is_frozen=is_frozen)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The trunk."""
        return [self.network.trunk]

    def parts(self) -> Iterator[nn.Module]:
        """The trunk, and each head."""
        yield from (self.network.trunk, *self.network.heads.children())

    def answers(self, features: Tensor) -> Outputs:
        """Compute outputs by the heads."""
        heads = self.network.answers(features)
        return {task.name: heads[VALENCE_AROUSAL if task.is_real else task.name] for task in self.tasks}


class FersNetLearner(FrameLearner):
    """The learner of FERSNet's recognition; `SynthesisLoop` lets it learn synthesis too."""

    def __init__(self, entry: FersNetEntry) -> None:
        super().__init__(entry.card.tasks, entry.encoder.image_inputs, is_frozen=False)
        self.network = entry.network
        _require_gradients(self)

    def encoders(self) -> Sequence[nn.Module]:
        """The whole network, which encodes pictures for its classifier."""
        return [self.network]

    def parts(self) -> Iterator[nn.Module]:
        """Each part of the network."""
        yield from self.network.children()

    def answers(self, features: Tensor) -> Outputs:
        """Compute outputs by the classifier."""
        return {self.tasks[0].name: self.network.classifier(features)}


def make_learner(entry: LearningEntry, *, is_frozen: bool, takes_features: bool) -> Learner:
    """Make the learner of an entry, whose modules training changes in place.

    Args:
        entry: entry to train.
        is_frozen: True where the backbones are not trained.
        takes_features: True where the data are features instead of crops.
    """
    if isinstance(entry, NetworkEntry):
        return SequenceLearner(entry, is_frozen=is_frozen, takes_features=takes_features)
    if isinstance(entry, FersNetEntry):
        return FersNetLearner(entry)
    return FaceBehaviorLearner(entry, is_frozen=is_frozen)


def first_sequences(state: State | None, sequences: int) -> State | None:
    """The state of the first sequences."""
    if state is None:
        return None
    # layers come first in the state of a recurrent stack
    return tuple(tuple(part[:, :sequences].contiguous() for part in layer) for layer in state)


def _require_gradients(learner: Learner) -> None:
    learner.requires_grad_(True)
    if learner.is_frozen:
        for encoder in learner.encoders():
            encoder.requires_grad_(False)
