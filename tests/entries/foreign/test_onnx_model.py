from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries.entry_file import read_settings
from abawbench.entries.foreign import onnx_graph, onnx_model
from abawbench.entries.foreign.onnx_model import OnnxModel, OnnxSettings, OutputSettings, create
from abawbench.entries.model import Card, Entry, FrameWise
from abawbench.entries.outputs import answer

TASKS = challenges.get("abaw4-mtl").tasks
CARD = Card("2026_test_onnx", "test", (), None, licence="MIT")
SIZE = 8
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.5)
EMOTIONS = ("Happiness", "Contempt", "Neutral", "Anger")
UNITS = ("AU12", "AU1", "AU9")
random = np.random.default_rng(5)
KERNEL = random.normal(size=(4, 3, 3, 3)).astype(np.float32)
HEADS = {
    "va": random.normal(size=(2, 4)).astype(np.float32) * 0.3,
    "emotion": random.normal(size=(4, 4)).astype(np.float32),
    "units": random.normal(size=(3, 4)).astype(np.float32),
}
OUTPUTS = {
    "va": OutputSettings("va", ("arousal", "valence"), "tanh"),
    "expression": OutputSettings("emotion", EMOTIONS, "softmax"),
    "action_units": OutputSettings("units", UNITS, "sigmoid"),
}


def graph_file(
    path: Path, *, batch: int | str = "N", side: int = SIZE, kind: int = TensorProto.FLOAT, layout: str = "NCHW"
) -> Path:
    """Convolution, global average, one linear head for each output."""
    weights = [numpy_helper.from_array(KERNEL, "kernel")]
    weights += [numpy_helper.from_array(head, f"{name}_weight") for name, head in HEADS.items()]
    first = "crops"
    nodes = []
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", ["crops"], ["as_float"], to=TensorProto.FLOAT))
        first = "as_float"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", [first], ["channels_first"], perm=[0, 3, 1, 2]))
        first = "channels_first"
    nodes += [
        helper.make_node("Conv", [first, "kernel"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
    ]
    nodes += [helper.make_node("Gemm", ["vector", f"{name}_weight"], [name], transB=1) for name in HEADS]
    shape = [3, side, side] if layout == "NCHW" else [side, side, 3]
    inputs = [helper.make_tensor_value_info("crops", kind, [batch, *shape])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, len(head)]) for name, head in HEADS.items()
    ]
    graph = helper.make_graph(nodes, "test", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def settings(path: Path, **changes) -> OnnxSettings:
    return OnnxSettings(**({"model": path, "size": SIZE, "mean": MEAN, "std": STD, "outputs": OUTPUTS} | changes))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return graph_file(tmp_path_factory.mktemp("onnx") / "net.onnx")


def entry_of(path: Path, **changes) -> OnnxModel:
    return create(CARD, TASKS, settings(path, **changes))


def rules_of(path: Path, **changes) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        entry_of(path, **changes)
    return [problem.rule for problem in caught.value.problems]


def crops_of(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def restated(crops: np.ndarray) -> dict[str, np.ndarray]:
    """The same network in float64, a pixel at a time."""
    pictures = (crops / 255.0 - np.array(MEAN)) / np.array(STD)
    vectors = np.zeros((len(crops), 4))
    for top in range(SIZE - 2):
        for left in range(SIZE - 2):
            patch = pictures[:, top : top + 3, left : left + 3]
            vectors += np.einsum("nyxc,kcyx->nk", patch, KERNEL.astype(np.float64))
    vectors /= (SIZE - 2) ** 2
    odds = np.exp(vectors @ HEADS["emotion"].T)
    return {
        "va": np.tanh(vectors @ HEADS["va"].T),
        "expression": odds / odds.sum(axis=1, keepdims=True),
        "action_units": 1 / (1 + np.exp(-(vectors @ HEADS["units"].T))),
    }


def test_answers_are_those_of_the_same_network_in_numpy(model):
    crops = crops_of(5)
    answers = entry_of(model).predict(clip_in_memory("v", crops))
    for task, expected in restated(crops).items():
        assert answers[task] == pytest.approx(expected, abs=1e-5)


def test_the_card_holds_the_names_of_the_graph_in_its_order(model):
    tasks = {task.name: task.outputs for task in entry_of(model).card.tasks}
    assert tasks == {"va": ("arousal", "valence"), "expression": EMOTIONS, "action_units": UNITS}


def test_the_card_names_the_file_by_its_checksum(model):
    entry = entry_of(model, weights_licence="CC-BY-4.0", weights_source="somewhere")
    (weights,) = entry.card.weights
    assert weights.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (weights.role, weights.file, weights.licence, weights.source) == (
        "network",
        "net.onnx",
        "CC-BY-4.0",
        "somewhere",
    )


def test_the_card_survives_json(model):
    card = entry_of(model).card
    assert Card.from_json(card.to_json()).tasks == card.tasks


def test_it_is_a_staged_entry(model):
    entry = entry_of(model)
    assert isinstance(entry, Entry)
    assert isinstance(entry, FrameWise)


def test_predict_is_conclude_of_look(model):
    entry = entry_of(model)
    valid = np.array([True, False, True, True, False])
    clip = clip_in_memory("v", crops_of(5), valid=valid)
    staged = entry.answer(entry.encode(crops_of(5)[valid]), clip)
    whole = entry.predict(clip)
    assert all(np.array_equal(whole[task], staged[task], equal_nan=True) for task in OUTPUTS)
    assert all(np.isnan(whole[task]).all(axis=1).tolist() == (~valid).tolist() for task in OUTPUTS)


def test_what_is_seen_does_not_depend_on_neighbours(model):
    entry, crops = entry_of(model), crops_of(7)
    alone = np.concatenate([entry.encode(crops[place : place + 1]) for place in range(7)])
    assert entry.encode(crops) == pytest.approx(alone, abs=1e-6)
    assert entry.encode(crops).dtype == np.float32


@pytest.mark.parametrize("cores", [1, 3, 64])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 13])
@pytest.mark.parametrize("batch", ["N", 2])
def test_features_keep_the_order_of_crops_on_any_number_of_cores(tmp_path, monkeypatch, cores, count, batch):
    for module in (onnx_graph, onnx_model):
        monkeypatch.setattr(module, "CORES", cores)
    entry, crops = entry_of(graph_file(tmp_path / "net.onnx", batch=batch)), crops_of(count)
    alone = [entry.encode(crops[place : place + 1]) for place in range(count)]
    expected = np.concatenate([np.empty((0, 9)), *alone])
    np.testing.assert_allclose(entry.encode(crops), expected, atol=1e-6)


