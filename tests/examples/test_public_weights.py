from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from examples.public_weights import face_api_graph, main, mini_xception_graph, read_face_api
from examples.real_data import NETWORKS, real_data


def given(name):
    """The path of a graph that was made with torch, and its weights by name."""
    path = real_data() / NETWORKS[name]
    return path, {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}


def kernel(values):
    return values.transpose(2, 3, 1, 0)


def face_api_tensors(weights):
    """Weights by the names of the package, in its order of dimensions."""
    parts = {"w": "filters", "dw": "depthwise_filter", "pw": "pointwise_filter", "b": "bias"}
    tensors = {"fc/weights": weights["w"].T, "fc/bias": weights["bias"]}
    for name, values in weights.items():
        if name.startswith("b."):
            _, block, number, part = name.split(".")
            turned = {"w": kernel, "pw": kernel, "dw": lambda v: v.transpose(2, 3, 0, 1)}.get(part, np.asarray)
            tensors[f"dense{block}/conv{number[1]}/{parts[part]}"] = turned(values)
    return tensors


def mini_xception_tensors(weights):
    """Weights by the names of the package; the affine map behind each convolution as a normalisation."""
    tensors = {"conv2d_7/kernel": kernel(weights["last.k"]), "conv2d_7/bias": weights["last.bias"]}
    norms = {1: "b1", 2: "b2"}
    for number in (1, 2):
        tensors[f"conv2d_{number}/kernel"] = kernel(weights[f"c{number}.k"])
    for module in range(4):
        tensors[f"conv2d_{3 + module}/kernel"] = kernel(weights[f"m.{module}.0.k"])
        for place in (1, 2):
            name = f"separable_conv2d_{2 * module + place}"
            tensors[f"{name}/depthwise_kernel"] = weights[f"m.{module}.{2 * place}.d"].transpose(2, 3, 0, 1)
            tensors[f"{name}/pointwise_kernel"] = kernel(weights[f"m.{module}.{2 * place}.p"])
        norms |= {3 + 3 * module + place: f"m.{module}.{1 + 2 * place}" for place in range(3)}
    for number, name in norms.items():
        scale, shift = weights[f"{name}.a"].ravel(), weights[f"{name}.b"].ravel()
        values = {"gamma": scale, "beta": shift, "moving_mean": 0 * scale, "moving_variance": 0 * scale + 1 - 1e-3}
        tensors |= {f"batch_normalization_{number}/{part}": value.astype(np.float32) for part, value in values.items()}
    return tensors


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "tensors", "graph"),
    [
        ("2018_muehler_face-api-expression", face_api_tensors, face_api_graph),
        ("2017_arriaga_mini-xception", mini_xception_tensors, mini_xception_graph),
    ],
)
def test_a_graph_answers_as_one_that_was_made_with_torch(name, tensors, graph):
    path, weights = given(name)
    model = graph(tensors(weights))
    onnx.checker.check_model(model)
    sessions = [onnxruntime.InferenceSession(each) for each in (path, model.SerializeToString())]
    shape = sessions[0].get_inputs()[0].shape[1:]
    pictures = np.random.default_rng(0).normal(scale=0.5, size=(4, *shape)).astype(np.float32)
    expected, found = (session.run(["expression", "feature"], {"pictures": pictures}) for session in sessions)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4, rtol=1e-5)


def test_bytes_are_read_by_scale_and_least_value_and_numbers_as_they_are(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(bytes([0, 255]) + np.array([1.5, -2], "<f4").tobytes())
    facts = [
        {"name": "a", "shape": [1, 2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 2, "min": -10}},
        {"name": "b", "shape": [2], "dtype": "float32"},
    ]
    (tmp_path / "model-weights_manifest.json").write_text(json.dumps([{"weights": facts}]))
    tensors = read_face_api(path)
    assert {name: values.tolist() for name, values in tensors.items()} == {"a": [[-10, 500]], "b": [1.5, -2]}


@pytest.mark.parametrize("name", ["face_expression_model.bin", "emotion_model.hdf5", "another.bin"])
def test_another_file_is_a_problem(name, tmp_path):
    path = tmp_path / name
    assert CliRunner().invoke(main, [str(path)]).exit_code == 1
    path.write_bytes(b"another file")
    result = CliRunner().invoke(main, [str(path), "-o", str(tmp_path / "graph.onnx")])
    assert result.exit_code == 1
    assert ("F01" if name == "another.bin" else "E04") in result.output
    assert not (tmp_path / "graph.onnx").exists()
