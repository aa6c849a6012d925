"""Where a network stands in a file: dictionaries and modules around it, several networks, modules beside it."""

from __future__ import annotations

import argparse

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.checkpoints.branches import find_branch
from abawbench.models.checkpoints.layouts import LAYOUTS
from tests.damage import outcome

HEAD = {"weight": torch.ones(8, 7), "bias": torch.zeros(8)}


def of(names):
    return {name: torch.empty(1, device="meta") for name in names}


NETWORKS = {
    "IResNet": of(["layer1.0.prelu.weight", "fc.weight", "features.weight", "layer3.0.bn1.weight"]),
    "ViT": of(["patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "norm.weight"]),
    "DenseNet": of(["features.conv0.weight", "features.norm5.weight"]),
    "ViT of transformers": of(["embeddings.patch_embeddings.projection.weight", "encoder.layer.0.layernorm.weight"]),
}
IRESNET = NETWORKS["IResNet"]


def under(prefix, tensors):
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


words = st.sampled_from(
    ["model", "module", "net", "encoder", "backbone", "state_dict", "densenet121", "x1", "_orig_mod"]
)


@pytest.mark.parametrize("name", NETWORKS)
@given(keys=st.lists(words, max_size=4), modules=st.lists(words, max_size=4), has_more=st.booleans())
def test_a_network_is_found_behind_any_dictionaries_and_modules(name, keys, modules, has_more):
    network = NETWORKS[name]
    tree = under("".join(f"{module}." for module in modules), network)
    if has_more:
        tree["epoch"] = 3
    for key in reversed(keys):
        optimizer = {"state": {0: {"exp_avg": torch.zeros(2), "step": torch.zeros(())}}, "param_groups": [{"lr": 0.1}]}
        tree = {"epoch": 1, "optimizer": optimizer, key: tree} if has_more else {key: tree}
    layout, branch = find_branch(tree, LAYOUTS)
    assert layout.signature[0] in branch.tensors
    assert (branch.tensors.keys(), branch.beside) == (network.keys(), {})
    assert branch.name == ".".join([*keys, *modules])
    assert find_branch(tree, LAYOUTS, branch.name)[1].tensors == branch.tensors


def test_dictionaries_beside_a_network_are_named_once():
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}, 1: {"exp_avg": torch.zeros(2)}}}
    tree = {"loss_scale": torch.ones(1), "net": {"backbone": IRESNET, "head": HEAD}, "optimizer": optimizer}
    assert set(find_branch(tree, LAYOUTS)[1].apart) == {"loss_scale", "head", "optimizer"}
    assert find_branch({"backbone": IRESNET}, LAYOUTS)[1].apart == ()


@torch.no_grad()
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"backbone": state},
        lambda state: {"backbone": state, "head": HEAD},
        lambda state: {"weights": state},
        lambda state: {"model_state": state, "optimizer_state": {"state": {}}},
        lambda state: {"ema": under("module.", state), "step": torch.zeros(())},
        lambda state: {"ema": under("module.", state) | {"n_averaged": torch.zeros((), dtype=torch.int64)}},
        lambda state: {"network": state},
        lambda state: {"encoder": state},
        lambda state: {
            "state_dict": under("model.", state),
            "pytorch-lightning_version": "2.5",
            "hyper_parameters": {},
        },
        lambda state: {"state_dict": under("net.", state) | {"criterion.weight": torch.ones(8)}},
        lambda state: under("encoder.", state) | under("head.", HEAD),
        lambda state: under("model.backbone.", state) | under("model.au_head.fc.", HEAD),
        lambda state: under("module.module.backbone.backbone.", state),
    ],
)
def test_the_wrappers_of_the_field_are_read(narrow, write, wrap):
    pictures = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    loaded = load_checkpoint(write(wrap(narrow.state_dict())))
    assert torch.equal(loaded.backbone(pictures), narrow(pictures))


def test_heads_beside_the_network_are_listed_by_the_names_that_they_have_there(narrow, write):
    state = (
        under("model.backbone.", narrow.state_dict()) | under("model.au_head.", HEAD) | {"loss.weight": HEAD["bias"]}
    )
    loaded = load_checkpoint(write({"state_dict": state}))
    assert loaded.unexpected == ("au_head.weight", "au_head.bias", "loss.weight")
    assert loaded.facts()["branch"] == "state_dict.model.backbone"


TWICE = {
    "model and its average": ({"model": IRESNET, "model_ema": dict(IRESNET)}, ["model", "model_ema"]),
    "student and teacher": (
        {"student": under("backbone.", IRESNET), "teacher": under("backbone.", IRESNET)},
        ["student", "teacher"],
    ),
    "two encoders": ({"state_dict": under("base.", IRESNET) | under("momentum.", IRESNET)}, ["state_dict.base"]),
    "two layouts": ({"model": NETWORKS["ViT"], "other": NETWORKS["DenseNet"]}, ["model", "other"]),
    "one at the top": (IRESNET | under("module.", IRESNET), ["module"]),
    "one in the other's dictionary": (IRESNET | {"ema": IRESNET}, ["ema"]),
}