def test_a_frame_gets_the_same_bits_in_every_batch_of_one_size(model):
    entry, crops = entry_of(model), crops_of(16)
    again = np.concatenate([crops[:8], np.zeros_like(crops[8:])])
    assert np.array_equal(entry.encode(again)[:8], entry.encode(crops)[:8])


@pytest.mark.parametrize("batch", [1, 3])
def test_a_graph_of_fixed_batch_is_fed_in_parts(model, tmp_path, batch):
    fixed = entry_of(graph_file(tmp_path / "fixed.onnx", batch=batch))
    assert fixed.encode(crops_of(7)) == pytest.approx(entry_of(model).encode(crops_of(7)), abs=1e-6)


def test_channels_are_turned_for_a_graph_that_takes_bgr(model):
    turned = {"mean": MEAN[::-1], "std": STD[::-1], "colour": "BGR"}
    crops = crops_of(3)
    expected = entry_of(model, mean=MEAN[::-1], std=STD[::-1]).encode(crops[..., ::-1])
    assert entry_of(model, **turned).encode(crops) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("batch", ["N", 3])
def test_a_graph_with_channels_last_answers_like_the_same_with_channels_first(model, tmp_path, batch):
    path = graph_file(tmp_path / "last.onnx", layout="NHWC", batch=batch)
    expected = entry_of(model).encode(crops_of(5))
    assert entry_of(path, layout="NHWC").encode(crops_of(5)) == pytest.approx(expected, abs=1e-6)


def test_a_graph_of_the_other_layout_is_a_problem(model, tmp_path):
    path = graph_file(tmp_path / "last.onnx", layout="NHWC")
    with pytest.raises(ProblemError, match=r"shape \(N, 8, 8, 3\)(.|\n)*settings\.layout"):
        entry_of(path)
    assert rules_of(model, layout="NHWC") == ["E06"]


