"""Hugging Face image classifiers as entries: a local folder with config.json and safetensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from abawbench.base.files import read_input
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.challenges import Categorical, Task
from abawbench.clips.clip import BATCH, Clip
from abawbench.entries.model import Answers, Card, FrameFeatures, Weights, weights_of
from abawbench.entries.names import note_respelt
from abawbench.entries.networks.frame_encoder import FrameEncoder, freeze
from abawbench.entries.networks.torch_layers import LayeredEncoderEntry, require_layer
from abawbench.entries.outputs import correct_rounding, over_frames, softmax
from abawbench.formats.value_forms import near_classes
from abawbench.labels import class_named
from abawbench.models.checkpoints.read import weight_files
from abawbench.models.checkpoints.tensors import check_tensors, sizes_in
from abawbench.models.image_input import ImageInput, Overrides
from abawbench.models.network_config import MOST_PARTS, check_config, check_parameters
from abawbench.models.preprocessor_config import FILE as PREPROCESSOR
from abawbench.models.preprocessor_config import read_image_input
from abawbench.table import Floats

CONFIG = "config.json"
# name of the network of transformers inside of `_Scores`
NETWORK = "network"


@dataclass(frozen=True, slots=True)
class ImageClassifierSettings:
    """Settings of an image classifier entry.

    Attributes:
        folder: folder with config.json, *.safetensors and, unless size, mean and std are set here,
            preprocessor_config.json.
        task: task of the challenge that the model answers.
        labels: class of the challenge for a label of the model; empty for a label to leave out. Other labels are
            matched by name, one to a class. The probabilities of several labels of one class are added up.
        size: height and width in pixels, which replace those of the folder; whole crops are resized to it.
        mean: mean of each channel, on the scale where black is 0 and white is 1, which replaces that of the folder.
        std: deviation of each channel, on the same scale, which replaces that of the folder.
        batch: number of pictures in a forward pass.
        features: layer of the network, as transformers names it, whose output `abawbench extract` takes as features.
        sha256: hash that the only file of weights must have; empty for any.
        weights_licence: licence of the weights.
        weights_source: place where the weights are published.
    """

    folder: Path
    task: str = "expression"
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    batch: int = BATCH
    features: str = ""
    sha256: str = ""
    weights_licence: str = ""
    weights_source: str = ""


class _Scores(nn.Module):
    """A network that scores labels, for a part of the pictures at a time."""

    def __init__(self, network: Any, batch: int) -> None:
        super().__init__()
        self.network, self.batch = network, batch

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.cat([self.network(pixel_values=part).logits for part in pictures.split(self.batch)])


@dataclass(frozen=True, eq=False)
class ImageClassifier(LayeredEncoderEntry):
    """An image classifier as an entry; the features of a frame are the scores of its labels before the softmax.

    Attributes:
        task: task of the entry, with the classes of its labels.
        class_of_label: index of the class of each label; -1 for a label that is left out.
        features: layer of the network that it names as its features; empty for none.
    """

    inside = NETWORK

    task: Categorical
    class_of_label: tuple[int, ...]
    features: str = ""

    @property
    def width(self) -> int:
        """Number of labels of the model."""
        return len(self.class_of_label)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip from the scores of its valid frames: the probabilities of the classes.

        Raises:
            ProblemError: E14, scores that are not finite.
        """
        places = np.array(self.class_of_label)
        odds = softmax(features[:, places >= 0].astype(np.float64))
        values: Floats = odds @ np.eye(len(self.task.classes))[places[places >= 0]]
        file = f"{self.card.weights[-1].file}, {clip.video}"
        fair = correct_rounding(
            self.task, values, file=file, fix="the weights hold numbers that are not finite: bring others"
        )
        return {self.task.name: over_frames(fair, clip)}


