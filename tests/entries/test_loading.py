from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.entries import load_entry
from abawbench.entries.loading import KINDS, folders
from abawbench.entries.model import Entry, Trainable

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
GOOD = """\
name = "2026_test_hog"
title = "a test"
kind = "hog"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"
"""


def entry_file(root: Path, text: str) -> Path:
    folder = root / "2026_test_hog"
    folder.mkdir()
    (folder / "entry.toml").write_text(text)
    return folder


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        load_entry(folder.name, root=folder.parent)
    return [f"{problem.rule} {problem.found} | {problem.fix}" for problem in caught.value.problems]


def test_an_entry_is_found_by_the_name_of_its_folder():
    entry = load_entry("2026_abawbench_constant", root=SUBMISSIONS)
    assert isinstance(entry, Entry)
    assert entry.card.name == "2026_abawbench_constant"


def test_an_entry_is_found_by_the_path_of_its_folder(tmp_path):
    assert load_entry(entry_file(tmp_path, GOOD), root=SUBMISSIONS).card.title == "a test"


def test_what_must_be_fitted_is_trainable_and_cannot_predict_yet():
    entry = load_entry("2026_abawbench_hog", root=SUBMISSIONS)
    assert isinstance(entry, Trainable)
    assert not isinstance(entry, Entry)


def test_every_kind_has_a_committed_folder():
    assert {f'kind = "{kind}"' for kind in KINDS} <= {
        line for folder in folders(SUBMISSIONS) for line in (folder / "entry.toml").read_text().splitlines()
    }


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(ProblemError, match="did you mean 2026_abawbench_prior") as caught:
        load_entry("2026_abawbench_piror", root=SUBMISSIONS)
    assert caught.value.problems[0].rule == "E01"


def test_an_unknown_name_in_an_empty_folder_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="E01"):
        load_entry("anything", root=tmp_path)


def test_an_unknown_kind_suggests_near_ones(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('kind = "hog"', 'kind = "hoog"'))
    assert problems_of(folder) == ["E01 kind hoog | did you mean hog?"]


def test_an_unknown_vocabulary_is_a_problem(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace("abaw4-mtl", "abaw4-mlt"))
    assert problems_of(folder)[0].startswith("C01")


def test_all_missing_fields_are_named_at_once(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('title = "a test"\n', "").replace('licence = "Apache-2.0"\n', ""))
    assert problems_of(folder) == [
        "E02 no field title | add title = ...",
        "E02 no field licence | add licence = ...",
    ]


def test_a_misspelt_field_suggests_the_right_one(tmp_path):
    folder = entry_file(tmp_path, GOOD + 'papper = "none"\n')
    assert problems_of(folder) == ["E02 field papper | did you mean paper?"]


def test_a_misspelt_setting_suggests_the_right_one(tmp_path):
    folder = entry_file(tmp_path, GOOD + "[settings]\ncel = 8\n")
    assert problems_of(folder) == ["E02 field settings.cel | did you mean cell?"]


@pytest.mark.parametrize("setting", ['cell = "eight"', "cell = 1", "inverse_penalty = -1.0", "ridge_penalty = nan"])
def test_a_setting_of_another_type_or_out_of_range_is_a_problem(tmp_path, setting):
    folder = entry_file(tmp_path, f"{GOOD}[settings]\n{setting}\n")
    assert [problem[:3] for problem in problems_of(folder)] == ["E02"]


def test_a_name_that_is_not_the_folders_is_a_problem(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace("2026_test_hog", "2026_other_hog"))
    assert "rename the folder" in problems_of(folder)[0]


@pytest.mark.parametrize("text", ["name = ", "\x00", 'name = "a"\nname = "b"'])
def test_what_is_no_toml_is_a_problem(tmp_path, text):
    assert [problem[:3] for problem in problems_of(entry_file(tmp_path, text))] == ["E02"]


def test_bytes_that_are_no_text_are_a_problem(tmp_path):
    folder = entry_file(tmp_path, "")
    (folder / "entry.toml").write_bytes(b"name = \xff\xfe")
    assert problems_of(folder)[0].startswith("E02")


CODE = """\
from abawbench.entries.baselines.controls import ConstantSettings, constant


def create(card, vocabulary, settings):
    return constant(card, vocabulary, ConstantSettings(number=0.5))
"""


