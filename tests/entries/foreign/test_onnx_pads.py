"""Padding with an empty third input, as torch's exporter writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from abawbench.entries.foreign.onnx_graph import open_graph
from abawbench.entries.foreign.onnx_pads import with_fusible_pads
from tests.damage import changed_bytes

random = np.random.default_rng(0)
KERNEL = random.normal(size=(16, 3, 3, 3)).astype(np.float32)
PICTURES = random.normal(size=(2, 3, 9, 9)).astype(np.float32)


def padded(*extra: str, nodes: int = 1) -> bytes:
    """A convolution of pictures that are padded on two sides; `extra` are further inputs of the padding."""
    weights = {
        "kernel": KERNEL,
        "sides": np.array([0, 0, 0, 0, 0, 0, 1, 1]),
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    graph = helper.make_graph(
        [
            *(helper.make_node("Identity", ["pictures"], [f"same{place}"]) for place in range(nodes)),
            helper.make_node("Pad", ["pictures", "sides", *extra], ["padded"], name="around"),
            helper.make_node("Conv", ["padded", "kernel"], ["scores"], strides=[2, 2]),
        ],
        "test",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, 9, 9])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 16, 4, 4])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, doc_string="behind").SerializeToString()


def kinds_computed(data: bytes, folder: Path) -> list[str]:
    """Kinds of the nodes that onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def test_padding_becomes_a_part_of_the_convolution(tmp_path):
    data = padded("")
    assert kinds_computed(data, tmp_path) == ["Pad", "Conv"]
    assert kinds_computed(with_fusible_pads(data), tmp_path) == ["Conv"]


@pytest.mark.parametrize(("extra", "left"), [(("",), ()), (("", ""), ()), (("zero", ""), ("zero",))])
def test_nothing_but_the_empty_inputs_changes(extra, left):
    # more than 127 bytes of nodes, so that the length of the graph takes two bytes
    changed = onnx.load_from_string(with_fusible_pads(padded(*extra, nodes=30)))
    assert changed == onnx.load_from_string(padded(*left, nodes=30))


@pytest.mark.parametrize("extra", [(), ("one",), ("", "axes")])
def test_a_graph_without_empty_inputs_at_the_end_stays_as_it_is(extra):
    data = padded(*extra)
    assert with_fusible_pads(data) is data


def test_answers_are_those_of_the_file(tmp_path):
    (tmp_path / "net.onnx").write_bytes(padded(""))
    plain = onnxruntime.InferenceSession(padded(""), providers=["CPUExecutionProvider"])
    (found,) = open_graph(tmp_path / "net.onnx", 60).run(["scores"], [lambda: {"pictures": PICTURES}])
    np.testing.assert_allclose(found[0], plain.run(["scores"], {"pictures": PICTURES})[0], atol=1e-5)


def test_damaged_bytes_give_bytes_and_no_error():
    for data in changed_bytes(padded(""), number=300):
        assert isinstance(with_fusible_pads(data), bytes)


def test_a_length_without_end_is_no_model():
    data = padded("") + b"\x3a" + b"\xff" * 1000
    assert with_fusible_pads(data) is data


@given(st.binary(max_size=60), st.booleans())
def test_bytes_that_are_no_model_are_returned_as_they_are(start, is_within):
    data = start + b"\x22\x03Pad" if is_within else start
    assert isinstance(with_fusible_pads(data), bytes)
