from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import Card, DeviceEntry
from abawbench.entries.networks.torch_module import from_torch
from abawbench.models.image_input import ImageInput, half

TASKS = get("abaw4-mtl").tasks
CARD = Card("2026_test_mine", "mine", (), ImageInput(20, "RGB", crop="arcface-112"), licence="MIT")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 22)
        self.drop = nn.Dropout(0.5)

    def forward(self, pictures):
        return parts(self.drop(self.body(pictures.mean(dim=(2, 3)))))


def parts(scores):
    va, expression, units = scores.split([2, 8, 12], 1)
    return {"action_units": units, "va": va, "expression": expression}


def a_clip(frames: int = 4):
    return clip_in_memory("v", np.random.default_rng(0).integers(0, 256, (frames, 20, 20, 3), np.uint8))


def test_scores_become_answers_whatever_their_order_and_nothing_is_dropped():
    net = Net()
    entry = from_torch(net, CARD, TASKS, half(20))
    assert isinstance(entry, DeviceEntry)
    answers = entry.predict(a_clip())
    with torch.inference_mode():
        scores = net.eval()(torch.from_numpy(half(20).pictures(a_clip().frames)))
    np.testing.assert_allclose(answers["expression"], scores["expression"].softmax(1).numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["action_units"], scores["action_units"].sigmoid().numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["va"], scores["va"].clip(-1, 1).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "image_input",
    [
        half(20),
        half(20, "BGR"),
        half(10),
        ImageInput(20, "grey", (0.4,), (0.2,)),
        ImageInput(10, "grey", (0.4,), (0.2,), "pillow-bicubic", grey="rec709"),
        ImageInput(10, "grey", (0.4,), (0.2,), "opencv-bilinear", grey="opencv", layout="NHWC"),
        ImageInput(10, "BGR", (0.4, 0.5, 0.6), layout="NHWC"),
    ],
)
def test_pictures_reach_the_module_as_the_image_input_says(image_input):
    kept: list[torch.Tensor] = []

    class Keeps(Net):
        def forward(self, pictures):
            kept.append(pictures)
            return super().forward(pictures.new_zeros((len(pictures), 3, 1, 1)))

    from_torch(Keeps(), CARD, TASKS, image_input).predict(a_clip())
    np.testing.assert_allclose(kept[-1].numpy(), image_input.pictures(a_clip().frames), atol=1e-5)


class Returns(nn.Module):
    """A module that returns what a function makes of 22 numbers of each picture."""

    def __init__(self, function):
        super().__init__()
        self.body = nn.Linear(3, 22)
        self.function = function

    def forward(self, pictures):
        return self.function(self.body(pictures.mean(dim=(2, 3))))


def entry_of(function, tasks=TASKS, **options):
    torch.manual_seed(0)
    return from_torch(Returns(function), CARD, tasks, half(20), **options)


def names_of(entry):
    return [task.name for task in entry.card.tasks]


@pytest.mark.parametrize(("width", "task"), [(2, "va"), (8, "expression"), (12, "action_units")])
def test_scores_alone_are_those_of_the_only_task_of_their_width(width, task):
    alone = entry_of(lambda scores: scores[:, :width])
    assert names_of(alone) == [task]
    by_name = entry_of(lambda scores: {task: scores[:, :width]})
    np.testing.assert_array_equal(alone.predict(a_clip())[task], by_name.predict(a_clip())[task])


def test_a_module_may_answer_some_tasks_in_any_order_and_its_card_has_these_alone():
    entry = entry_of(lambda scores: {"action_units": scores[:, 10:], "va": scores[:, :2]})
    assert names_of(entry) == ["va", "action_units"]
    assert entry.width == 14
    assert set(entry.predict(a_clip())) == {"va", "action_units"}


def test_classes_of_the_modules_own_are_on_the_card_in_its_order():
    own = ("Happiness", "Neutral", "Surprise", "Sadness", "Anger", "Disgust", "Fear")
    entry = entry_of(lambda scores: scores[:, :7], names={"expression": own})
    assert {task.name: task.outputs for task in entry.card.tasks} == {"expression": own}
    assert entry.predict(a_clip())["expression"].shape == (4, 7)


def test_synonyms_among_the_modules_own_classes_are_read_and_noted():
    own = ("happy", "neutral", "surprised", "sad", "angry", "Disgust", "contempt")
    entry = entry_of(lambda scores: scores[:, :7], names={"expression": own})
    (task,) = entry.card.tasks
    assert task.outputs == ("Happiness", "Neutral", "Surprise", "Sadness", "Anger", "Disgust", "Contempt")
    assert entry.card.notes[0].startswith("read happy as Happiness, neutral as Neutral, surprised as Surprise")
    assert entry.card.notes[1] == "expression: not asked for by the challenge: Contempt"