def test_other_spellings_and_synonyms_are_read_and_noted(model):
    outputs = {
        "va": OutputSettings("va", ("Arousal", "VALENCE"), "tanh"),
        "expression": OutputSettings("emotion", ("happy", "contempt", "neutral", "outside:Bored"), "softmax"),
        "action_units": OutputSettings("units", ("AU12", "au_01", "AU09"), "sigmoid"),
    }
    entry = entry_of(model, outputs=outputs)
    assert [task.outputs for task in entry.card.tasks] == [
        ("arousal", "valence"),
        ("Happiness", "Contempt", "Neutral", "outside:Bored"),
        ("AU12", "AU1", "AU9"),
    ]
    assert entry.card.notes == (
        "read Arousal as arousal, VALENCE as valence",
        "read happy as Happiness, contempt as Contempt, neutral as Neutral",
        "expression: not asked for by the challenge: Contempt, outside:Bored",
        "read au_01 as AU1, AU09 as AU9",
        "action_units: not asked for by the challenge: AU9",
    )
    assert entry.encode(crops_of(3)) == pytest.approx(entry_of(model).encode(crops_of(3)))


def test_a_class_under_a_synonym_is_not_lost(model):
    """Once `happy` kept its own name beside `Neutral`, and every happy face was scored as another class."""
    plain = entry_of(model)
    outputs = OUTPUTS | {"expression": OutputSettings("emotion", ("happy", "Contempt", "Neutral", "angry"), "softmax")}
    clips = [clip_in_memory("v", crops_of(7))]
    challenge = challenges.get("abaw4-mtl")
    tables = [answer(entry, clips, challenge) for entry in (plain, entry_of(model, outputs=outputs))]
    assert np.array_equal(*(table.values["expression"] for table in tables))


def test_a_clip_without_valid_frames_is_not_answered(model):
    answers = entry_of(model).predict(clip_in_memory("v", crops_of(3), valid=np.zeros(3, bool)))
    assert {task: values.shape for task, values in answers.items()} == {
        "va": (3, 2),
        "expression": (3, 4),
        "action_units": (3, 3),
    }
    assert all(np.isnan(values).all() for values in answers.values())


def test_crops_of_another_size_are_resized(model):
    crops = np.repeat(np.repeat(crops_of(2), 2, axis=1), 2, axis=2)
    assert entry_of(model).encode(crops) == pytest.approx(entry_of(model).encode(crops_of(2)), abs=1e-6)


def test_clipped_answers_lie_in_the_range_of_the_task(model):
    outputs = {"va": OutputSettings("va", ("valence", "arousal"), "clip")}
    values = entry_of(model, outputs=outputs, std=(0.001,) * 3).predict(clip_in_memory("v", crops_of(5)))["va"]
    assert np.abs(values).max() == 1


@pytest.mark.parametrize(
    ("task", "output"),
    [
        ("va", OutputSettings("va", ("valence", "arousal"))),
        ("expression", OutputSettings("emotion", EMOTIONS)),
        ("action_units", OutputSettings("units", UNITS)),
    ],
)
def test_raw_numbers_that_are_no_answers_are_a_problem(model, task, output):
    entry = entry_of(model, outputs={task: output}, std=(0.001,) * 3)
    with pytest.raises(ProblemError, match=r"E14(.|\n)*activation") as caught:
        entry.predict(clip_in_memory("v", crops_of(5)))
    assert caught.value.problems[0].rule == "E14"


def test_a_softmax_over_the_softmax_of_the_graph_is_a_problem(model, tmp_path):
    loaded = onnx.load(model)
    loaded.graph.node.append(helper.make_node("Softmax", ["emotion"], ["odds"], axis=1))
    loaded.graph.output.append(helper.make_tensor_value_info("odds", TensorProto.FLOAT, ["N", len(EMOTIONS)]))
    onnx.save(loaded, tmp_path / "twice.onnx")
    clip = clip_in_memory("v", crops_of(5))
    once = entry_of(tmp_path / "twice.onnx", outputs={"expression": OutputSettings("odds", EMOTIONS)})
    assert once.predict(clip)["expression"] == pytest.approx(restated(crops_of(5))["expression"], abs=1e-5)
    twice = entry_of(tmp_path / "twice.onnx", outputs={"expression": OutputSettings("odds", EMOTIONS, "softmax")})
    with pytest.raises(ProblemError, match=r'E14(.|\n)*activation = "none"'):
        twice.predict(clip)


def test_a_missing_file_is_a_problem(tmp_path):
    assert rules_of(tmp_path / "none.onnx") == ["E11"]