@pytest.mark.parametrize("case", TWICE)
def test_of_several_networks_one_must_be_named(case):
    tree, names = TWICE[case]
    with pytest.raises(ProblemError, match=r"E10.*\n.*2 networks: ") as caught:
        find_branch(tree, LAYOUTS)
    for name in names:
        assert name in caught.value.problems[0].found
        _, branch = find_branch(tree, LAYOUTS, name)
        assert branch.name.startswith(name)
        assert len(branch.tensors) in {len(network) for network in NETWORKS.values()}
    assert "--branch" in caught.value.problems[0].fix


def test_one_dictionary_under_two_names_is_one_network():
    assert find_branch({"model": IRESNET, "state_dict": IRESNET}, LAYOUTS)[1].name == "model"


@torch.no_grad()
@pytest.mark.parametrize("branch", ["model", "model_ema"])
def test_the_branch_that_is_named_is_loaded(narrow, write, branch):
    state = narrow.state_dict()
    other = {name: torch.zeros_like(value) for name, value in state.items()}
    path = write({"model": other, "model_ema": other, branch: state})
    pictures = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    loaded = load_checkpoint(path, branch=branch)
    assert torch.equal(loaded.backbone(pictures), narrow(pictures))
    assert loaded.branch == branch


def test_two_layouts_among_the_names_of_one_network_are_refused():
    with pytest.raises(ProblemError, match=r"E10.*\n.*2 networks: the top \(IResNet") as caught:
        find_branch(IRESNET | NETWORKS["ViT"], LAYOUTS)
    assert "one of them alone" in caught.value.problems[0].fix


def test_the_names_of_a_network_in_several_modules_are_none():
    names = ["a.layer1.0.prelu.weight", "b.fc.weight", "c.features.weight", "d.layer1.0.conv1.weight"]
    with pytest.raises(ProblemError, match="E10") as caught:
        find_branch(of(names), LAYOUTS)
    assert "lacks one module with all of its names" in caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("ema", "no networks in the branch ema"), ("model.net", "no networks"), ("state_dict", "2 networks")],
)
def test_a_branch_that_is_not_there_or_holds_two_networks_is_refused(wanted, said):
    tree = {"model": IRESNET, "state_dict": under("a.", IRESNET) | under("b.", IRESNET)}
    with pytest.raises(ProblemError, match="E10") as caught:
        find_branch(tree, LAYOUTS, wanted)
    assert said in str(caught.value)
    assert "state_dict.a" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["temporal.lstm.weight_ih_l0", "stem.conv.weight", "neck.weight", "attention_head.weight"]
)
def test_a_module_beside_the_network_that_may_belong_to_it_is_refused_unless_the_branch_is_named(name):
    tree = {"model": under("backbone.", IRESNET) | of([name])}
    with pytest.raises(ProblemError, match="E08") as caught:
        find_branch(tree, LAYOUTS)
    assert name.split(".")[0] in caught.value.problems[0].found
    assert 'branch = "model.backbone"' in caught.value.problems[0].fix
    assert [*find_branch(tree, LAYOUTS, "model.backbone")[1].beside] == [name]


@pytest.mark.parametrize("tree", [{}, {"epoch": 3, "model": {"lr": 0.1}}, {"model": [torch.zeros(1)]}])
def test_a_file_without_tensors_by_name_is_refused(tree):
    with pytest.raises(ProblemError, match=r"E10.*\n.*no tensors, but"):
        find_branch(tree, LAYOUTS)


leaves = st.none() | st.integers() | st.text(max_size=3) | st.just(torch.zeros(2)) | st.just(IRESNET) | st.just([1])
names = st.sampled_from(["model", "", ".", "layer1.0.prelu.weight", "fc.weight", "features.weight", 0, None, ("a",)])


@given(st.recursive(leaves, lambda inner: st.dictionaries(names, inner, max_size=5), max_leaves=12))
def test_any_tree_holds_a_network_or_is_a_problem(tree):
    found = outcome(lambda: find_branch(tree if isinstance(tree, dict) else {"model": tree}, LAYOUTS))
    if not isinstance(found, ProblemError):
        layout, branch = found
        assert set(layout.signature) <= branch.tensors.keys()


def test_the_arguments_of_the_training_program_go_with_the_network():
    tree = {"model": NETWORKS["ViT"], "args": argparse.Namespace(mask_ratio=0.75)}
    assert find_branch(tree, LAYOUTS)[1].arguments == {"mask_ratio": 0.75}


def test_a_branch_of_a_file_that_describes_itself_is_refused(tmp_path):
    from abawbench.models.backbones import build
    from abawbench.models.checkpoints import save_backbone

    save_backbone(build("tiny_iresnet", seed=0), tmp_path / "own.safetensors")
    with pytest.raises(ProblemError, match=r"E10.*\n.*branch model"):
        load_checkpoint(tmp_path / "own.safetensors", branch="model")
