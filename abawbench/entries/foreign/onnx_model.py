"""ONNX graphs as entries: pictures in, one output of the graph for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems, did_you_mean
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.features import layer_card
from abawbench.entries.foreign.onnx_graph import CORES, Graph, open_graph
from abawbench.entries.model import Answers, Card, FrameFeatures, weights_of
from abawbench.entries.names import read_names
from abawbench.entries.outputs import (
    ACTIVATIONS,
    Activation,
    activate,
    correct_rounding,
    over_frames,
    refuse_probabilities,
)
from abawbench.models.image_input import ImageInput, Pictures
from abawbench.table import Floats

# pictures that a graph computes at a time, where it takes any number: more of them leave the caches of a core
PIECE = 4
# pictures of the largest batch that a graph may be fixed to
LARGEST_BATCH = 4096
NUMBERS = {f"tensor({kind})" for kind in ("float", "float16", "double")}


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Settings of the output of the graph that answers a task.

    Attributes:
        output: name of the output in the graph.
        names: names of its columns or classes, in the order of the graph, as `read_names` reads them.
        activation: function that makes answers of its numbers.
    """

    output: str
    names: tuple[str, ...]
    activation: Activation = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxSettings(ImageInput):
    """Settings of an ONNX entry: the pictures that the graph takes, its file and its outputs.

    Attributes:
        model: `.onnx` file with its weights inside.
        outputs: output of the graph for each task of the challenge.
        mean: mean of each channel, which must be given, as `std` must.
        std: deviation of each channel.
        crop: not a setting, for it stands with the picture of the card.
        input: name of the input in the graph; empty for the only one.
        features: output of the graph that `abawbench extract` takes as features, none of those that answer; empty for
            none.
        sha256: hash that the file must have, or those of several conversions of one network; empty for any.
        weights_licence: licence of the file.
        weights_source: place where the file is published.
        seconds: time that a batch may take; the first one may take twice as long.
    """

    model: Path
    outputs: Mapping[str, OutputSettings]
    # a file says nothing of its normalisation, so that no default can be right
    mean: tuple[float, ...]  # pyright: ignore[reportGeneralTypeIssues]
    std: tuple[float, ...]  # pyright: ignore[reportGeneralTypeIssues]
    crop: str = field(init=False, default="")
    input: str = ""
    features: str = ""
    sha256: str | tuple[str, ...] = ""
    weights_licence: str = ""
    weights_source: str = ""
    seconds: Annotated[float, Field(gt=0, le=86400)] = 60.0

    @property
    def image_input(self) -> ImageInput:
        """The pictures that the graph takes."""
        return ImageInput(**{each.name: getattr(self, each.name) for each in fields(ImageInput)})