def test_another_checksum_is_a_problem(model):
    assert rules_of(model, sha256="0" * 64) == ["E04"]
    own = hashlib.sha256(model.read_bytes()).hexdigest()
    assert entry_of(model, sha256=own.upper())
    assert entry_of(model, sha256=("0" * 64, own)).card.weights[0].sha256 == own
    assert rules_of(model, sha256=("0" * 64, "1" * 64)) == ["E04"]


@pytest.mark.parametrize("content", [b"", b"no graph at all"])
def test_a_file_that_is_no_graph_is_a_problem(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    assert rules_of(path) == ["E04"]


def test_weights_in_a_file_beside_the_graph_are_a_problem(model, tmp_path):
    loaded = onnx.load(model)
    path = tmp_path / "split.onnx"
    onnx.save(loaded, path, save_as_external_data=True, location="split.data", size_threshold=0)
    assert rules_of(path) == ["E04"]


def test_an_input_of_another_size_is_a_problem(model):
    assert rules_of(model, size=SIZE * 2) == ["E06"]


def test_an_input_of_other_channels_is_a_problem(model):
    assert rules_of(model, colour="grey", mean=(0.5,), std=(0.5,)) == ["E06"]


def test_an_input_of_another_type_is_a_problem(tmp_path):
    assert rules_of(graph_file(tmp_path / "half.onnx", kind=TensorProto.FLOAT16)) == ["E06"]


def test_an_input_of_another_name_is_a_problem(model):
    assert rules_of(model, input="pixels") == ["E06"]
    assert entry_of(model, input="crops")


def test_everything_wrong_with_the_outputs_is_said_at_once(model):
    outputs = {
        "va": OutputSettings("vad", ("valence", "arousal"), "tanh"),
        "action_units": OutputSettings("units", (*UNITS, "AU2"), "sigmoid"),
    }
    assert rules_of(model, outputs=outputs) == ["E13", "E13"]


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"valence": OutputSettings("va", ("valence", "arousal"), "tanh")},
        {"va": OutputSettings("va", ("valence", "arousal"), "softmax")},
        {"action_units": OutputSettings("units", ("AU1", "AU1", "AU2"), "sigmoid")},
        {"action_units": OutputSettings("units", ("AU1", "au01", "AU2"), "sigmoid")},
        {"action_units": OutputSettings("units", ("AU1", "smile", "AU2"), "sigmoid")},
        {"action_units": OutputSettings("units", ("AU1", "Happiness", "AU2"), "sigmoid")},
        {"expression": OutputSettings("emotion", ("happy", "Happiness", "Neutral", "Anger"), "softmax")},
        {"expression": OutputSettings("emotion", ("Hapiness", "Contempt", "Neutral", "Anger"), "softmax")},
        {"action_units": OutputSettings("units", ("smile", "frown", "blink"), "sigmoid")},
        {"action_units": OutputSettings("units", (), "sigmoid")},
    ],
)
def test_settings_of_outputs_that_do_not_fit_the_challenge_are_a_problem(model, outputs):
    assert set(rules_of(model, outputs=outputs)) == {"E02"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": 0}, "pictures of 0 pixels"),
        ({"mean": [0.5]}, "needs 3 of each"),
        ({"std": [1.0, 0.0, 1.0]}, "std above 0"),
        ({"colour": "grey"}, "needs 1 of each"),
        ({"grey": "mean"}, "for pictures in RGB"),
        ({"grey": "rec609"}, "did you mean rec709"),
        ({"grey": 3}, "settings.grey = 3"),
        ({"layout": "CHW"}, "did you mean NCHW"),
        ({"resize": "opencv-cubic"}, "did you mean opencv-bicubic"),
        ({"crop": "wide"}, "field settings.crop"),
    ],
)
def test_an_image_input_that_does_not_hold_together_is_one_problem(model, change, said):
    content = {"model": str(model), "size": SIZE, "mean": MEAN, "std": STD, "outputs": {}} | change
    with pytest.raises(ProblemError, match=said) as caught:
        read_settings(OnnxSettings, content, model.with_name("entry.toml"))
    assert [problem.rule for problem in caught.value.problems] == ["E02"]


@pytest.mark.parametrize("lacks", ["mean", "std"])
def test_mean_and_deviation_are_never_guessed(model, lacks):
    content = {"model": str(model), "size": SIZE, "mean": MEAN, "std": STD, "outputs": {}}
    del content[lacks]
    with pytest.raises(ProblemError, match=f"no field settings.{lacks}"):
        read_settings(OnnxSettings, content, model.with_name("entry.toml"))
