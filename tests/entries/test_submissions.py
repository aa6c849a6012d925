"""The folders of submissions/ that stand for published systems and foreign models."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from abawbench import challenges, labels
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.entry_file import EntryFile, read_entry_file, read_settings
from abawbench.entries.model import Entry
from abawbench.entries.networks import facebehaviornet, network
from abawbench.entries.outputs import head_widths, label_forms
from abawbench.models import backbones
from abawbench.models.frameworks.networks import build_network
from abawbench.training.settings import read_training

ROOT = Path(__file__).parents[2]
SUBMISSIONS = ROOT / "submissions"
PAGE = (ROOT / "docs" / "published_systems.md").read_text("utf-8")
FACEBEHAVIORNET = {
    "2019_kollias_facebehaviornet": "none",
    "2019_kollias_facebehaviornet-soft-co-annotation": "soft_co_annotation",
    "2021_kollias_facebehaviornet-distribution-matching": "distribution_matching",
}
IDENTITY = "2021_kollias_facebehaviornet-identity-attributes"
AIM3 = (
    *(
        f"2022_aim3_mtl-{framework}-{encoder}"
        for framework in ("se", "sbe", "sbe-hsf")
        for encoder in ("transformer", "lstm", "gru")
    ),
    "2022_aim3_mtl-sbe-label-feedback-transformer",
)
PUBLISHED = (*FACEBEHAVIORNET, IDENTITY, *AIM3)
# see test_public_networks.py
PUBLIC_NETWORKS = ("2017_arriaga_mini-xception", "2018_muehler_face-api-expression")
RUNNING_TEMPLATES = ("2026_abawbench_onnx", "2026_abawbench_image-classifier")
TEMPLATES = (*RUNNING_TEMPLATES, "2026_abawbench_tool-output")
SETTINGS: dict[str, type[Any]] = {
    "network": network.NetworkSettings,
    "facebehaviornet": facebehaviornet.FaceBehaviorEntrySettings,
}
# fields in which a twin may differ: widths, backbones and the source of its weights
WIDTHS = {"width", "feed_forward", "hidden", "label_width", "backbones", "trunk", "weights", "seed"}

each_published = pytest.mark.parametrize("name", PUBLISHED)
each_aim3 = pytest.mark.parametrize("name", AIM3)


def described(name: str, file: str = "entry.toml") -> tuple[EntryFile, Any]:
    path = SUBMISSIONS / name / file
    content = read_entry_file(path)
    return content, read_settings(SETTINGS[content.kind], content.settings, path)


def readme(name: str) -> str:
    return (SUBMISSIONS / name / "README.md").read_text("utf-8")


def compared(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        key: compared(value) if isinstance(value, dict) else value
        for key, value in settings.items()
        if key not in WIDTHS
    }


def files_of(value: Any) -> list[dict[str, str]]:
    """Every file of weights that is named anywhere in an entry.toml."""
    if isinstance(value, list):
        return [file for part in value for file in files_of(part)]
    if isinstance(value, dict):
        return [value] if "file" in value else [file for part in value.values() for file in files_of(part)]
    return []


def alone(name: str, root: Path) -> Path:
    """The entry in a folder without any weights, whatever lies beside the committed one."""
    folder = root / name
    folder.mkdir()
    shutil.copy(SUBMISSIONS / name / "entry.toml", folder)
    return folder


def of_a_system(folder: Path) -> bool:
    return "_abawbench_" not in folder.name and folder.name[:4].isdigit()


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@cache
def tiny(name: str) -> Entry:
    entry = load_entry(f"{name}/tiny", root=SUBMISSIONS)
    assert isinstance(entry, Entry)
    return entry


@cache
def backbone(kind: str) -> backbones.Backbone:
    with torch.device("meta"):
        return backbones.build(kind)


@cache
def parameters(name: str) -> tuple[int, int]:
    """Of what looks at the crops, and of everything above."""
    content, settings = described(name)
    tasks = challenges.get(content.vocabulary).tasks
    if content.kind == "network":
        parts = [backbone(part.kind) for part in settings.backbones]
        features = sum(part.card.width for part in parts)
        with torch.device("meta"):
            parts_above = (settings.temporal, settings.framework, settings.heads)
            above = build_network(features, head_widths(tasks), *parts_above, forms=label_forms(tasks))
        return sum(count(part) for part in parts), count(above)
    trunk = backbone(settings.trunk.kind)
    with torch.device("meta"):
        outputs = {task.name: task.width for task in facebehaviornet.tasks_of(tasks, settings)}
        return count(trunk), count(facebehaviornet.build(trunk, outputs, settings.network).heads)


def test_every_published_system_is_tested_here():
    found = {folder.name for folder in SUBMISSIONS.iterdir() if of_a_system(folder)}
    # of kinds of their own: see networks/test_compound.py and networks/test_fersnet.py
    others = {"2021_kollias_facebehaviornet-compound", "2020_zhao_fersnet"}
    assert found == {*PUBLISHED, *PUBLIC_NETWORKS, *others}


@pytest.mark.parametrize("name", [*PUBLISHED, *PUBLIC_NETWORKS, *RUNNING_TEMPLATES])
def test_a_folder_has_an_entry_a_tiny_twin_and_a_page(name):
    assert {"entry.toml", "tiny.toml", "README.md"} <= {path.name for path in (SUBMISSIONS / name).iterdir()}


@pytest.mark.parametrize("name", [*PUBLISHED, *PUBLIC_NETWORKS, *TEMPLATES])
def test_a_page_says_whose_it_is_what_to_bring_and_under_which_licence(name):
    text = readme(name)
    assert text.startswith(f"# {name}\n")
    assert "no pretrained weights" in text.replace("\n", " ")
    assert "licence" in text
    assert "assumed" in text.lower() or name in RUNNING_TEMPLATES
    assert f"    abawbench predict {name}/tiny DATA -o STORE\n" in text or name == "2026_abawbench_tool-output"


@each_published
def test_a_page_names_the_paper_every_file_and_the_page_of_all_systems(name):
    content, text = described(name)[0], readme(name)
    assert content.paper is not None
    assert content.paper in text
    assert "(../../docs/published_systems.md)" in text
    for file in files_of(content.settings):
        assert f"`{file['file']}`" in text


@each_published
def test_every_file_of_weights_has_a_licence_and_a_source(name):
    files = files_of(described(name)[0].settings)
    assert files
    assert all(file["licence"] and file["source"] for file in files)


@pytest.mark.parametrize("name", [*PUBLISHED, *PUBLIC_NETWORKS])
def test_what_is_assumed_is_on_the_card(name):
    content = read_entry_file(SUBMISSIONS / name / "entry.toml")
    assert any(note.startswith("assumed") for note in content.notes)


@pytest.mark.parametrize("name", PUBLISHED)
def test_without_weights_a_system_stops_with_e11_and_names_every_file(name, tmp_path):
    content, _ = described(name)
    with pytest.raises(ProblemError) as caught:
        load_entry(alone(name, tmp_path))
    assert {problem.rule for problem in caught.value.problems} == {"E11"}
    asked = {(tmp_path / name / file["file"]).resolve(): file["source"] for file in files_of(content.settings)}
    named = {Path(problem.file or "").resolve(): problem.fix for problem in caught.value.problems}
    assert named.keys() == asked.keys()
    assert all(source in named[file] for file, source in asked.items())


@pytest.mark.parametrize("name", [*PUBLIC_NETWORKS, *TEMPLATES])
def test_a_template_says_what_it_lacks(name, tmp_path):
    with pytest.raises(ProblemError) as caught:
        load_entry(alone(name, tmp_path))
    (problem,) = caught.value.problems
    assert problem.rule in {"E11", "F01"}
    assert problem.file is not None
    assert str(tmp_path / name) in problem.file


@each_published
def test_a_tiny_twin_differs_in_widths_alone(name):
    (full, full_settings), (twin, twin_settings) = described(name), described(name, "tiny.toml")
    assert twin.kind == full.kind
    assert twin.vocabulary == full.vocabulary
    assert twin.paper == full.paper
    assert twin.picture == full.picture
    assert compared(asdict(twin_settings)) == compared(asdict(full_settings))


@each_aim3
def test_a_tiny_twin_has_a_small_backbone_of_each_family(name):
    family = {"mae_vit_b": "tiny_vit_mae", "iresnet100": "tiny_iresnet", "denseface100": "tiny_denseface"}
    full, twin = (described(name, file)[1].backbones for file in ("entry.toml", "tiny.toml"))
    assert [part.kind for part in twin] == [family[part.kind] for part in full]


@pytest.mark.parametrize("name", [*PUBLISHED, *PUBLIC_NETWORKS, *RUNNING_TEMPLATES])
def test_a_tiny_twin_answers_and_says_that_it_means_nothing(name):
    entry = tiny(name)
    assert any("mean nothing" in note for note in entry.card.notes)
    assert entry.card.trained_on == ()
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    answers = entry.predict(clip_in_memory("one", crops))
    assert {task.name: (3, task.width) for task in entry.card.tasks} == {
        task: values.shape for task, values in answers.items()
    }
    assert all(np.isfinite(values).all() for values in answers.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_twins_answer_the_same_tasks(name):
    content, settings = described(name)
    tasks = challenges.get(content.vocabulary).tasks
    asked = facebehaviornet.tasks_of(tasks, settings) if name not in AIM3 else tasks
    assert tiny(name).card.tasks == asked


@pytest.mark.parametrize(("name", "coupling"), FACEBEHAVIORNET.items())
def test_facebehaviornet_has_its_coupling_17_action_units_and_7_expressions(name, coupling):
    _, settings = described(name)
    assert settings.coupling == coupling
    assert settings.action_units == labels.ACTION_UNITS_17
    assert settings.expressions == labels.EXPRESSIONS_7
    assert settings.trunk.kind == "vggface"


def test_the_second_case_study_couples_identity_and_attributes_by_a_table_of_its_own_training_pictures():
    for file in ("entry.toml", "tiny.toml"):
        content, _ = described(IDENTITY, file)
        coupling = read_training(content.training, SUBMISSIONS / IDENTITY / file).coupling
        assert coupling is not None
        assert (coupling.classes, coupling.labels, coupling.relatedness) == ("identity", "attributes", "estimated")
        assert set(coupling.terms) == {"soft_co_annotation", "distribution_matching"}
    assert [task.name for task in tiny(IDENTITY).card.tasks] == ["identity", "attributes"]


@each_aim3
def test_the_name_of_an_aim3_folder_is_its_framework_and_its_encoder(name):
    _, settings = described(name)
    kinds = {"se": "shared_encoder", "sbe": "shared_bottom", "sbe-hsf": "feedback", "sbe-label-feedback": "feedback"}
    framework, _, encoder = name.removeprefix("2022_aim3_mtl-").rpartition("-")
    assert (settings.framework.kind, settings.temporal.encoder) == (kinds[framework], encoder)
    graph = {"arousal": ("valence", "action_units")} if kinds[framework] == "feedback" else {}
    assert dict(settings.framework.feedback) == graph
    assert (settings.framework.feedback_of == "labels") == (framework == "sbe-label-feedback")


# without the projection of the features, 4 layers of width 1024, of which 3 are private (AIM3-RUC/ABAW4, computed)
@pytest.mark.parametrize(
    ("framework", "expected"),
    [
        ("se", 36_229_654),
        ("sbe", 111_828_502),
        ("sbe-hsf", 134_124_566),
        # as wide as with hidden vectors, and a vector of 256 for valence and each of 12 action units
        ("sbe-label-feedback", 134_124_566 + 13 * 256),
    ],
)
def test_transformers_have_the_parameters_of_the_release(framework, expected):
    projection = (768 + 512 + 342 + 1) * 1024
    assert parameters(f"2022_aim3_mtl-{framework}-transformer")[1] - projection == expected


@each_aim3
def test_aim3_backbones_have_the_parameters_of_their_kinds(name):
    assert parameters(name)[0] == 85_798_656 + 65_156_160 + 765_300


@each_published
def test_the_page_has_the_parameters_of_the_networks(name):
    row = re.search(rf"^\| `{name}` \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    assert row is not None
    assert tuple(int(number.replace(",", "")) for number in row.groups()) == parameters(name)
