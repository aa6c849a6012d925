"""FERSNet as an entry: it recognises expressions, and synthesises a face in each of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.challenges import Categorical, Task
from abawbench.clips.clip import Clip, Frames
from abawbench.clips.feature_index import FeatureOrigin
from abawbench.entries.features import origins_of
from abawbench.entries.model import Answers, Card, FrameFeatures
from abawbench.entries.networks.frame_encoder import (
    EncoderEntry,
    FrameEncoder,
    WeightsFile,
    fill_heads,
    freeze,
    normalise,
)
from abawbench.entries.outputs import activate_scores
from abawbench.models.fersnet.network import FersNet, build, synthesise
from abawbench.models.fersnet.settings import FersNetSettings
from abawbench.models.image_input import LARGEST, ImageInput
from abawbench.models.sharing.settings import ConvFlu, Unit

# faces that are synthesised at once
BATCH = 32


@dataclass(frozen=True, slots=True)
class FersNetEntrySettings:
    """Settings of a FERSNet entry.

    Attributes:
        OUT_OF_RANGE: rule of a problem with a value out of its range.
        network: settings of the network.
        size: height and width of the network's pictures in pixels; crops are resized to it.
        colour: order of the channels of the network's pictures; the release has BGR.
        sharing: unit by which recognition and synthesis exchange features.
        expressions: expressions that replace those of the vocabulary.
        weights: weights of the whole network, a safetensors file.
        seed: seed of random weights; without a seed there must be a file.
    """

    OUT_OF_RANGE: ClassVar[str] = "E17"

    network: FersNetSettings = field(default_factory=FersNetSettings)
    size: Annotated[int, Field(ge=1, le=LARGEST)] = 96
    colour: Literal["RGB", "BGR"] = "BGR"
    sharing: Annotated[Unit, Field(discriminator="kind")] = field(default_factory=ConvFlu)
    expressions: tuple[str, ...] = ()
    weights: WeightsFile | None = None
    seed: int | None = None


@dataclass(frozen=True, eq=False)
class FersNetEntry(EncoderEntry):
    """A FERSNet with its weights, as an entry.

    Attributes:
        network: the whole network; its classifier runs in float32 on the CPU, where it costs little.
        seed: seed of random weights, as in the settings.
    """

    network: FersNet
    seed: int | None

    @property
    def origins(self) -> tuple[FeatureOrigin, ...]:
        """Origin of the features that it answers from."""
        return origins_of(self.card, self.seed, None)

    @property
    def width(self) -> int:
        """Number of features of a frame."""
        return self.network.width

    @property
    def expressions(self) -> tuple[str, ...]:
        """Names of the expressions that it recognises and synthesises."""
        return self.card.tasks[0].outputs

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip by the classifier, frame by frame."""
        with torch.inference_mode():
            logits = self.network.classifier(torch.from_numpy(features))
        return activate_scores(self.card.tasks, {self.card.tasks[0].name: logits.double().numpy()}, clip)

    def synthesise(self, crops: Frames, expression: str) -> Frames:
        """Synthesise faces with another expression, whatever other crops the batch holds.

        Args:
            crops: RGB crops, uint8, shape (crops, side, side, 3).
            expression: one of `expressions`.

        Returns:
            RGB faces, uint8, in the shape of the crops; they are as fine as the network's pictures at most.

        Raises:
            ProblemError: E06, no such expression.
        """
        if expression not in self.expressions:
            fix = did_you_mean(expression, self.expressions)
            raise ProblemError(Problem("E06", expression, f"one of {', '.join(self.expressions)}", fix))
        target = self.expressions.index(expression)
        encoder = self.encoder.at(self.encoder.device, "float32")
        (network,), (image_input,) = encoder.modules, encoder.image_inputs
        assert isinstance(network, FersNet)
        (prepared,) = encoder.prepare(crops)
        faces = np.empty_like(crops)
        for begin in range(0, len(crops), BATCH):
            part = slice(begin, begin + BATCH)
            pictures = normalise(prepared[part].to(encoder.device), image_input)
            made = synthesise(network, pictures, target).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            faces[part] = _resized(made[..., ::-1] if image_input.colour == "BGR" else made, crops.shape[1])
        return faces


def create(card: Card, vocabulary: tuple[Task, ...], settings: FersNetEntrySettings) -> FersNetEntry:
    """Make the entry of `kind = "fersnet"` in an entry.toml.

    Raises:
        ProblemError: E02 no picture, or a vocabulary without one task of classes; E11 weights missing;
            E04 E08 weights that cannot be read, or of another network; E17 settings out of range.
    """
    problems: list[Problem] = []
    if card.picture is None:
        expected = "what the crops show, which it synthesises too"
        problems.append(Problem("E02", "no table [picture]", expected, "add size, colour and crop"))
    tasks = tuple(task for task in vocabulary if isinstance(task, Categorical))
    if len(tasks) != 1:
        found = f"a vocabulary with {len(tasks)} tasks of classes"
        problems.append(Problem("E02", found, "one, the expressions", "name the vocabulary of another challenge"))
    if problems:
        raise ProblemError(*problems)
    assert card.picture is not None
    image_input = ImageInput(settings.size, settings.colour, crop=card.picture.crop)
    (task,) = tasks
    if settings.expressions:
        task = replace(task, classes=settings.expressions)
    network = build(settings.network, task.width, settings.size, settings.sharing, seed=settings.seed or 0)
    files = fill_heads(network, settings.weights, settings.seed)
    (module,) = freeze([network])
    facts: dict[str, Any] = {"role": "network", "kind": f"fersnet, {settings.network.topology}"}
    facts |= {"intake": image_input.to_json(), "layer": -1, "pooling": "average", "width": network.width}
    if files:
        facts["sha256"] = files[0].sha256
    return FersNetEntry(
        card=replace(card, tasks=(task,), weights=files, networks=(facts,)),
        encoder=FrameEncoder((module,), (image_input,)),
        network=network,
        seed=settings.seed,
    )


def _resized(faces: Frames, side: int) -> Frames:
    import cv2

    if faces.shape[1] == side:
        return faces
    method = cv2.INTER_AREA if side < faces.shape[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(face, (side, side), interpolation=method) for face in faces])
