"""The multi-task network: normalisation, a shared stack, private stacks with feedback, a head for each output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import get_args

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.models.frameworks.label_feedback import LabelEmbedding
from abawbench.models.frameworks.settings import (
    FrameworkSettings,
    HeadSettings,
    LabelForm,
    computing_order,
    framework_problems,
)
from abawbench.models.temporal.encoders import IdentityEncoder, LayerState, without_padding
from abawbench.models.temporal.settings import (
    Mode,
    Normalise,
    TemporalSettings,
    field_problems,
    network_problem,
    temporal_problems,
)
from abawbench.models.temporal.stacks import initialise, private_stack, shared_stack

# state of the shared stack, then of the private stack of each output in computing order
State = tuple[LayerState, ...]
Tensors = dict[str, Tensor]
NO_FORMS: Mapping[str, LabelForm] = MappingProxyType({})
NO_COLUMNS: Mapping[str, slice] = MappingProxyType({})


class Head(nn.Module):
    """The head of one output: dropout, hidden layers with ReLU and dropout, a linear layer.

    Source: aim3_mtl section 4.

    Attributes:
        hidden_width: width of the last hidden vector.
    """

    def __init__(self, width: int, answers: int, *, hidden: Sequence[int], dropout: float, tanh: bool) -> None:
        super().__init__()
        widths = (width, *hidden)
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for before, after in zip(widths, hidden, strict=False):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.hidden_width = widths[-1]
        self.answer = nn.Sequential(nn.Linear(widths[-1], answers), *([nn.Tanh()] if tanh else []))

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Answers, shape (..., answers), and the last hidden vectors after dropout, shape (..., hidden width)."""
        hidden: Tensor = self.hidden(vectors)
        answer: Tensor = self.answer(hidden)
        return answer, hidden