@dataclass(frozen=True, eq=False)
class GraphOutput:
    """An output of the graph, with its task and its activation; `begin` is its first column among the features."""

    task: Task
    output: str
    activation: Activation
    begin: int

    @property
    def end(self) -> int:
        """The column behind its last one."""
        return self.begin + self.task.width


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """An ONNX graph as an entry, which answers with onnxruntime on the CPU.

    Attributes:
        card: description of the entry.
        image_input: pictures that the graph takes.
        parts: output of the graph for each task.
        batch: number of pictures that the graph takes at a time; 0 for any number.
        graph: graph of the file.
        features: output of the graph that it names as its features; empty for none.
    """

    card: Card
    image_input: ImageInput
    parts: tuple[GraphOutput, ...]
    batch: int
    graph: Graph
    features: str = ""

    def predict(self, clip: Clip) -> Answers:
        """Answer for each frame of a clip; NaN on invalid frames.

        Raises:
            ProblemError: E12 a batch takes too long, E13 an output of another width than its names, E14 an answer out
                of range.
        """
        return predict_frame_wise(self, clip)

    def encode(self, crops: Frames) -> FrameFeatures:
        """Encode crops as the outputs of the graph side by side, shape (crops, width).

        Raises:
            ProblemError: E12 a batch takes too long, E13 an output of another width than its names.
        """
        features = np.empty((len(crops), self.parts[-1].end), np.float32)
        for part, values in zip(self.parts, self.run(crops, [part.output for part in self.parts]), strict=True):
            if values.size != len(crops) * part.task.width:
                found = f"output {part.output} of {values.shape[1]} columns"
                raise ProblemError(_another_width(found, part.task.width, self.card.weights[-1].file))
            features[:, part.begin : part.end] = values.reshape(len(crops), part.task.width)
        return features

    def run(self, crops: Frames, outputs: Sequence[str]) -> list[FrameFeatures]:
        """Run the graph on crops, and return each of these outputs with all axes behind the first flattened.

        Raises:
            ProblemError: E12 a batch takes too long, E13 an output without a row for each picture.
        """
        step = self.batch or min(PIECE, -(-len(crops) // CORES)) or 1
        pieces = [crops[begin : begin + step] for begin in range(0, len(crops), step)]
        made = self.graph.run(outputs, [partial(self._inputs, piece) for piece in pieces])
        parts: list[list[FrameFeatures]] = [[] for _ in outputs]
        for piece, values_of_outputs in zip(pieces, made, strict=True):
            for part, output, values in zip(parts, outputs, values_of_outputs, strict=True):
                part.append(self._rows(output, values, self.batch or len(piece))[: len(piece)])
        return [np.concatenate(part) if part else np.empty((0, 0), np.float32) for part in parts]

    def _inputs(self, crops: Frames) -> dict[str, Pictures]:
        """The input of the graph for some crops; black ones fill a graph of a fixed batch."""
        if self.batch > len(crops):
            crops = np.concatenate([crops, np.zeros((self.batch - len(crops), *crops.shape[1:]), np.uint8)])
        return {self.graph.session.get_inputs()[0].name: self.image_input.pictures(crops)}

    def _rows(self, output: str, values: Any, rows: int) -> FrameFeatures:
        array = np.asarray(values, np.float32)
        if not array.ndim or array.shape[0] != rows:
            found = f"output {output} of shape {array.shape} for {rows} pictures"
            file = self.card.weights[-1].file
            raise ProblemError(Problem("E13", found, "a row for each picture", "export the graph again", file))
        return array.reshape(rows, -1)

    def layers(self) -> tuple[str, ...]:
        """Names of the outputs of the graph that hold numbers and answer no task."""
        answering = {part.output for part in self.parts}
        outputs = self.graph.session.get_outputs()
        return tuple(each.name for each in outputs if each.type in NUMBERS and each.name not in answering)

    def layer(self, name: str) -> OnnxLayer:
        """The entry whose features are those of an output of the graph.

        Raises:
            ProblemError: C02 there is no such output, or it answers a task; E12 E13 as `run`.
        """
        problem = self.layer_problem(name, self.card.name, "C02")
        if problem is not None:
            raise ProblemError(problem)
        size = self.image_input.crop_size
        width = self.run(np.zeros((1, size, size, 3), np.uint8), [name])[0].shape[1]
        sha256 = self.card.weights[-1].sha256
        about = layer_card(self.card, self.image_input, name, f"output {name}", kind="onnx", sha256=sha256, width=width)
        return OnnxLayer(about, self, name, width)

    def layer_problem(self, name: str, place: str, rule: str) -> Problem | None:
        """A problem of this rule where an output is not there, or answers a task; else None."""
        known, file = self.layers(), self.card.weights[-1].file
        if name in known:
            return None
        is_answer = any(name == part.output for part in self.parts)
        found = f"{place}: {'the scores' if is_answer else 'no output'} {name}"
        if not known:
            fix = "export the graph with a layer below its scores as another output"
            return Problem(rule, found, "an output below the scores, and the graph has none", fix, file)
        return Problem(rule, found, f"one of {', '.join(known)}", did_you_mean(name, known, "name one of these"), file)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip from the outputs for its valid frames.

        Raises:
            ProblemError: E14, an answer out of range, or scores that are probabilities before their activation.
        """
        answers: dict[str, Floats] = {}
        for part in self.parts:
            scores = features[:, part.begin : part.end].astype(np.float64)
            place = f"settings.outputs.{part.task.name}.activation"
            file = f"{self.card.weights[-1].file}, {clip.video}"
            refuse_probabilities(part.task, scores, part.activation, file=file, place=place)
            values = activate(part.task, scores, part.activation)
            others = [name for name in ACTIVATIONS[type(part.task)] if name != part.activation]
            fix = f"set {place}: {' or '.join(others)}"
            answers[part.task.name] = over_frames(correct_rounding(part.task, values, file=file, fix=fix), clip)
        return answers


@dataclass(frozen=True, eq=False)
class OnnxLayer:
    """An entry whose features are those of an output of an ONNX graph; it answers nothing.

    Attributes:
        card: description of the entry.
        model: graph with its pictures.
        output: name of the output.
        width: number of features of a frame.
    """

    card: Card
    model: OnnxModel
    output: str
    width: int

    def encode(self, crops: Frames) -> FrameFeatures:
        """Encode crops as features, shape (crops, width).

        Raises:
            ProblemError: E12 a batch takes too long, E13 an output of another width than before.
        """
        (features,) = self.model.run(crops, [self.output])
        if features.size != len(crops) * self.width:
            found = f"output {self.output} of {features.shape[1]} numbers"
            file = self.card.weights[-1].file
            raise ProblemError(Problem("E13", found, f"{self.width}, as before", "export the graph again", file))
        return features.reshape(len(crops), self.width)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Features are no answers."""
        raise NotImplementedError

    def predict(self, clip: Clip) -> Answers:
        """Features are no answers."""
        raise NotImplementedError


def create(card: Card, vocabulary: tuple[Task, ...], settings: OnnxSettings) -> OnnxModel:
    """Make the entry of `kind = "onnx"` in an entry.toml.

    Its card holds each task of `settings.outputs` with exactly the names there.

    Raises:
        ProblemError: E02 settings that do not fit, E11 no such file, E04 another file, E06 an input of another type
            or shape, E13 an output that is missing or of another width than its names.
    """
    image_input = settings.image_input
    parts, notes = _parts(vocabulary, settings.outputs)
    weights = weights_of(
        "network",
        settings.model,
        sha256=settings.sha256,
        licence=settings.weights_licence,
        source=settings.weights_source,
    )
    graph = open_graph(settings.model, settings.seconds)
    problems = Problems()
    batch = _batch(graph.session, settings, image_input, problems)
    _check_outputs(graph.session, parts, settings.model, problems)
    problems.raise_if_any()
    network = {"role": "network", "kind": "onnx", "intake": image_input.to_json(), "width": parts[-1].end}
    own = replace(
        card,
        tasks=tuple(part.task for part in parts),
        notes=(*card.notes, *notes),
        weights=(*card.weights, weights),
        networks=(*card.networks, network),
    )
    model = OnnxModel(own, image_input, parts, batch, graph, settings.features)
    problem = model.layer_problem(settings.features, "settings.features", "E02") if settings.features else None
    if problem is not None:
        raise ProblemError(problem)
    return model


def _parts(
    vocabulary: tuple[Task, ...], outputs: Mapping[str, OutputSettings]
) -> tuple[tuple[GraphOutput, ...], tuple[str, ...]]:
    """The outputs of the graph, and notes on their names."""
    tasks = {task.name: task for task in vocabulary}
    problems = Problems()
    parts: list[GraphOutput] = []
    notes: list[str] = []
    begin = 0
    for name, output in outputs.items():
        place = f"settings.outputs.{name}"
        if name not in tasks:
            problems.add(Problem("E02", place, f"a task: {', '.join(tasks)}", "correct the name of the task"))
            continue
        task = tasks[name]
        if output.activation not in ACTIVATIONS[type(task)]:
            expected = f"one of {', '.join(ACTIVATIONS[type(task)])}"
            problems.add(Problem("E02", f"{place}.activation = {output.activation}", expected, "correct it"))
        own, said = read_names(output.names, task, f"{place}.names", problems)
        notes += said
        parts.append(GraphOutput(own, output.output, output.activation, begin))
        begin = parts[-1].end
    if not outputs:
        problems.add(Problem("E02", "no settings.outputs", "an output for one task at least", "add one"))
    problems.raise_if_any()
    return tuple(parts), tuple(notes)


def _batch(session: Any, settings: OnnxSettings, image_input: ImageInput, problems: Problems) -> int:
    """Number of pictures that the graph takes at a time; 0 for any number."""
    inputs: Sequence[Any] = session.get_inputs()
    named = [each for each in inputs if settings.input in {"", each.name}]
    file = str(settings.model)
    if len(inputs) != 1 or not named:
        found = f"inputs {', '.join(each.name for each in inputs)}"
        expected = f"the input {settings.input} alone" if settings.input else "one input"
        problems.add(Problem("E06", found, expected, "name the input, or export the graph without the others", file))
        return 0
    graph_input = named[0]
    wanted = image_input.shape
    shape = tuple(graph_input.shape)
    fits = len(shape) == 4 and all(
        not isinstance(length, int) or length == side for length, side in zip(shape[1:], wanted, strict=True)
    )
    if graph_input.type != "tensor(float)" or not fits:
        sides = ", ".join(str(length) for length in shape)
        found = f"input {graph_input.name}: {graph_input.type} of shape ({sides})"
        expected = f"tensor(float) of shape (pictures, {', '.join(map(str, wanted))})"
        fix = "correct settings.size, settings.colour and settings.layout, or export again"
        problems.add(Problem("E06", found, expected, fix, file))
    batch = shape[0] if shape and isinstance(shape[0], int) else 0
    if shape and isinstance(shape[0], int) and not 1 <= batch <= LARGEST_BATCH:
        expected = f"any number of pictures, or 1 to {LARGEST_BATCH:,}"
        problems.add(Problem("E06", f"an input of {batch:,} pictures", expected, "export it with a free batch", file))
    return batch


def _check_outputs(session: Any, parts: Sequence[GraphOutput], path: Path, problems: Problems) -> None:
    known = {output.name: output for output in session.get_outputs()}
    for part in parts:
        if part.output not in known:
            found = f"no output {part.output}"
            expected = f"one of {', '.join(known)}"
            problems.add(Problem("E13", found, expected, f"correct settings.outputs.{part.task.name}", str(path)))
            continue
        output = known[part.output]
        if output.type not in NUMBERS:
            found = f"output {part.output}: {output.type}"
            fix = "export the scores of the network, not what is made of them"
            problems.add(Problem("E13", found, "a tensor of numbers", fix, str(path)))
            continue
        sides = tuple(output.shape)[1:]
        if all(isinstance(side, int) for side in sides) and int(np.prod(sides)) != part.end - part.begin:
            found = f"output {part.output} of {int(np.prod(sides))} columns"
            problems.add(_another_width(found, part.end - part.begin, str(path)))


def _another_width(found: str, width: int, file: str) -> Problem:
    return Problem("E13", found, f"{width} columns, one for each of its names", "correct the names", file)
