"""Graphs that never end, are larger than memory, or are no graphs: a problem, and never another error."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries.foreign import onnx_graph
from abawbench.entries.foreign.onnx_graph import open_graph
from abawbench.entries.foreign.onnx_model import OnnxSettings, OutputSettings, create
from abawbench.entries.model import Card
from abawbench.inference.predict import predict
from tests.damage import changed_bytes, outcome

SIZE = 8
FLOAT = TensorProto.FLOAT


def save(path: Path, nodes, *, output=("N", 2), kind=FLOAT, weights=(), batch: int | str = "N") -> Path:
    inputs = [helper.make_tensor_value_info("crops", FLOAT, [batch, 3, SIZE, SIZE])]
    outputs = [helper.make_tensor_value_info("va", kind, output)]
    graph = helper.make_graph(nodes, "test", inputs, outputs, [numpy_helper.from_array(a, n) for n, a in weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


MEANS = [
    helper.make_node("ReduceMean", ["crops"], ["mean"], axes=[2, 3], keepdims=0),
    helper.make_node("MatMul", ["mean", "two"], ["va"]),
]
TWO = ("two", np.ones((3, 2), np.float32) / 10)


def endless(path: Path) -> Path:
    """A loop whose condition stays true."""
    ports = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (("i", TensorProto.INT64, []), ("on", TensorProto.BOOL, []), ("x", FLOAT, None))
    ]
    ends = [
        helper.make_tensor_value_info("on_", TensorProto.BOOL, []),
        helper.make_tensor_value_info("x_", FLOAT, None),
    ]
    same = [helper.make_node("Identity", ["on"], ["on_"]), helper.make_node("Identity", ["x"], ["x_"])]
    body = helper.make_graph(same, "body", ports, ends)
    loop = helper.make_node("Loop", ["", "true", "crops"], ["looped"], body=body)
    mean = helper.make_node("ReduceMean", ["looped"], ["mean"], axes=[2, 3], keepdims=0)
    return save(path, [loop, mean, MEANS[1]], weights=[("true", np.array(True)), TWO])


def huge(path: Path) -> Path:
    """A tensor of 4 terabytes."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceMean", ["zeros"], ["zero"], keepdims=0),
        *MEANS[:1],
        helper.make_node("Add", ["mean", "zero"], ["more"]),
        helper.make_node("MatMul", ["more", "two"], ["va"]),
    ]
    return save(path, nodes, weights=[("shape", np.array([10**6, 10**6])), TWO])


def entry_of(path: Path, **changes):
    va = {"va": OutputSettings("va", ("valence", "arousal"), "tanh")}
    settings = OnnxSettings(
        **({"model": path, "size": SIZE, "mean": (0.5,) * 3, "std": (0.5,) * 3, "outputs": va} | changes)
    )
    return create(Card("2026_test_onnx", "test", (), None), challenges.get("abaw4-mtl").tasks, settings)


CROPS = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)


def test_a_loop_without_end_ends_with_a_problem_and_is_not_tried_again(tmp_path):
    entry = entry_of(endless(tmp_path / "net.onnx"), seconds=0.2)
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(ProblemError, match=r"E12(.|\n)*settings.seconds"):
            entry.encode(CROPS)
    assert time.monotonic() - began < 5


