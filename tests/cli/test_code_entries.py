"""Entries whose code fails in every way: a problem with the place in that code, and never a traceback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from abawbench.cli import main
from tests.inference.conftest import write_crops

ENTRY = """\
name = "2026_test_code"
title = "code that fails"
kind = "code"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 32
colour = "RGB"
crop = "arcface-112"
"""
HEAD = """\
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from torch import nn
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.networks.torch_module import from_torch
from abawbench.models.image_input import half
"""
# a torch module, with a body of `forward` that gets pictures and scores
MODULE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 22)

    def forward(self, pictures):
        torch.manual_seed(0)
        scores = self.body(pictures.mean(dim=(2, 3)))
{body}
        return dict(zip(("va", "expression", "action_units"), scores.split([2, 8, 12], 1)))


def create(card, vocabulary, settings):
    torch.manual_seed(0)
    return from_torch(Net(), card, vocabulary, half(32))
"""
# an entry that is no torch module, with a method that replaces one of its own
PLAIN = """\
class Own:
    def __init__(self, card):
        self.card = card

    def encode(self, crops):
        return crops.reshape(len(crops), -1, 3).mean(axis=1).astype(np.float32)

    def answer(self, features, clip):
        values = np.full((len(clip), 2), np.nan)
        values[clip.valid] = features[:, :2] / 255
        return {{"va": values}}

    def predict(self, clip):
        return predict_frame_wise(self, clip)
{body}


def create(card, vocabulary, settings):
    return Own(replace(card, tasks=vocabulary[:1]))
"""
UNPRINTABLE = """\
class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Code of an entry that fails, and the rule, the words and the place of the problem.

    Attributes:
        code: content of entry.py; the line that is named has the comment `# here`.
        rule: id of the rule.
        words: words of the problem.
    """

    code: str
    rule: str
    words: str


def in_module(body: str) -> str:
    return HEAD + UNPRINTABLE + MODULE.format(body="\n".join(f"        {line}" for line in body.splitlines()))


def in_create(line: str) -> str:
    return HEAD + f"def create(card, vocabulary, settings):\n    {line}\n"


def in_method(body: str) -> str:
    return HEAD + PLAIN.format(body="\n".join(f"    {line}" for line in ["", *body.splitlines()]))


