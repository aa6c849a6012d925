"""Files of VGG-FACE by the names of the field: the same features, and pictures as their projects say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides, build
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.checkpoints.branches import find_branch
from abawbench.models.checkpoints.layouts import LAYOUTS
from abawbench.models.image_input import half, imagenet
from tests.models.backbones.test_vgg import restated
from tests.models.shaking import shake

PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
BLOCKS = ("1_1", "1_2", "2_1", "2_2", *(f"{block}_{number}" for block in (3, 4, 5) for number in (1, 2, 3)))
# places of convolutions in torchvision's other networks
OTHERS = {
    "vgg11": (0, 3, 6, 8, 11, 13, 16, 18),
    "vgg13": (0, 2, 5, 7, 10, 12, 15, 17, 20, 22),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}
FACES = (129.1863, 104.7624, 93.5940)
RED = np.array([[[[255, 0, 0]]]], np.uint8)


def a_network(kind="tiny_vggface", size=64):
    with torch.no_grad():
        return shake(build(kind, seed=0, overrides=Overrides(size=size)))


def renamed(state, project, people=5):
    """The tensors by the names of a project, with its last layer."""
    convolution = {"caffe": "conv{}", "lua": "conv_{}", "torchvision": "features.{}"}[project]
    connected = "classifier.{}" if project == "torchvision" else "fc{}"
    blocks = PLACES if project == "torchvision" else BLOCKS
    numbers = (0, 3, 6) if project == "torchvision" else (6, 7, 8)
    ours = [*(f"features.{place}" for place in PLACES), "classifier.0", "classifier.3"]
    theirs = [*(convolution.format(block) for block in blocks), *(connected.format(number) for number in numbers[:2])]
    names = dict(zip(ours, theirs, strict=True))
    result = {f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in state.items()}
    if people:
        last = connected.format(numbers[2])
        result |= {f"{last}.weight": torch.ones(people, 32), f"{last}.bias": torch.zeros(people)}
    return result


each_project = pytest.mark.parametrize("project", ["caffe", "lua", "torchvision"])


@torch.no_grad()
@each_project
@pytest.mark.parametrize("size", [64, 96])
def test_files_of_every_project_give_the_same_features(write, project, size):
    network = a_network(size=size)
    loaded = load_checkpoint(write({"state_dict": renamed(network.state_dict(), project)}))
    pictures = torch.rand(2, 3, size, size) * 2 - 1
    assert torch.equal(loaded.backbone(pictures), network(pictures))
    expected = restated(network.state_dict(), pictures)
    assert torch.allclose(loaded.backbone(pictures), expected, rtol=1e-5, atol=1e-5)
    assert (loaded.kind, loaded.backbone.card.image_input.size) == ("tiny_vggface", size)
    assert loaded.missing == ()
    last = "classifier.6" if project == "torchvision" else "fc8"
    assert loaded.unexpected == (f"{last}.weight", f"{last}.bias")


@torch.no_grad()
@pytest.mark.parametrize("kind", ["tiny_vggface", "tiny_vggface_landmarks"])
@pytest.mark.parametrize("size", [96, 70])
def test_the_state_of_our_own_network_is_read(write, kind, size):
    network = a_network(kind, size)
    loaded = load_checkpoint(write(network.state_dict()), overrides=Overrides(size=size))
    points = (torch.rand(2, 68, 2),) if kind.endswith("landmarks") else ()
    pictures = torch.rand(2, 3, size, size)
    assert torch.equal(loaded.backbone(pictures, *points), network(pictures, *points))
    assert (loaded.kind, loaded.unexpected, loaded.assumed) == (kind, (), ("colour", "mean", "std"))
    assert loaded.backbone.card.image_input == half(size)


@torch.no_grad()
def test_a_first_connected_layer_may_be_a_kernel_over_the_map(write):
    network = a_network()
    state = renamed(network.state_dict(), "caffe")
    state["fc6.weight"] = state["fc6.weight"].view(32, 16, 2, 2)
    state["fc7.weight"] = state["fc7.weight"].view(32, 32, 1, 1)
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.equal(load_checkpoint(write(state)).backbone(pictures), network(pictures))


@pytest.mark.parametrize(
    ("project", "colour", "red"),
    [
        ("caffe", "RGB", (255 - FACES[0], -FACES[1], -FACES[2])),
        ("lua", "BGR", (-FACES[2], -FACES[1], 255 - FACES[0])),
    ],
)
def test_pictures_of_vgg_face_are_bytes_less_their_mean_in_the_order_of_the_project(write, project, colour, red):
    loaded = load_checkpoint(write(renamed(a_network(size=32).state_dict(), project)))
    image_input = loaded.backbone.card.image_input
    assert image_input.colour == colour
    crop = np.repeat(np.repeat(RED, 32, 1), 32, 2)
    assert image_input.pictures(crop)[0, :, 0, 0] == pytest.approx(red, abs=1e-3)
    # no file says so
    assert loaded.assumed == ("colour", "mean", "std")
    assert loaded.preset.startswith("assumed: ")


def test_the_pictures_of_torchvisions_names_follow_the_last_layer(write):
    state = a_network().state_dict()
    objects = load_checkpoint(write(renamed(state, "torchvision", 1000)))
    people = load_checkpoint(write(renamed(state, "torchvision", 2622)))
    ours = load_checkpoint(write(renamed(state, "torchvision", 0)))
    assert objects.backbone.card.image_input == imagenet(64)
    assert people.backbone.card.image_input.mean == pytest.approx([value / 255 for value in FACES])
    assert ours.backbone.card.image_input == half(64)
    assert (objects.assumed, people.assumed) == (("mean", "std"), ("colour", "mean", "std"))


def test_settings_replace_what_is_assumed(write):
    path = write(renamed(a_network().state_dict(), "caffe"))
    mean = tuple(value / 255 for value in FACES[::-1])
    loaded = load_checkpoint(path, overrides=Overrides(colour="BGR", mean=mean, std=(1 / 255,) * 3))
    assert loaded.backbone.card.image_input.colour == "BGR"
    assert loaded.assumed == ()


def of_shapes(project, size):
    """The tensors of a whole VGG-FACE without memory."""
    with torch.device("meta"):
        return renamed(build("vggface", overrides=Overrides(size=size)).state_dict(), project, 2622)


@each_project
@pytest.mark.parametrize("size", [96, 224])
def test_the_size_follows_from_the_first_connected_layer(project, size):
    layout, branch = find_branch(of_shapes(project, size), LAYOUTS)
    detected = layout.detect(branch)
    assert detected.kind == "vggface"
    columns = {96: 512 * 3 * 3, 224: 512 * 7 * 7}[size]
    assert sum(tensor.numel() for tensor in branch.tensors.values() if tensor.shape[:1] != (2622,)) == (
        14_714_688 + 4096 * columns + 4096 + 4096 * 4096 + 4096
    )


def problems_of(tree, write, **options):
    with pytest.raises(ProblemError) as caught:
        load_checkpoint(write(tree), **options)
    return [(problem.rule, problem.found) for problem in caught.value.problems]


@pytest.mark.parametrize("network", OTHERS)
@pytest.mark.parametrize("norms", [False, True])
def test_other_depths_and_norms_are_refused_by_name(write, network, norms):
    state = {f"features.{place}.weight": torch.zeros(4, 3, 3, 3) for place in OTHERS[network]}
    state |= {f"classifier.{place}.weight": torch.zeros(32, 16 * 9) for place in (0, 3)}
    state |= {"features.1.running_mean": torch.zeros(4)} if norms else {}
    assert problems_of(state, write) == [("E10", f"{network}_bn" if norms else network)]


def test_vgg16_with_norms_is_refused_by_name(write):
    state = a_network().state_dict() | {"features.1.running_mean": torch.zeros(4)}
    assert problems_of(state, write) == [("E10", "vgg16_bn")]


@pytest.mark.parametrize("project", ["caffe", "lua"])
def test_vgg19_by_blocks_is_refused_by_name(write, project):
    state = renamed(a_network().state_dict(), project)
    more = "conv{}_4.weight" if project == "caffe" else "conv_{}_4.weight"
    state |= {more.format(block): torch.zeros(8, 8, 3, 3) for block in (3, 4, 5)}
    assert problems_of(state, write) == [("E10", "vgg19")]


def test_other_widths_are_refused_with_those_that_were_found(write):
    state = renamed(a_network().state_dict(), "caffe")
    state["conv1_1.weight"] = torch.zeros(5, 3, 3, 3)
    assert problems_of(state, write) == [("E10", "a VGG of widths 5, 8, 8, 16, 16, 32")]


def test_shapes_that_do_not_fit_are_told_by_the_name_of_the_tensor(write):
    state = renamed(a_network().state_dict(), "caffe")
    narrow = dict(state) | {"fc6.weight": torch.zeros(32, 50)}
    assert problems_of(narrow, write) == [("E08", "fc6.weight of shape (32, 50)")]
    other = dict(state) | {"conv4_2.weight": torch.zeros(16, 16, 1, 1)}
    assert problems_of(other, write)[0][0] == "E08"
    del other["conv4_2.weight"], other["conv4_2.bias"]
    assert problems_of(other | {"conv4_2.weight": torch.zeros(16, 16, 3, 3)}, write)[0][0] == "E08"


def test_modules_that_vgg_face_does_not_have_are_refused(write):
    state = renamed(a_network().state_dict(), "lua") | {"attention.weight": torch.zeros(4)}
    ((rule, found),) = problems_of(state, write)
    assert rule == "E08"
    assert "attention" in found


def test_a_size_of_another_map_is_refused_and_one_of_the_same_is_not(write):
    state = renamed(a_network().state_dict(), "caffe")
    ((rule, found),) = problems_of(state, write, overrides=Overrides(size=96))
    assert rule == "E17"
    assert "size 96" in found
    assert load_checkpoint(write(state), overrides=Overrides(size=80)).backbone.card.image_input.size == 80


@torch.no_grad()
def test_weights_of_tensorflow_become_those_of_torch_as_the_docs_say():
    """docs/published_systems.md: TensorFlow flattens a map by height, width and channel, torch by channel first."""
    random = np.random.default_rng(0)
    picture, kernel = random.normal(size=(6, 6, 3)), random.normal(size=(3, 3, 3, 5))
    first = random.normal(size=(6 * 6 * 5, 4))
    # as TensorFlow computes it: maps of (height, width, channels), padded by one
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    maps = np.array([[np.tensordot(padded[y : y + 3, x : x + 3], kernel, 3) for x in range(6)] for y in range(6)])
    expected = maps.reshape(-1) @ first
    convolution = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    connected = torch.from_numpy(first.reshape(6, 6, 5, -1).transpose(3, 2, 0, 1).reshape(-1, 5 * 6 * 6).copy())
    found = torch.nn.functional.conv2d(
        torch.from_numpy(picture.transpose(2, 0, 1).copy())[None], convolution, padding=1
    )
    assert (found.flatten(1) @ connected.T)[0].numpy() == pytest.approx(expected)