def test_the_first_run_may_take_twice_as_long(tmp_path, monkeypatch):
    waits: list[float] = []
    entry = entry_of(save(tmp_path / "net.onnx", MEANS, weights=[TWO]), seconds=30)

    class Noted(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            return super().wait(timeout)

    monkeypatch.setattr(onnx_graph.threading, "Event", Noted)
    monkeypatch.setattr(onnx_graph.threading.Thread, "start", lambda self: self.run())
    for _ in range(3):
        entry.predict(clip_in_memory("v", CROPS))
    assert waits == [60, 30, 30]


def test_ctrl_c_is_heard_while_a_graph_computes(tmp_path):
    path = endless(tmp_path / "net.onnx")
    program = textwrap.dedent(f"""
        import numpy as np
        from pathlib import Path
        from abawbench.entries.foreign.onnx_graph import open_graph
        graph = open_graph(Path({str(path)!r}), 600)
        print("now", flush=True)
        try:
            graph.run(["va"], [lambda: {{"crops": np.zeros((1, 3, 8, 8), np.float32)}}])
        except KeyboardInterrupt:
            print("stopped")
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "stopped\n"
    assert process.returncode == 0


def opened(tmp_path: Path):
    return open_graph(save(tmp_path / "net.onnx", MEANS, weights=[TWO]), 60)


def test_outputs_have_the_order_of_the_inputs(tmp_path):
    constant = [partial(np.full, (count, 3, SIZE, SIZE), count, np.float32) for count in range(1, 40)]
    found = opened(tmp_path).run(["va"], [lambda make=make: {"crops": make()} for make in constant])
    expected = [np.full((count, 2), 0.3 * count) for count in range(1, 40)]
    for (values,), others in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, others, rtol=1e-5)


def test_no_input_gives_no_output(tmp_path):
    assert opened(tmp_path).run(["va"], []) == []


def test_an_input_that_fails_ends_the_run_with_its_error(tmp_path):
    made: list[int] = []

    def make(place: int) -> dict[str, np.ndarray]:
        made.append(place)
        if place == 3:
            raise KeyError("the third")
        return {"crops": np.zeros((1, 3, SIZE, SIZE), np.float32)}

    with pytest.raises(KeyError, match="the third"):
        opened(tmp_path).run(["va"], [partial(make, place) for place in range(500)])
    assert len(made) < 500


def test_all_inputs_together_have_the_time_of_one_run(tmp_path):
    graph = open_graph(save(tmp_path / "net.onnx", MEANS, weights=[TWO]), 0.1)

    def make() -> dict[str, np.ndarray]:
        time.sleep(0.05)
        return {"crops": np.zeros((1, 3, SIZE, SIZE), np.float32)}

    with pytest.raises(ProblemError, match=r"E12(.|\n)*settings.seconds"):
        graph.run(["va"], [make] * 1000)


def test_a_tensor_beyond_memory_fails_the_entry_alone(tmp_path):
    entry = entry_of(huge(tmp_path / "net.onnx"))
    with pytest.raises(Exception, match="ConstantOfShape"):
        entry.encode(CROPS)


ODD = {
    "a sequence": ([MEANS[0], helper.make_node("SequenceConstruct", ["mean"], ["va"])], {"kind": FLOAT}, "E04|E13"),
    "texts": (
        [MEANS[0], helper.make_node("Cast", ["mean"], ["va"], to=TensorProto.STRING)],
        {"kind": TensorProto.STRING, "output": ("N", 3)},
        "E13",
    ),
    "whole numbers": (
        [MEANS[0], helper.make_node("Cast", ["mean"], ["va"], to=TensorProto.INT64)],
        {"kind": TensorProto.INT64, "output": ("N", 3)},
        "E13",
    ),
    "a single number": ([helper.make_node("ReduceMean", ["crops"], ["va"], keepdims=0)], {"output": ()}, "E13"),
    "another width": (MEANS, {"output": ("N", 2), "names": ("valence",)}, "E13"),
    "a batch of a billion": (MEANS, {"batch": 10**9, "output": (10**9, 2)}, "E06"),
    "a batch of none": (MEANS, {"batch": 0, "output": (0, 2)}, "E06"),
}


@pytest.mark.parametrize("name", ODD)
def test_outputs_and_inputs_of_other_kinds_are_refused(tmp_path, name):
    nodes, options, rule = ODD[name]
    options = dict(options)
    names = options.pop("names", ("valence", "arousal"))
    path = save(tmp_path / "net.onnx", nodes, weights=[TWO], **options)
    with pytest.raises(ProblemError, match=rule):
        entry_of(path, outputs={"va": OutputSettings("va", names, "tanh")}).encode(CROPS[:1])


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/etc/hostname", "/dev/zero"])
def test_weights_in_another_file_are_refused_by_name(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    np.ones((3, 2), np.float32).tofile(tmp_path / "weights.bin")
    model = onnx.load(save(tmp_path / "net.onnx", MEANS, weights=[TWO]))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("offset", "0"), ("length", "24")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ProblemError, match=f"E04(.|\n)*{place}"):
        open_graph(tmp_path / "net.onnx", 60)


def test_a_file_with_other_bytes_is_a_problem_or_answers(tmp_path):
    path = save(tmp_path / "net.onnx", MEANS, weights=[TWO])
    for data in changed_bytes(path.read_bytes(), number=150):
        path.write_bytes(data)
        outcome(lambda: predict(entry_of(path), [clip_in_memory("v", CROPS)], tmp_path / "store"))
        shutil.rmtree(tmp_path / "store", ignore_errors=True)


def test_a_device_and_a_folder_are_refused(tmp_path):
    (tmp_path / "zero.onnx").symlink_to("/dev/zero")
    for path in (tmp_path / "zero.onnx", tmp_path):
        with pytest.raises(ProblemError, match="F01"):
            open_graph(path, 60)