RECURSION = "def again(self, crops):\n    return self.again(crops)  # here\nencode = again"
# what fails already when the entry is made
WHEN_MADE = {
    "imports what is missing": Fault("import nothing_of_this_name  # here\n", "E12", "ModuleNotFoundError"),
    "imports a file beside it as if it were installed": Fault("import beside  # here\n", "E12", "ModuleNotFoundError"),
    "is no Python": Fault("x = 1\ndef create(:  # here\n", "E12", "SyntaxError"),
    "is badly indented": Fault("def create():\n  x = 1\n    y = 2  # here\n", "E12", "IndentationError"),
    "fails when it is imported": Fault("1 / 0  # here\n", "E12", "ZeroDivisionError"),
    "leaves the program when it is imported": Fault("import sys\nsys.exit(0)  # here\n", "E12", "SystemExit: 0"),
    "has no create": Fault("x = 1\n", "E02", "no function create"),
    "create raises": Fault(in_create("raise KeyError('weights')  # here"), "E12", "KeyError: 'weights'"),
    "create leaves the program": Fault(in_create("sys.exit('no weights')  # here"), "E12", "SystemExit: no weights"),
    "create takes other arguments": Fault("def create():\n    return 1\n", "E12", "TypeError"),
    "create makes nothing": Fault(in_create("pass"), "E02", "makes a NoneType"),
    "create is a generator": Fault(in_create("yield 1"), "E02", "makes a generator"),
    "weights are missing": Fault(
        in_create('torch.load(Path(__file__).with_name("none.pth"), weights_only=True)  # here'),
        "E12",
        "FileNotFoundError",
    ),
    "weights of a GPU": Fault(
        in_create('torch.load(Path(__file__).with_name("gpu.pth"), weights_only=True)  # here'), "E12", "map_location"
    ),
    "settings are no settings": Fault("class Settings: ...\ndef create(*_): ...\n", "E12", "Settings"),
    "a card of its own kind": Fault(
        HEAD + "class Own:\n    card = 'mine'\n    def predict(self, clip): ...\n\ndef create(*_):\n    return Own()\n",
        "E16",
        "a card of type str",
    ),
    "a card that fails": Fault(
        HEAD + "class Own:\n    @property\n    def card(self):\n        raise OSError('no card')  # here\n"
        "    def predict(self, clip): ...\n\ndef create(*_):\n    return Own()\n",
        "E12",
        "OSError: no card",
    ),
    "a module of other scores": Fault(in_module("return scores"), "E13", "a tensor (2, 22) of float32"),
    "a module that always fails": Fault(in_module("raise OSError('no')  # here"), "E12", "OSError: no"),
    "a module on a device that is not there": Fault(in_module("scores.cuda()  # here"), "E12", "CUDA"),
    "a module of parameters without values": Fault(
        in_module("pass")
        .replace("from_torch(Net()", 'from_torch(Net().to("meta")')
        .replace("half(32))", "half(32))  # here"),
        "E12",
        "meta tensor",
    ),
}
LATER = "if len(pictures) != 2:\n    "
# what fails when a batch of crops is encoded
WHEN_ENCODED = {
    "forward raises": Fault(in_module(f"{LATER}raise OSError('no disk')  # here"), "E12", "OSError: no disk"),
    "forward leaves the program": Fault(in_module(f"{LATER}sys.exit(3)  # here"), "E12", "SystemExit: 3"),
    "forward raises what has no words": Fault(
        in_module(f"{LATER}raise Silent  # here"), "E12", "Silent: without words"
    ),
    "forward asserts": Fault(
        in_module(f"{LATER}assert not len(pictures)  # here"), "E12", "AssertionError: without words"
    ),
    "forward gives other scores later": Fault(
        in_module(f"{LATER}scores = scores[:, :2]\n    return scores"), "E13", "no scores for"
    ),
    "forward raises what is no Exception": Fault(
        in_module(f"{LATER}raise type('Own', (BaseException,), {{}})('mine')  # here"), "E12", "Own: mine"
    ),
    "forward gives NaN": Fault(in_module(f"{LATER}scores = scores * torch.nan"), "E14", "not a finite number"),
    "forward runs out of memory": Fault(
        in_module(f"{LATER}raise RuntimeError('CUDA out of memory')  # here"), "E12", "out of memory"
    ),
}
# what fails in an entry that is no torch module
OF_OWN_KIND = {
    "encode raises": Fault(
        in_method("def encode(self, crops):\n    raise OSError('no')  # here"), "E12", "OSError: no"
    ),
    "encode calls itself for ever": Fault(in_method(RECURSION), "E12", "RecursionError"),
    "encode yields": Fault(
        in_method("def encode(self, crops):\n    yield from crops"), "E13", "a generator for 16 crops"
    ),
    "encode gives lists": Fault(
        in_method("def encode(self, crops):\n    return [[0.0]] * len(crops)"), "E13", "a list"
    ),
    "encode gives texts": Fault(in_method("def encode(self, crops):\n    return np.full((16, 2), 'x')"), "E13", "<U1"),
    "encode gives objects": Fault(
        in_method("def encode(self, crops):\n    return np.full((16, 2), None)"), "E13", "object of shape (16, 2)"
    ),
    "encode gives a row too few": Fault(
        in_method("def encode(self, crops):\n    return np.zeros((15, 2))"), "E13", "(15, 2)"
    ),
    "encode gives another width each time": Fault(
        in_method("n = 2\ndef encode(self, crops):\n    self.n += 1\n    return np.zeros((16, self.n))"),
        "E13",
        "float64 of shape (16, ",
    ),
    "answer raises": Fault(in_method("def answer(self, *_):\n    return {}['va']  # here"), "E12", "KeyError: 'va'"),
    "answer leaves the program": Fault(in_method("def answer(self, *_):\n    exit()  # here"), "E12", "SystemExit"),
    "answer gives another type": Fault(
        in_method("def answer(self, features, clip):\n    return {'va': np.zeros((len(clip), 2), np.float32)}"),
        "E13",
        "array of float32",
    ),
    "answer yields": Fault(in_method("def answer(self, *_):\n    yield 1"), "E13", "generator"),
    "answer is a mapping that fails": Fault(
        in_method(
            "def answer(self, *_):\n    class Bad(dict):\n        def get(self, name):\n"
            "            raise OSError('gone')  # here\n    return Bad(va=1)"
        ),
        "E12",
        "OSError: gone",
    ),
    "answer out of range": Fault(
        in_method("def answer(self, features, clip):\n    return {'va': np.full((len(clip), 2), 7.0)}"),
        "E14",
        "out of range",
    ),
}
PREDICTED = WHEN_MADE | WHEN_ENCODED | OF_OWN_KIND