def test_probabilities_are_taken_as_they_are_where_activations_say_so():
    softened = entry_of(lambda scores: scores[:, :8].softmax(1), activations={"expression": "none"})
    plain = entry_of(lambda scores: scores[:, :8])
    one, other = (entry.predict(a_clip())["expression"] for entry in (softened, plain))
    np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(one.sum(1), 1, atol=1e-12)


def test_probabilities_that_are_declared_as_logits_are_refused():
    entry = entry_of(lambda scores: scores[:, :8].softmax(1))
    with pytest.raises(ProblemError, match=r'E14(.|\n)*activations of expression in from_torch = "none"'):
        entry.predict(a_clip())


def test_logits_that_are_declared_as_probabilities_are_refused():
    entry = entry_of(lambda scores: scores[:, :8] * 9, activations={"expression": "none"})
    with pytest.raises(ProblemError, match=r"E14(.|\n)*activations of expression in from_torch: softmax"):
        entry.predict(a_clip())


ALIKE = (TASKS[1], replace(TASKS[1], name="mood"))


@pytest.mark.parametrize(
    ("function", "tasks", "words"),
    [
        (lambda scores: {**parts(scores), "more": scores}, TASKS, r"more: a tensor \(2, 22\)"),
        (lambda scores: scores, TASKS, r"a tensor \(2, 22\) of float32 for 2 pictures"),
        (lambda scores: scores[:, :8], ALIKE, "return a dict that says which, as {'expression': scores}"),
        (lambda scores: scores[:, :8, None], TASKS, r"\(2, 8, 1\)"),
        (lambda scores: scores[0, :8], TASKS, r"a tensor \(8,\)"),
        (lambda scores: scores[:1, :8], TASKS, r"a tensor \(1, 8\)"),
        (lambda scores: {"expression": scores[:, :7]}, TASKS, r"expression: a tensor \(2, 7\)"),
        (lambda scores: {"expresion": scores[:, :8]}, TASKS, "expresion: a tensor"),
        (lambda scores: {"expression": scores[:, :8].tolist()}, TASKS, "expression: a list of a list of a float"),
        (lambda scores: {}, TASKS, "a dict of nothing"),
        (lambda scores: scores.split([2, 8, 12], 1), TASKS, r"a tuple of a tensor \(2, 2\)"),
        (lambda scores: scores[:, :8].argmax(1), TASKS, "of int64"),
        (lambda scores: scores[:, :8] > 0, TASKS, "of bool"),
        (lambda scores: (part for part in scores), TASKS, "returns a generator"),
        (lambda scores: None, TASKS, "returns a NoneType"),
        (lambda scores: [0.0] * 1000, TASKS, r"a float, \.\.\. for 2 pictures"),
    ],
)
def test_anything_else_is_refused_with_its_shapes(function, tasks, words):
    with pytest.raises(ProblemError, match=words) as caught:
        entry_of(function, tasks)
    assert [problem.rule for problem in caught.value.problems] == ["E13"]


def test_a_module_that_answers_other_tasks_for_other_pictures_is_refused():
    entry = entry_of(lambda scores: parts(scores) if len(scores) == 2 else {"va": scores[:, :2]})
    with pytest.raises(ProblemError, match="E13"):
        entry.predict(a_clip())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": {"expresion": ("a", "b")}}, "did you mean expression"),
        ({"names": {"expression": ("Fear", "Fear")}}, "expected Fear once"),
        ({"names": {"expression": ("Fear", "scared")}}, "Fear and scared; expected Fear once"),
        ({"names": {"expression": ("Fear", "bored")}}, "outside:bored"),
        ({"names": {"expression": ()}}, "expected some of Neutral"),
        ({"activations": {"mood": "none"}}, "activations of mood"),
        ({"activations": {"expression": "sigmoid"}}, "one of none, softmax"),
    ],
)
def test_names_and_activations_that_fit_no_task_are_refused(options, words):
    with pytest.raises(ProblemError, match=words) as caught:
        entry_of(parts, **options)
    assert [problem.rule for problem in caught.value.problems] == ["E02"]


def test_what_is_no_module_is_refused():
    with pytest.raises(ProblemError, match="E02"):
        from_torch(lambda pictures: pictures, CARD, TASKS, half(20))


def test_a_module_in_half_precision_and_in_training_answers_in_float32_and_without_dropout():
    entry = from_torch(Net().train().half(), CARD, TASKS, half(20))
    one, other = (entry.predict(a_clip())["va"] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert entry.encoder.modules[0].module.body.weight.dtype == torch.float32