class Normalisation(nn.Module):
    """Z-scores of features by the statistics of the training features, or of each sequence over time, or none.

    Deviations divide by frames - 1, and one of 0 counts as 1 (source: AIM3-RUC/ABAW4:data/seq_dataset.py). Those of a
    single frame count as 0: assumed(choice), the release has nan there.

    Attributes:
        mean: mean of the training features, shape (features,); `training` alone has one.
        std: deviation of the training features, shape (features,); `training` alone has one.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, kind: Normalise, mode: Mode) -> None:
        super().__init__()
        if kind not in get_args(Normalise):
            raise ProblemError(network_problem(f"normalise = {kind!r}", near_names(kind, get_args(Normalise))))
        self.kind, self.mode = kind, mode
        if kind == "training":
            self.register_buffer("mean", torch.zeros(width))
            self.register_buffer("std", torch.ones(width))

    def learn(self, mean: Tensor, std: Tensor) -> None:
        """Keep the statistics of the training features, each of shape (features,).

        Raises:
            ProblemError: E17, another shape, or a network that does not take such statistics.
        """
        if self.kind != "training":
            raise ProblemError(network_problem(f"statistics for normalise = {self.kind!r}", "normalise = 'training'"))
        if not mean.shape == std.shape == self.mean.shape:
            found = f"statistics of shapes {tuple(mean.shape)} and {tuple(std.shape)}"
            expected = f"{tuple(self.mean.shape)} both"
            raise ProblemError(network_problem(found, expected, "give the statistics of these features"))
        with torch.no_grad():
            self.mean.copy_(mean)
            self.std.copy_(std)

    def forward(self, features: Tensor, valid: Tensor | None) -> Tensor:
        """Normalise features, shape (sequences, frames, features).

        Padding is zero, except for `batch` in `compat`, which treats padding like frames (F2).
        """
        features = without_padding(features, valid)
        if self.kind == "none":
            return features
        if self.kind == "training":
            return without_padding((features - self.mean) / _not_zero(self.std), valid)
        if self.mode == "compat":
            return _over_time(features, None)
        return _over_time(features, valid)


def _over_time(features: Tensor, valid: Tensor | None) -> Tensor:
    # in float64 the mean of a constant column is that constant, and its deviation 0
    wide = features.to(torch.float64)
    ones = wide.new_ones((*features.shape[:2], 1)) if valid is None else valid.unsqueeze(-1).to(torch.float64)
    frames = ones.sum(dim=1, keepdim=True)
    centred = (wide - wide.sum(dim=1, keepdim=True) / frames.clamp(min=1)) * ones
    std = (centred.square().sum(dim=1, keepdim=True) / (frames - 1).clamp(min=1)).sqrt()
    return (centred / _not_zero(std)).to(features.dtype)


def _not_zero(std: Tensor) -> Tensor:
    return torch.where(std == 0, 1, std)


class MultiTaskNetwork(nn.Module):
    """A network from sequences of features to logits of every output (source: aim3_mtl sections 4 and 5).

    Attributes:
        feature_width: number of features of a frame.
        outputs: width of each output by its name.
        temporal: settings of the encoders.
        framework: settings of the layers that are shared, and of the feedback.
        order: outputs in the order in which they are computed.
        normalisation: normalisation of the features, with the statistics of the training features.
        shared: stack under all outputs.
        private: private stack of each output.
        heads: head of each output.
        label_sources: outputs whose labels are fed back, in computing order.
        embeddings: embedding of the labels of each of these.
        columns: columns of the features that the head of each output reads; empty where all read all.
    """

    def __init__(
        self,
        feature_width: int,
        outputs: Mapping[str, int],
        temporal: TemporalSettings,
        framework: FrameworkSettings,
        heads: HeadSettings,
        forms: Mapping[str, LabelForm] = NO_FORMS,
        columns: Mapping[str, slice] = NO_COLUMNS,
    ) -> None:
        super().__init__()
        self.columns = dict(columns)
        self.feature_width, self.outputs, self.temporal = feature_width, dict(outputs), temporal
        self.framework = framework
        self.order = computing_order(self.outputs, framework.feedback)
        feeds_labels = framework.feedback_of == "labels"
        self.label_sources = tuple(name for name in self.order if feeds_labels and name in framework.sources)
        self.normalisation = Normalisation(feature_width, temporal.normalise, temporal.mode)
        shared_layers, private_layers = _layers(temporal, framework)
        self.shared = shared_stack(feature_width, temporal, shared_layers)
        self.private, self.heads, self.embeddings = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        fed_widths: dict[str, int] = {}
        problems: list[Problem] = []
        for name in self.order:
            own = self.columns.get(name, slice(0, self.shared.width))
            width = own.stop - own.start + sum(fed_widths[source] for source in framework.feedback.get(name, ()))
            try:
                stack = private_stack(width, temporal, private_layers, above_shared=shared_layers > 0)
            except ProblemError as error:
                problems += [problem for problem in error.problems if problem not in problems]
                stack = IdentityEncoder(width)
            head = Head(
                stack.width,
                self.outputs[name],
                hidden=heads.hidden,
                dropout=heads.dropout,
                tanh=name in heads.tanh,
            )
            self.private[_key(name)], self.heads[_key(name)] = stack, head
            fed_widths[name] = framework.label_width if feeds_labels else head.hidden_width
        if problems:
            raise ProblemError(*problems)
        for source in self.label_sources:
            embedding = LabelEmbedding(self.outputs[source], forms[source], framework.label_width)
            self.embeddings[_key(source)] = embedding

    def forward(self, features: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensors, State]:
        """Logits by output, shape (sequences, frames, width), zero for padding, and the state behind the sequences.

        Normalises the features. For one segment after another, `normalise` the whole sequences once and give the
        segments to `forward_segment`: so `batch` statistics are those of the sequence.

        Args:
            features: features, shape (sequences, frames, feature width), padded behind.
            lengths: number of frames of each sequence, 0 allowed, shape (sequences,).
            state: state that an earlier call returned; None at the start. Gradients end at it.

        Raises:
            ProblemError: E17, features of another width or lengths that do not fit them; `compat` and too many frames.
        """
        return self.forward_segment(self.normalise(features, lengths), lengths, state)

    def linear_layers(self) -> dict[str, nn.Linear] | None:
        """The layer of each output, if every output is a linear map of the normalised features; None otherwise."""
        stacks = [self.shared, *self.private.values()]
        is_direct = all(isinstance(stack, IdentityEncoder) for stack in stacks)
        if self.columns or any(self.framework.feedback.values()) or not is_direct:
            return None
        layers: dict[str, nn.Linear] = {}
        for name in self.outputs:
            head = self.heads[_key(name)]
            assert isinstance(head, Head)
            # the first layer of the hidden part is dropout, the second one of the answer the hyperbolic tangent
            if len(head.hidden) > 1 or len(head.answer) > 1:
                return None
            (only,) = head.answer
            assert isinstance(only, nn.Linear)
            layers[name] = only
        return layers

    def normalise(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Normalise features for `forward_segment`, in the precision of the weights; shapes as in `forward`.

        Raises:
            ProblemError: E17, as `forward`.
        """
        self._refuse_other_shapes(features, lengths)
        weight = next(self.heads.parameters())
        return self.normalisation(features.to(weight.dtype), _valid(features, lengths))

    def forward_segment(
        self,
        features: Tensor,
        lengths: Tensor,
        state: State | None = None,
        positions: Tensor | None = None,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensors, State]:
        """Logits and state as `forward` returns them, of normalised features or a stretch of them.

        Args:
            features: normalised features, as in `forward`.
            lengths: number of frames of each sequence, as in `forward`.
            state: state that an earlier call returned, as in `forward`.
            positions: positions of the frames in time where these have gaps, shape (sequences, frames); `compat` counts
                rows all the same (F8).
            given: labels that are fed back in place of predictions, by source, shape (sequences, frames, labels), as
                `LabelEmbedding.forward` takes them; for training.

        Raises:
            ProblemError: E17, as `forward`.
        """
        self._refuse_other_shapes(features, lengths)
        valid = _valid(features, lengths)
        before: State = state or ((),) * (1 + len(self.order))
        shared, after = self.shared(features, valid, before[0], positions)
        answers: Tensors = {}
        fed: Tensors = {}
        states: list[LayerState] = [after]
        for place, name in enumerate(self.order, start=1):
            own = shared[..., self.columns[name]] if self.columns else shared
            inputs = [own, *(fed[source] for source in self.framework.feedback.get(name, ()))]
            joined = torch.cat(inputs, dim=-1) if len(inputs) > 1 else own
            encoded, after = self.private[_key(name)](joined, valid, before[place], positions)
            answer, hidden = self.heads[_key(name)](encoded)
            if name in self.label_sources:
                fed[name] = self.embeddings[_key(name)](answer, (given or {}).get(name))
            else:
                fed[name] = hidden.detach()
            answers[name] = without_padding(answer, valid)
            states.append(after)
        kept = tuple(tuple(part.detach() for part in layer) for layer in states)
        return {name: answers[name] for name in self.outputs}, kept

    def _refuse_other_shapes(self, features: Tensor, lengths: Tensor) -> None:
        if features.ndim != 3 or features.shape[-1] != self.feature_width:
            found, expected = f"features of shape {tuple(features.shape)}", f"(sequences, frames, {self.feature_width})"
            raise ProblemError(network_problem(found, expected, "give the features the network was built for"))
        if lengths.shape != features.shape[:1] or bool(((lengths < 0) | (lengths > features.shape[1])).any()):
            found = f"lengths {lengths.tolist()} of sequences of shape {tuple(features.shape)}"
            raise ProblemError(network_problem(found, "a length for each, none beyond the frames", "correct them"))


