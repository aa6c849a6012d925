"""Networks as ONNX entries: the folder of an entry of kind `onnx`, whose answers were compared before it is written."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from torch import Tensor, nn

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.entries.entry_file import FILE, read_entry_file
from abawbench.entries.loading import make_entry
from abawbench.entries.model import Card, Entry
from abawbench.entries.outputs import TRAINED
from abawbench.exports.model_card import README, model_card, subject_of_card
from abawbench.exports.networks import Network
from abawbench.exports.scores import picture_of, scores_of
from abawbench.models.image_input import ImageInput
from abawbench.training.learners import LearningEntry
from abawbench.training.results import without_none

MODEL, INPUT, FEATURES = "model.onnx", "pictures", "features"
OPSET = 17
# greatest difference of an answer, a probability or a value in its range
TOLERANCE = 1e-4
# pictures of the comparison: more than one batch of a graph, and none a multiple of another
COMPARED = 11


class _Scores(nn.Module):
    """The scores of an entry as a tuple, features first."""

    def __init__(self, entry: LearningEntry) -> None:
        super().__init__()
        self.entry = entry
        self.parts = nn.ModuleList([*entry.encoder.modules, entry.network])

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        features, scores = scores_of(self.entry, pictures)
        return features, *scores.values()


def onnx_files(network: Network, name: str) -> tuple[dict[str, bytes], float]:
    """The files of the folder of an ONNX entry, and the greatest difference of its answers from the network's.

    Args:
        network: a network that sees each picture alone.
        name: name of the new entry, which is that of its folder.

    Raises:
        ProblemError: C02 the network sees videos or features, or cannot be exported; E14 the graph answers otherwise.
    """
    entry = network.entry
    image_input = picture_of(entry)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        _export(entry, image_input, folder / MODEL)
        record = _entry_record(network, name, image_input, sha256_of(folder / MODEL))
        (folder / FILE).write_text(tomli_w.dumps(record), "utf-8")
        made = make_entry(read_entry_file(folder / FILE), folder / FILE)
        assert isinstance(made, Entry)
        difference = _difference(entry, made, image_input)
        if not difference <= TOLERANCE:
            found, expected = f"answers that differ by {difference:.2g}", f"at most {TOLERANCE:g}"
            raise ProblemError(Problem("E14", found, expected, "export it to a Hugging Face folder", entry.card.name))
        (folder / README).write_text(_page(made.card, entry.card, difference), "utf-8")
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}, difference


def _export(entry: LearningEntry, image_input: ImageInput, path: Path) -> None:
    # without it the exporter blames the network
    importlib.import_module("onnx")
    names = [FEATURES, *(_output(task.name) for task in entry.card.tasks)]
    channels, size = image_input.channels, image_input.size
    example = torch.zeros(2, channels, size, size)
    loggers = logging.getLogger("torch.onnx")
    level = loggers.level
    try:
        # the exporter tells its users about itself at length
        loggers.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Scores(entry).eval(),
                (example,),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=names,
                dynamic_axes={each: {0: "n"} for each in (INPUT, *names)},
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        found = f"{entry.card.name}: {str(error).splitlines()[0]}"
        fix = "export it to a Hugging Face folder"
        raise ProblemError(Problem("C02", found, "a network of operations that ONNX has", fix)) from error
    finally:
        loggers.setLevel(level)


def _output(task: str) -> str:
    return f"scores_{task}"


def _entry_record(network: Network, name: str, image_input: ImageInput, sha256: str) -> dict[str, Any]:
    """The content of the new entry.toml."""
    content, card = network.content, network.entry.card
    # random weights are made by the code
    licences = dict.fromkeys(file.licence for file in card.weights if file.licence) or [content.licence]
    settings = {key: value for key, value in asdict(image_input).items() if key not in {"crop", "resize_to"}}
    if image_input.resize_to is not None:
        settings["resize_to"] = image_input.resize_to
    if image_input.colour != "grey":
        del settings["grey"]
    outputs = {
        task.name: {"output": _output(task.name), "names": list(task.outputs), "activation": TRAINED[type(task)]}
        for task in card.tasks
    }
    return without_none(
        {
            **content.model_dump(exclude={"settings", "training", "kind", "name", "notes"}),
            "name": name,
            "kind": "onnx",
            "notes": [*content.notes, f"exported from {content.name}"],
            "settings": {
                "model": MODEL,
                "sha256": sha256,
                "weights_licence": ", ".join(licences),
                "features": FEATURES,
                **settings,
                "outputs": outputs,
            },
        }
    )


def _difference(entry: Entry, made: Entry, image_input: ImageInput) -> float:
    """The greatest difference of answers to pictures of noise, smooth and rough."""
    generator = np.random.default_rng(0)
    side = image_input.crop_size
    rough = generator.integers(0, 256, (COMPARED, side, side, 3), np.uint8)
    smooth = np.broadcast_to(generator.integers(0, 256, (COMPARED, 1, 1, 3), np.uint8), rough.shape)
    crops = np.concatenate([rough, smooth])
    count = len(crops)
    clip = Clip("noise", np.arange(1, count + 1, dtype=np.int32), np.ones(count, bool), side, lambda rows: crops[rows])
    first, second = entry.predict(clip), made.predict(clip)
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


def _page(made: Card, entry: Card, difference: float) -> str:
    usage = (
        f"    abawbench predict {made.name} DATA -o STORE\n\n"
        f"The network of {entry.name} as an ONNX graph. Its answers to {2 * COMPARED} pictures of noise differ by "
        f"{difference:.1g} at most. The outputs `scores_...` are scores before their activation."
    )
    return model_card(subject_of_card(made, usage))
