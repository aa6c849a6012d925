"""The multi-task network: a shared stack, private stacks with feedback, a head for each output."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from abawbench.base.problems import ProblemError
from abawbench.models.frameworks.graph import computing_order
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings, framework_problems
from abawbench.models.heads import Head
from abawbench.models.temporal.encoder import LayerState, without_padding
from abawbench.models.temporal.encoders import initialise, private_stack, shared_stack
from abawbench.models.temporal.normalisation import Normalisation
from abawbench.models.temporal.settings import TemporalSettings, network_problem, temporal_problems

# of the shared stack, then of the private stack of each output in computing order
State = tuple[LayerState, ...]
Tensors = dict[str, Tensor]


class MultiTaskNetwork(nn.Module):
    """Sequences of features to logits of every output, frame by frame (source: aim3_mtl sections 4 and 5).

    Attributes:
        feature_width: numbers for each frame.
        outputs: width of each output by name.
        temporal: settings of the encoders.
        feedback: the outputs each target sees.
        order: outputs in the order in which they are computed.
        normalisation: of the features; holds the statistics of the training features.
        shared: the stack under all outputs.
        private: the stack of each output.
        heads: the head of each output.
    """

    def __init__(
        self,
        feature_width: int,
        outputs: Mapping[str, int],
        temporal: TemporalSettings,
        framework: FrameworkSettings,
        heads: HeadSettings,
    ) -> None:
        super().__init__()
        self.feature_width, self.outputs, self.temporal = feature_width, dict(outputs), temporal
        self.feedback = {target: tuple(sources) for target, sources in framework.feedback.items()}
        self.order = computing_order(self.outputs, self.feedback)
        self.normalisation = Normalisation(feature_width, temporal.normalise, temporal.mode)
        shared_layers, private_layers = _layers(temporal, framework)
        self.shared = shared_stack(feature_width, temporal, shared_layers)
        self.private, self.heads = nn.ModuleDict(), nn.ModuleDict()
        hidden_widths: dict[str, int] = {}
        for name in self.order:
            width = self.shared.width + sum(hidden_widths[source] for source in self.feedback.get(name, ()))
            stack = private_stack(width, temporal, private_layers, above_shared=shared_layers > 0)
            head = Head(
                stack.width,
                self.outputs[name],
                hidden=heads.hidden,
                dropout=heads.dropout,
                tanh=name in heads.tanh,
            )
            self.private[_key(name)], self.heads[_key(name)] = stack, head
            hidden_widths[name] = head.hidden_width

    def forward(self, features: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensors, State]:
        """Logits by output, shape (sequences, frames, width), zero for padding, and the state behind the sequences.

        Normalises the features. For one segment after another, `normalise` the whole sequences once and give the
        segments to `forward_segment`: so `batch` statistics are those of the sequence.

        Args:
            features: shape (sequences, frames, feature width), padded behind.
            lengths: frames of each sequence, 0 allowed; shape (sequences,).
            state: what an earlier call gave; None at the start. Gradients end at it.

        Raises:
            ProblemError: E17, features of another width or lengths that do not fit them; `compat` and too many frames.
        """
        return self.forward_segment(self.normalise(features, lengths), lengths, state)

    def normalise(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Features as `forward_segment` takes them, in the precision of the weights; shapes as in `forward`.

        Raises:
            ProblemError: E17, as `forward`.
        """
        self._refuse_other_shapes(features, lengths)
        weight = next(self.heads.parameters())
        return self.normalisation(features.to(weight.dtype), _valid(features, lengths))

    def forward_segment(
        self, features: Tensor, lengths: Tensor, state: State | None = None, positions: Tensor | None = None
    ) -> tuple[Tensors, State]:
        """As `forward`, of features (or a stretch of them) as `normalise` gives them, so with zeros for padding.

        `positions`, shape (sequences, frames), are the places of the frames in time where these leave gaps; `compat`
        counts list entries whatever they say (F8).
        """
        answers, _, state = self._computed(features, lengths, state, positions)
        return answers, state

    def hidden_vectors(self, features: Tensor, lengths: Tensor, state: State | None = None) -> Tensors:
        """The last hidden vector of each head, shape (sequences, frames, hidden width); arguments as of `forward`."""
        return self._computed(self.normalise(features, lengths), lengths, state, None)[1]

    def _computed(
        self, features: Tensor, lengths: Tensor, state: State | None, positions: Tensor | None
    ) -> tuple[Tensors, Tensors, State]:
        self._refuse_other_shapes(features, lengths)
        valid = _valid(features, lengths)
        before: State = state or ((),) * (1 + len(self.order))
        shared, after = self.shared(features, valid, before[0], positions)
        answers: Tensors = {}
        hidden: Tensors = {}
        states: list[LayerState] = [after]
        for place, name in enumerate(self.order, start=1):
            seen = [shared, *(hidden[source].detach() for source in self.feedback.get(name, ()))]
            joined = torch.cat(seen, dim=-1) if len(seen) > 1 else shared
            encoded, after = self.private[_key(name)](joined, valid, before[place], positions)
            answer, hidden[name] = self.heads[_key(name)](encoded)
            answers[name] = without_padding(answer, valid)
            states.append(after)
        kept = tuple(tuple(part.detach() for part in layer) for layer in states)
        return {name: answers[name] for name in self.outputs}, hidden, kept

    def _refuse_other_shapes(self, features: Tensor, lengths: Tensor) -> None:
        if features.ndim != 3 or features.shape[-1] != self.feature_width:
            found, expected = f"features of shape {tuple(features.shape)}", f"(sequences, frames, {self.feature_width})"
            raise ProblemError(network_problem(found, expected, "give the features the network was built for"))
        if lengths.shape != features.shape[:1] or bool(((lengths < 0) | (lengths > features.shape[1])).any()):
            found = f"lengths {lengths.tolist()} of sequences of shape {tuple(features.shape)}"
            raise ProblemError(network_problem(found, "a length for each, none beyond the frames", "correct them"))


def new_network(
    feature_width: int,
    outputs: Mapping[str, int],
    temporal: TemporalSettings,
    framework: FrameworkSettings,
    heads: HeadSettings,
    *,
    seed: int | None,
) -> MultiTaskNetwork:
    """What `abawbench.models.frameworks.build_network` says."""
    problems = temporal_problems(temporal) + framework_problems(outputs, framework, heads)
    if feature_width < 1:
        problems.append(network_problem(f"features of width {feature_width}", "a width of at least 1"))
    if problems:
        raise ProblemError(*problems)
    # every device by name, as manual_seed sets them all, and torch warns where several are meant without being named
    with torch.random.fork_rng(range(torch.cuda.device_count()), enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        network = MultiTaskNetwork(feature_width, outputs, temporal, framework, heads)
        initialise(network)
    return network


def _layers(temporal: TemporalSettings, framework: FrameworkSettings) -> tuple[int, int]:
    """How many layers are shared, and how many private to each output."""
    if framework.kind != "shared_encoder":
        return max(temporal.layers - framework.private_layers, 0), framework.private_layers
    return (0 if temporal.encoder == "none" else temporal.layers), 0


def _valid(features: Tensor, lengths: Tensor) -> Tensor | None:
    frames = features.shape[1]
    if bool((lengths == frames).all()):
        return None
    return torch.arange(frames, device=features.device) < lengths.to(features.device).unsqueeze(-1)


def _key(name: str) -> str:
    """Names of modules have no dot, and may not be those of a dictionary's methods."""
    return f"output_{name.replace('%', '%25').replace('.', '%2E')}"