def each(faults: dict[str, Fault]):
    return pytest.mark.parametrize("fault", faults.values(), ids=list(faults))


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    return write_crops(tmp_path_factory.mktemp("data") / "crops", {"one": 17, "two": 4}, side=32)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "submissions" / "2026_test_code"
    folder.mkdir(parents=True)
    (folder / "entry.toml").write_text(ENTRY)
    (folder / "beside.py").write_text("VALUE = 1\n")
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        torch.save({"weight": torch.zeros(3)}, folder / "gpu.pth")
    return folder


def called(folder: Path, code: str, *words: object):
    (folder / "entry.py").write_text(code)
    arguments = [str(word) for word in (*words, "--submissions", folder.parent)]
    return CliRunner().invoke(main, arguments)


def assert_told(result, fault: Fault, folder: Path) -> None:
    """Assert that a problem tells the fault with its place, as text and as JSON, and that there is no traceback."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    found = [problem for problem in json.loads(result.stdout)["problems"] if problem["rule"] == fault.rule]
    assert any(fault.words in problem["found"] for problem in found), result.output
    here = [number for number, line in enumerate(fault.code.splitlines(), start=1) if line.endswith("# here")]
    if here:
        assert (found[0]["file"], [found[0]["line"]]) == (str(folder / "entry.py"), here)


@each(PREDICTED)
def test_predict_tells_what_fails(fault, folder, crops, tmp_path):
    result = called(folder, fault.code, "predict", "2026_test_code", crops, "-o", tmp_path / "out", "--json")
    assert_told(result, fault, folder)


@each(WHEN_MADE)
def test_extract_tells_what_fails(fault, folder, crops, tmp_path):
    assert_told(
        called(folder, fault.code, "extract", "2026_test_code", crops, "-o", tmp_path / "out", "--json"), fault, folder
    )


LAYER = """\
class Layer(nn.Linear):
    def forward(self, values):
        if len(values) != 2:
            {body}  # here
        return super().forward(values)