def test_code_beside_the_entry_file_makes_the_entry(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('kind = "hog"', 'kind = "code"'))
    (folder / "entry.py").write_text(CODE)
    entry = load_entry(folder)
    assert isinstance(entry, Entry)
    assert entry.card.title == "a test"


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (None, "E02"),
        ("x = 1\n", "E02"),
        ("def create(card, vocabulary, settings):\n    return 7\n", "E02"),
        ("import nothing_of_this_name\n", "E12"),
        ("def create(:\n", "E12"),
    ],
)
def test_code_that_makes_no_entry_is_a_problem(tmp_path, code, rule):
    folder = entry_file(tmp_path, GOOD.replace('kind = "hog"', 'kind = "code"'))
    if code is not None:
        (folder / "entry.py").write_text(code)
    assert [problem[:3] for problem in problems_of(folder)] == [rule]


def test_settings_of_code_are_checked_by_its_own_dataclass(tmp_path):
    folder = entry_file(tmp_path, GOOD.replace('kind = "hog"', 'kind = "code"') + "[settings]\nlevvel = 3\n")
    settings = "from dataclasses import dataclass\n\n\n@dataclass\nclass Settings:\n    level: int = 1\n\n\n"
    (folder / "entry.py").write_text(settings + CODE)
    assert problems_of(folder) == ["E02 field settings.levvel | did you mean level?"]


def test_a_file_beside_the_entry_file_is_another_entry_of_the_folder(tmp_path):
    folder = entry_file(tmp_path, GOOD)
    (folder / "tiny.toml").write_text(GOOD.replace("2026_test_hog", "2026_test_hog-tiny"))
    for name in ("2026_test_hog/tiny", folder / "tiny.toml", folder / "tiny"):
        assert load_entry(name, root=tmp_path).card.name == "2026_test_hog-tiny"
    (folder / "tiny.toml").write_text(GOOD)
    with pytest.raises(ProblemError, match="the folder's name: 2026_test_hog-tiny"):
        load_entry("2026_test_hog/tiny", root=tmp_path)


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "abawbench_test_models.py").write_text(
        "from abawbench.challenges import get\n"
        "from abawbench.entries import Card\n"
        "from abawbench.entries.baselines.controls import ConstantSettings, constant\n\n\n"
        "def zero():\n"
        '    card = Card("2026_test_zero", "zero", (), None, licence="MIT")\n'
        '    return constant(card, get("abaw4-mtl").tasks, ConstantSettings())\n\n\n'
        "def ill():\n    raise OSError('no disk')\n\n\n"
        "def leaves():\n    raise SystemExit\n"
    )
    (tmp_path / "abawbench_test_models_ill.py").write_text("def zero(:\n")
    (tmp_path / "abawbench_test_models_poor.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "abawbench_test_models"


def test_an_entry_is_made_by_module_and_factory(package):
    assert load_entry(f"{package}:zero").card.name == "2026_test_zero"


@pytest.mark.parametrize(
    ("name", "rule", "text"),
    [
        (":zreo", "E01", "did you mean zero"),
        (":ill", "E12", "OSError: no disk"),
        ("_more:zero", "E01", "check PYTHONPATH"),
        (".more:zero", "E01", "check PYTHONPATH"),
        (" 1:zero", "E01", "check PYTHONPATH"),
        (":leaves", "E12", "do not leave the program"),
        ("_ill:zero", "E12", "SyntaxError"),
        ("_poor:zero", "E12", "No module named 'nothing_of_this_name'"),
        (":__name__", "E12", "'str' object is not callable"),
    ],
)
def test_what_a_factory_lacks_is_told(package, name, rule, text):
    with pytest.raises(ProblemError, match=text) as caught:
        load_entry(f"{package}{name}")
    assert caught.value.problems[0].rule == rule


def test_an_installed_package_offers_entries_by_name(package, monkeypatch):
    from importlib.metadata import EntryPoint

    from abawbench.entries import loading

    point = EntryPoint("zero-of-a-package", f"{package}:zero", loading.GROUP)
    monkeypatch.setattr(loading, "entry_points", lambda group: [point])
    assert load_entry("zero-of-a-package").card.name == "2026_test_zero"
    with pytest.raises(ProblemError, match="did you mean zero-of-a-package"):
        load_entry("zero-of-a-packge")