def build_network(
    feature_width: int,
    outputs: Mapping[str, int],
    temporal: TemporalSettings,
    framework: FrameworkSettings,
    heads: HeadSettings,
    *,
    forms: Mapping[str, LabelForm] = NO_FORMS,
    columns: Mapping[str, slice] = NO_COLUMNS,
    seed: int | None = None,
) -> MultiTaskNetwork:
    """Build a network with random weights, in training mode, on torch's default device.

    Args:
        feature_width: number of features of a frame.
        outputs: width of each output by its name, in the order of the answers.
        temporal: settings of the sequence encoder.
        framework: settings of the layers that are shared.
        heads: settings of the heads.
        forms: form of the labels of each output, for feedback of labels.
        columns: columns of the features that the head of each output reads; empty where all read all.
        seed: seed of the weights, which leaves torch's own random state as it was; None draws from that state.

    Raises:
        ProblemError: E17, every fault of the settings.
    """
    problems = temporal_problems(temporal) + framework_problems(outputs, framework, heads)
    if feature_width < 1:
        problems.append(network_problem(f"features of width {feature_width}", "a width of at least 1"))
    if columns and (temporal.encoder != "none" or framework.kind != "shared_encoder"):
        found = f"streams of features with the encoder {temporal.encoder} in a {framework.kind}"
        fix = "remove the sharing, or set encoder = none and kind = shared_encoder"
        problems.append(network_problem(found, "heads on the features themselves", fix))
    if framework.feedback_of == "labels":
        problems += [
            network_problem(f"labels of {name!r} of no known form", "numbers, classes or labels, on or off")
            for name in outputs
            if name in framework.sources and name not in forms
        ]
    if problems:
        raise ProblemError(*problems)
    # every device by name, as manual_seed sets them all, and torch warns where several are meant without being named
    with torch.random.fork_rng(range(torch.cuda.device_count()), enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        network = MultiTaskNetwork(feature_width, outputs, temporal, framework, heads, forms, columns)
        initialise(network)
    return network


def _layers(temporal: TemporalSettings, framework: FrameworkSettings) -> tuple[int, int]:
    """The number of shared layers, and of private layers of each output."""
    match framework.kind:
        case "shared_encoder":
            return (0 if temporal.encoder == "none" else temporal.layers), 0
        case "shared_bottom" | "feedback":
            return max(temporal.layers - framework.private_layers, 0), framework.private_layers
        case _:
            raise ProblemError(*field_problems(framework))


def _valid(features: Tensor, lengths: Tensor) -> Tensor | None:
    frames = features.shape[1]
    if bool((lengths == frames).all()):
        return None
    return torch.arange(frames, device=features.device) < lengths.to(features.device).unsqueeze(-1)


def _key(name: str) -> str:
    """A name for a module: without a dot, and unlike the methods of a dictionary."""
    return f"output_{name.replace('%', '%25').replace('.', '%2E')}"
