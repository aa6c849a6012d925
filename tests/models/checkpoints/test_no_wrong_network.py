"""Files that were wrapped and changed at random: the network that was saved is loaded, or the file is refused."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import Overrides
from tests.damage import outcome

words = st.sampled_from(["model", "module", "net", "encoder", "state_dict", "features", "layer1", "blocks", "0"])
heads = st.sampled_from(["head.weight", "au_head.0.bias", "classifier.weight", "decoder_pred.weight", "loss.weight"])
strangers = st.sampled_from(["ssh1.weight", "fpn.0.weight", "lstm.weight_hh_l0", "attention.weight", "dist_token"])
inner = st.sampled_from(["ca", "se.fc1.weight", "gamma_1", "norm9.weight"])
IRESNET = {"conv1", "bn1", "prelu", "layer1", "layer2", "layer3", "layer4", "bn2", "fc", "features"}
MODULES = IRESNET | {"cls_token", "pos_embed", "patch_embed", "blocks", "norm"}
CHANGES = ("drop", "rename", "reshape", "retype", "stranger", "inner", "twin", "swap")


@st.composite
def changed(draw, state):
    """A tree around a state dictionary, and whether something in the dictionary was changed that must be noticed."""
    state = dict(state)
    for name in draw(st.lists(heads, max_size=2)):
        state[name] = torch.ones(3)
    change = draw(st.sampled_from(CHANGES) | st.none())
    weights = [name for name in state if state[name].is_floating_point() and name.split(".")[0] in MODULES]
    name = draw(st.sampled_from(weights))
    if change == "drop":
        del state[name]
    elif change == "rename":
        state[f"{name}_old"] = state.pop(name)
    elif change == "reshape":
        state[name] = torch.ones(*state[name].shape, 2)
    elif change == "retype":
        state[name] = state[name].to(draw(st.sampled_from([torch.int8, torch.bool, torch.float8_e4m3fn])))
    elif change == "stranger":
        state[draw(strangers)] = torch.ones(3)
    elif change == "inner":
        state[f"{name.rpartition('.')[0] or name}.{draw(inner)}"] = torch.ones(3)
    elif change == "swap":
        others = [other for other in weights if state[other].shape != state[name].shape]
        other = draw(st.sampled_from(others))
        state[name], state[other] = state[other], state[name]
    prefix = "".join(f"{word}." for word in draw(st.lists(words, max_size=3)))
    tree = {f"{prefix}{name}": tensor for name, tensor in state.items()}
    if change == "twin":
        tree |= {f"twin.{name}": tensor + 1 for name, tensor in tree.items()}
    for key in draw(st.lists(words, max_size=3)):
        tree = {key: tree, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    return tree, change is not None


@torch.no_grad()
@pytest.mark.parametrize("name", ["iresnet", "vit"])
def test_a_file_gives_the_network_that_was_saved_or_is_refused(narrow, mae_state, tmp_path, name):
    state = narrow.state_dict() if name == "iresnet" else mae_state()
    path, numbers = tmp_path / "weights.pth", itertools.count()
    torch.save(state, path)
    size = load_checkpoint(path).backbone.card.image_input.size
    pictures = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    expected = load_checkpoint(path).backbone(pictures)
    outcomes = set()

    @settings(max_examples=40)
    @given(changed(state))
    def check(drawn):
        tree, must_be_refused = drawn
        # memory-mapped files are not written over
        file = tmp_path / f"{next(numbers)}.pth"
        torch.save(tree, file)
        found = outcome(lambda: load_checkpoint(file))
        file.unlink()
        is_refused = isinstance(found, ProblemError)
        outcomes.update([problem.rule for problem in found.problems] if is_refused else ["loaded"])
        assert is_refused == must_be_refused, found
        assert is_refused or torch.equal(found.backbone(pictures), expected)

    check()
    assert {"loaded", "E08", "E10"} <= outcomes


@torch.no_grad()
def test_settings_go_through_any_wrapper(mae_state, write):
    state = mae_state()
    pictures = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    wrapped = {"state_dict": {f"model.encoder.{name}": tensor for name, tensor in state.items()}}
    wanted = Overrides(size=64, layer=1, pooling="mean", mean=(0.5,) * 3)
    plain, inside = (
        load_checkpoint(write(tree, f"{place}.pth"), overrides=wanted) for place, tree in enumerate((state, wrapped))
    )
    assert torch.equal(plain.backbone(pictures), inside.backbone(pictures))
    assert plain.backbone.card == inside.backbone.card