def create(card: Card, vocabulary: tuple[Task, ...], settings: ImageClassifierSettings) -> ImageClassifier:
    """Make the entry of `kind = "image-classifier"` in an entry.toml.

    Crops are prepared as by transformers' own image processor; where the folder names no filter, they are resized as
    everywhere in this package.

    Raises:
        ProblemError: F01 no config.json; E02 settings that do not fit, labels without a class, a preprocessing that the
            folder lacks or that cannot be followed; E04 a file that cannot be read, E06 a size that the network does
            not take, E08 tensors missing, E09 code in the folder, E11 no safetensors.
    """
    config = _read_json(settings.folder / CONFIG)
    check_config(config, MOST_PARTS, str(settings.folder / CONFIG))
    problems = Problems()
    try:
        task, places = _classes(config, vocabulary, settings, problems)
        channels = int(config.get("num_channels", 3))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ProblemError(_damaged(settings.folder / CONFIG, error)) from error
    image_input = _image_input(settings, channels, problems)
    if settings.batch < 1:
        problems.add(Problem("E02", f"settings.batch = {settings.batch}", "1 or more", "correct it"))
    if "auto_map" in config:
        named = str(settings.folder / CONFIG)
        problems.add(Problem("E09", "auto_map", "an architecture of transformers", "bring another model", named))
    problems.raise_if_any()
    assert image_input is not None
    weights = _weights(settings)
    module = _Scores(_network(settings.folder, [settings.folder / file.file for file in weights]), settings.batch)
    encoder = FrameEncoder(freeze([module]), (image_input,))
    _try(encoder, settings.folder, len(places))
    facts = {
        "role": "network",
        "kind": str(config.get("model_type", "")),
        "intake": image_input.to_json(),
        "cut": image_input.size,
        "width": len(places),
    }
    labels = list(zip(_labels(config), places, strict=True))
    lost = [label for label, place in labels if place < 0]
    notes = (
        *note_respelt((label, task.classes[place]) for label, place in labels if place >= 0),
        *([f"left out, the others made to sum to 1: {', '.join(lost)}"] if lost else []),
    )
    own = replace(
        card,
        tasks=(task,),
        notes=(*card.notes, *notes),
        weights=(*card.weights, *weights),
        networks=(*card.networks, facts),
    )
    if settings.features:
        require_layer(module.get_submodule(NETWORK), settings.features, "settings.features", "E02")
    return ImageClassifier(own, encoder, task, places, settings.features)


