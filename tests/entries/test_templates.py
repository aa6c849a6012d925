from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import ProblemError
from abawbench.entries import load_entry
from abawbench.entries.conformance.suite import conform
from abawbench.entries.entry_file import read_entry_file
from abawbench.entries.networks.torch_module import ModuleEntry
from abawbench.entries.templates import BRING, find_placeholders, make_entry_folder

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
KINDS = sorted(BRING)
TABLE = "frame,face_id,timestamp,confidence,success,AU01_c,AU02_c\n1,0,0.0,1,1,0,1\n2,0,0.04,1,1,1,0\n"
each_kind = pytest.mark.parametrize("kind", KINDS)


def fields(path: Path) -> list[str]:
    return [problem.fix.removeprefix("fill in ") for problem in find_placeholders(path)]


def fill_in(folder: Path, kind: str) -> None:
    """Replace every placeholder, and bring what the kind asks for."""
    path = folder / "entry.toml"
    text = path.read_text()
    for problem in find_placeholders(path):
        value = problem.found.split(' = "', 1)[1].removesuffix('", a placeholder')
        text = text.replace(f'"{value}"', '"a fact"')
    path.write_text(text)
    if kind == "onnx":
        shutil.copy(SUBMISSIONS / "2026_abawbench_onnx" / "tiny.onnx", folder / "model.onnx")
    if kind == "image-classifier":
        shutil.copytree(SUBMISSIONS / "2026_abawbench_image-classifier" / "tiny", folder / "model")
    if kind == "tool-output":
        (folder / "tables").mkdir()
        (folder / "tables" / "one.csv").write_text(TABLE)


@each_kind
def test_a_new_entry_passes_the_conformance_suite_once_filled_in(kind, tmp_path):
    folder = make_entry_folder("2026_me_mine", kind, tmp_path)
    assert fields(folder / "entry.toml")
    fill_in(folder, kind)
    assert fields(folder / "entry.toml") == []
    report = conform(partial(load_entry, "2026_me_mine", root=tmp_path))
    assert report.is_ok, report.problems


IMPORTS = "from dataclasses import replace\nfrom pathlib import Path\nfrom abawbench.entries import weights_of\n"


def lines_of_template(code: str) -> str:
    """The template with its lines about weights in use."""
    head, commented = code.split("    # weights, with imports", 1)
    commented = commented.split("\n", 1)[1].replace("    # ", "    ")
    return head + commented


def lines_of_page(code: str) -> str:
    """The template with the `create` of the page on entries."""
    page = (SUBMISSIONS.parent / "docs" / "entries.md").read_text()
    create = re.search(r"```python\n(def create.*?)```", page, re.DOTALL)
    assert create is not None
    tasks = "vocabulary" if "MyNetwork(vocabulary)" in create[1] else ""
    return code.split("def create(", maxsplit=1)[0] + create[1].replace(f"MyNetwork({tasks})", "MyNetwork(vocabulary)")


@pytest.mark.parametrize("made", [lines_of_template, lines_of_page])
def test_the_lines_about_weights_load_them_and_put_their_hash_on_the_card(made, tmp_path):
    import torch

    folder = make_entry_folder("2026_me_mine", "code", tmp_path)
    random = load_entry(folder)
    assert isinstance(random, ModuleEntry)
    state = random.encoder.modules[0].get_submodule("module").state_dict()
    weights = {name: tensor + 1 for name, tensor in state.items()}
    torch.save(weights, folder / "weights.pth")
    head, code = (folder / "entry.py").read_text().split("import annotations\n", 1)
    (folder / "entry.py").write_text(made(f"{head}import annotations\n{IMPORTS}{code}"))
    entry = load_entry(folder)
    assert isinstance(entry, ModuleEntry)
    loaded = entry.encoder.modules[0].get_submodule("module").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())
    assert [(file.file, file.sha256) for file in entry.card.weights] == [
        ("weights.pth", sha256_of(folder / "weights.pth"))
    ]


@each_kind
def test_a_new_entry_names_itself_and_reads_as_an_entry_file(kind, tmp_path):
    folder = make_entry_folder("2026_me_mine", kind, tmp_path / "deep" / "submissions")
    assert read_entry_file(folder / "entry.toml").name == "2026_me_mine"
    assert (folder / "README.md").read_text().startswith("# 2026_me_mine\n")
    assert {"trained_on.0", "title", "licence"} <= set(fields(folder / "entry.toml"))


@pytest.mark.parametrize("kind", ["onnx", "image-classifier", "tool-output"])
def test_every_text_of_a_template_that_must_be_replaced_is_a_placeholder(kind):
    found = fields(SUBMISSIONS / f"2026_abawbench_{kind}" / "entry.toml")
    weights = [] if kind == "tool-output" else ["settings.weights_licence", "settings.weights_source"]
    assert found == ["trained_on.0", "notes.0", *weights]


def test_no_other_entry_holds_a_placeholder_except_for_the_licence_of_weights_that_users_bring():
    found = {
        field
        for path in SUBMISSIONS.glob("*/*.toml")
        if path.parent.name not in {f"2026_abawbench_{kind}" for kind in KINDS}
        for field in fields(path)
    }
    assert found == {"settings.weights.licence", "settings.trunk.weights.licence"}


@pytest.mark.parametrize("text", ["TODO", "todo: name it", "Yours", "<licence>", " fill in ", "...", "Change me"])
def test_what_people_write_to_fill_in_later_is_a_placeholder_with_its_line(text, tmp_path):
    path = tmp_path / "entry.toml"
    path.write_text(f'title = "a test"\n[settings]\nweights_licence = "{text}"\n')
    (problem,) = find_placeholders(path)
    assert (problem.rule, problem.line, problem.fix) == ("E02", 3, "fill in settings.weights_licence")


@pytest.mark.parametrize("text", ["MIT", "Aff-Wild2", "your_dataset_v2", "Todorov 2021", "a network", "yourself"])
def test_a_fact_is_no_placeholder(text, tmp_path):
    path = tmp_path / "entry.toml"
    path.write_text(f'title = "{text}"\n')
    assert find_placeholders(path) == ()


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("2026_Me_My Net_v2", "did you mean 2026_me_my-net-v2?"),
        ("mine", "name year, team and method"),
        ("26_me_mine", "name year, team and method"),
        ("../2026_me_mine", "did you mean 2026_me_mine?"),
        ("2026_me_", "name year, team and method"),
        ("", "name year, team and method"),
    ],
)
def test_a_name_of_another_form_is_refused_and_writes_nothing(name, fix, tmp_path):
    with pytest.raises(ProblemError) as caught:
        make_entry_folder(name, "onnx", tmp_path / "submissions")
    assert [(problem.rule, problem.fix) for problem in caught.value.problems] == [("E02", fix)]
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_overwritten(tmp_path):
    folder = make_entry_folder("2026_me_mine", "onnx", tmp_path)
    (folder / "entry.toml").write_text("mine")
    with pytest.raises(ProblemError, match="C02"):
        make_entry_folder("2026_me_mine", "code", tmp_path)
    assert (folder / "entry.toml").read_text() == "mine"
    assert not (folder / "entry.py").exists()
