from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from abawbench.base.problems import ProblemError
from abawbench.entries.entry_file import read_entry_file, read_settings


@dataclass(frozen=True)
class Layer:
    kind: Literal["tcn", "lstm", "gru"] = "gru"
    width: Annotated[int, Field(ge=1)] = 8


@dataclass(frozen=True)
class Settings:
    weights: Path = Path("weights")
    layer: Layer = Layer()
    layers: tuple[Layer, ...] = ()
    by_task: Mapping[str, Layer] = field(default_factory=dict)
    maybe: Layer | None = None


def problems_of(content: dict[str, Any], **options: str) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        read_settings(Settings, content, Path("entry.toml"), **options)
    return [f"{problem.rule} {problem.found} | {problem.fix}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"layer": {"widht": 1}}, "layer.widht"),
        ({"layers": [{}, {"widht": 1}]}, "layers.1.widht"),
        ({"by_task": {"va": {"widht": 1}}}, "by_task.va.widht"),
        ({"maybe": {"widht": 1}}, "maybe.widht"),
    ],
)
def test_an_unknown_field_suggests_the_fields_of_its_own_table(content, place):
    assert problems_of(content) == [f"E02 field settings.{place} | did you mean width?"]


def test_an_unknown_choice_suggests_near_ones():
    assert problems_of({"layer": {"kind": "lstn"}}) == ["E02 settings.layer.kind = 'lstn' | did you mean lstm?"]
    assert problems_of({"layer": {"kind": "zzz"}}) == ["E02 settings.layer.kind = 'zzz' | correct settings.layer.kind"]


def test_a_value_out_of_its_declared_range_has_the_rule_of_the_table():
    wrong = {"layer": {"width": 0}}
    assert problems_of(wrong) == ["E02 settings.layer.width = 0 | correct settings.layer.width"]
    assert problems_of(wrong, table="training", out_of_range="E19")[0].startswith("E19 training.layer.width = 0")


def test_everything_that_is_wrong_is_told_at_once():
    assert len(problems_of({"layer": {"widht": 1, "kind": "lstn"}, "layres": [], "weights": 3})) == 4


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path):
    settings = read_settings(Settings, {"weights": "a.pt"}, tmp_path / "entry.toml")
    assert settings.weights == tmp_path / "a.pt"


@pytest.mark.parametrize("name", ["arcface112", "aligned-face", "eyes", "box-200"])
def test_an_unknown_crop_is_refused_with_the_known_forms(tmp_path, name):
    path = tmp_path / "entry.toml"
    path.write_text(f'[picture]\nsize = 112\ncolour = "RGB"\ncrop = "{name}"\n')
    with pytest.raises(ProblemError) as caught:
        read_entry_file(path)
    (problem,) = (problem for problem in caught.value.problems if "crop" in problem.found)
    assert (problem.rule, problem.found) == ("E02", f"picture.crop = '{name}'")
    assert "arcface-112, wide, eyes-M or box-M" in problem.expected


def test_a_misspelt_field_of_the_picture_suggests_the_fields_of_the_picture(tmp_path):
    path = tmp_path / "entry.toml"
    path.write_text('[picture]\nsize = 112\ncolor = "RGB"\n')
    with pytest.raises(ProblemError) as caught:
        read_entry_file(path)
    fixes = {problem.found: problem.fix for problem in caught.value.problems}
    assert fixes["field picture.color"] == "did you mean colour?"