def _image_input(settings: ImageClassifierSettings, channels: int, problems: Problems) -> ImageInput | None:
    """The image input by folder and settings; None where there are problems, which are added."""
    file = settings.folder / PREPROCESSOR
    overrides = Overrides(size=settings.size, mean=settings.mean, std=settings.std)
    try:
        record = _read_json(file) if file.is_file() else {}
        return read_image_input(record, file, channels=channels, overrides=overrides, rule="E02")
    except ProblemError as error:
        for problem in error.problems:
            problems.add(problem)
        return None


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        ProblemError: F01 there is no such file, E04 it is something else.
    """
    if not path.is_file():
        raise ProblemError(Problem("F01", "no such file", "the folder of a model", "check the path", str(path)))
    try:
        return parse_fields(read_input(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise ProblemError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> Problem:
    """E04, a JSON file of a model that does not hold what it should."""
    return Problem("E04", str(error), "the JSON file of an image classifier", "bring it again", str(path))


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the outputs of the network, in its order; those of transformers where the folder names none."""
    names = cast(dict[str, str], config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"})
    return tuple(str(names[key]) for key in sorted(names, key=int))


def _classes(
    config: Mapping[str, Any], vocabulary: tuple[Task, ...], settings: ImageClassifierSettings, problems: Problems
) -> tuple[Categorical, tuple[int, ...]]:
    tasks = {task.name: task for task in vocabulary if isinstance(task, Categorical)}
    if settings.task not in tasks:
        found, expected = f"settings.task = {settings.task}", f"one of {', '.join(tasks) or 'none'}: a task of classes"
        raise ProblemError(Problem("E02", found, expected, "correct the task"))
    task, names = tasks[settings.task], _labels(config)
    for label, name in settings.labels.items():
        if label not in names:
            found = f"settings.labels.{label}"
            problems.add(Problem("E02", found, f"a label of the model: {', '.join(names)}", "correct the label"))
        elif name and name not in task.classes:
            found = f'settings.labels.{label} = "{name}"'
            near = near_classes(task.classes, name)
            fix = f"did you mean {near}?" if near else "correct the class"
            problems.add(Problem("E02", found, f"one of {', '.join(task.classes)}, or empty", fix))
    meant: list[str] = []
    for label in names:
        name = settings.labels.get(label, class_named(label, task.classes))
        if name is None:
            expected = f"a name of {', '.join(task.classes)}"
            near = near_classes(task.classes, label)
            fix = f'write settings.labels."{label}" = "{near or "..."}"; an empty text leaves it out'
            problems.add(Problem("E02", f"the model's label {label}", expected, fix, str(settings.folder / CONFIG)))
        meant.append(name or "")
    for name in task.classes:
        by_name = (label for label, mapped in zip(names, meant, strict=True) if mapped == name)
        own = [label for label in by_name if label not in settings.labels]
        if len(own) > 1:
            found = f"the model's labels {' and '.join(own)}"
            fix = "write into settings.labels what they mean; probabilities of one class are added up"
            problems.add(Problem("E02", found, f"one label of {name}", fix, str(settings.folder / CONFIG)))
    known = tuple(name for name in task.classes if name in meant)
    if not known:
        problems.add(Problem("E02", "no label of a class", "one at least", "correct settings.labels"))
    return replace(task, classes=known), tuple(known.index(name) if name in known else -1 for name in meant)


def _weights(settings: ImageClassifierSettings) -> tuple[Weights, ...]:
    files = sorted(settings.folder.glob("*.safetensors"))
    if not files:
        pickled = sorted(settings.folder.glob("*.bin"))
        found = f"{pickled[0].name} alone" if pickled else "no *.safetensors"
        fix = "convert it to safetensors" if pickled else "bring the weights"
        raise ProblemError(Problem("E11", found, "weights as safetensors", fix, str(settings.folder)))
    if settings.sha256 and len(files) > 1:
        found = f"settings.sha256 for {len(files)} files"
        raise ProblemError(Problem("E02", found, "one file of weights", "leave settings.sha256 out"))
    weight_files(settings.folder)
    about = {"licence": settings.weights_licence, "source": settings.weights_source}
    return tuple(weights_of("network", path, sha256=settings.sha256, **about) for path in files)


def _network(folder: Path, files: Sequence[Path]) -> Any:
    from transformers import AutoConfig, AutoModelForImageClassification
    from transformers.utils import logging

    level, shows_progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        sizes = [size for file in files for size in sizes_in(file)]
        check_config(_read_json(folder / CONFIG), len(sizes), str(folder / CONFIG))
        with torch.device("meta"):
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            empty = AutoModelForImageClassification.from_config(config, trust_remote_code=False)
        expected = sum(parameter.numel() for parameter in empty.parameters())
        check_parameters(expected, sum(sizes), str(folder))
        network, loaded = AutoModelForImageClassification.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except ProblemError:
        raise
    except Exception as error:  # transformers raises whatever its parts raise on files that are damaged or foreign
        reason = str(error).strip().splitlines() or [type(error).__name__]
        expected = "an image classifier that transformers reads"
        raise ProblemError(Problem("E04", reason[0][:200], expected, "bring it again", str(folder))) from error
    finally:
        logging.set_verbosity(level)
        if shows_progress:
            logging.enable_progress_bar()
    # a tensor of another shape comes with both shapes
    absent = sorted({*loaded["missing_keys"], *(key for key, *_ in loaded["mismatched_keys"])})
    if absent:
        found = f"no {', '.join(absent[:3])} in the weights"
        expected = "every tensor of the network, in its shape"
        problem = Problem("E08", found, expected, "bring the weights of this network", str(folder), count=len(absent))
        raise ProblemError(problem)
    check_tensors(network.state_dict(), sum(file.stat().st_size for file in files), str(folder))
    return network


def _try(encoder: FrameEncoder, folder: Path, labels: int) -> None:
    size = encoder.image_inputs[0].size
    try:
        scores = encoder.forward((torch.zeros((1, size, size, 3), dtype=torch.uint8),))
    # a network of others may fail in any way
    except Exception as error:
        found = f"pictures of {size} pixels: {str(error).partition(chr(10))[0][:200]}"
        expected = "pictures of the size that the network takes"
        raise ProblemError(Problem("E06", found, expected, "correct settings.size", str(folder))) from error
    if tuple(scores.shape) != (1, labels):
        found = f"scores of shape {tuple(scores.shape)} for one picture"
        expected = f"one for each of {labels:,} labels"
        raise ProblemError(Problem("E13", found, expected, f"correct id2label in {CONFIG}", str(folder)))