"""
LAYERED = MODULE.replace("        self.body", "        self.first = Layer(3, 3)\n        self.body").replace(
    "self.body(pictures.mean(dim=(2, 3)))", "self.body(self.first(pictures.mean(dim=(2, 3))))"
)
IN_A_LAYER = {
    body: Fault(HEAD + LAYER.format(body=body) + LAYERED.format(body=""), "E12", words)
    for body, words in (("raise OSError('no')", "OSError: no"), ("sys.exit(3)", "SystemExit: 3"))
}


@each(IN_A_LAYER)
def test_extract_tells_what_fails_in_a_layer(fault, folder, crops, tmp_path):
    words = ("extract", "2026_test_code", crops, "-o", tmp_path / "out", "--layer", "first", "--json")
    assert_told(called(folder, fault.code, *words), fault, folder)


@each(WHEN_MADE)
def test_check_tells_what_fails(fault, folder):
    assert_told(called(folder, fault.code, "check", folder, "--json"), fault, folder)


@each(OF_OWN_KIND)
def test_check_tells_that_an_entry_fails(fault, folder):
    result = called(folder, fault.code, "check", folder, "--json")
    assert isinstance(result.exception, SystemExit), result.exception
    assert {problem["rule"] for problem in json.loads(result.stdout)["problems"]} & {"E12", "E13", "E14"}
    assert "Traceback" not in result.output


def test_train_refuses_code_before_it_runs(folder, crops, tmp_path):
    result = called(folder, "1 / 0", "train", "2026_test_code", crops, "-o", tmp_path / "out", "--json")
    assert [problem["rule"] for problem in json.loads(result.stdout)["problems"]] == ["E19"]


def test_units_that_do_not_fail_are_finished(folder, crops, tmp_path):
    body = "def answer(self, features, clip):\n    return {'va': np.zeros((17, 2))}"
    result = called(folder, in_method(body), "predict", "2026_test_code", crops, "-o", tmp_path / "out", "--json")
    record = json.loads(result.stdout)
    assert (record["made"], record["left_out"], result.exit_code) == (1, ["two"], 1)


CHANGES = """\
def encode(self, crops):
    features = crops.reshape(len(crops), -1, 3).mean(axis=1).astype(np.float32)
    crops[:] = 0
    assert features.any(axis=1).sum() != 5, "the batch that two units share"
    return features
"""


def test_an_entry_that_changes_its_crops_and_fails_gets_them_again(folder, crops, tmp_path):
    for name, body in {"good": "", "bad": CHANGES}.items():
        result = called(folder, in_method(body), "predict", "2026_test_code", crops, "-o", tmp_path / name, "--json")
        assert result.exit_code == 0, result.output
    one, other = ((tmp_path / name / "units" / "two.parquet").read_bytes() for name in ("good", "bad"))
    assert one == other


def test_what_the_code_prints_does_not_break_the_json(folder, crops, tmp_path):
    code = "print('imported')\n" + in_module("print('forward', file=sys.stdout)")
    for verb, words in {"predict": (crops, "-o", tmp_path / "out"), "check": ()}.items():
        target = folder if verb == "check" else "2026_test_code"
        result = called(folder, code, verb, target, *words, "--json")
        assert json.loads(result.stdout)["verb"] == verb
        assert "imported\n" in result.stderr


def test_a_file_beside_the_code_is_imported_by_a_relative_name_and_is_read_anew(folder, crops, tmp_path):
    code = "from .beside import VALUE\n" + in_module("scores = scores * 0 + VALUE")
    for value in (1, 0):
        (folder / "beside.py").write_text(f"VALUE = {value}\n")
        result = called(folder, code, "predict", "2026_test_code", crops, "-o", tmp_path / "out", "--json")
        assert (result.exit_code, json.loads(result.stdout)["made"]) == (0, 2), result.output


def test_check_tells_random_answers(folder):
    result = called(folder, in_module("scores = scores + np.random.random()"), "check", folder)
    assert "E15" in result.output


def test_pictures_are_the_modules_own_to_change(folder):
    result = called(folder, in_module("pictures.mul_(0)"), "check", folder)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_code_of_an_entry_stops_the_command(sent, folder, crops, tmp_path):
    body = f"{LATER}import os, time\n    os.kill(os.getpid(), {int(sent)})\n    time.sleep(60)"
    (folder / "entry.py").write_text(in_module(body))
    words = ["predict", "2026_test_code", crops, "-o", tmp_path / "out", "--submissions", folder.parent]
    command = [sys.executable, "-m", "abawbench", *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 128 + sent
    assert "stopped: every finished unit is kept" in result.stderr
    assert "Traceback" not in result.stderr
