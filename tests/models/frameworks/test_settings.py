from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings, framework_problems

OUTPUTS = {"valence": 1, "arousal": 1}
EDGE = {"arousal": ("valence",)}


def found_in(framework=None, heads=None, outputs=OUTPUTS) -> list[str]:
    return [p.found for p in framework_problems(outputs, framework or FrameworkSettings(), heads or HeadSettings())]


def test_tables_of_a_toml_file_validate():
    table = {"kind": "feedback", "feedback": {"arousal": ["valence"]}}
    assert TypeAdapter(FrameworkSettings).validate_python(table) == FrameworkSettings("feedback", feedback=EDGE)
    assert TypeAdapter(HeadSettings).validate_python({"hidden": [8]}) == HeadSettings(hidden=(8,))


@pytest.mark.parametrize("kind", ["shared_encoder", "shared_bottom"])
def test_frameworks_without_feedback_hold_together(kind):
    assert found_in(FrameworkSettings(kind)) == []


def test_feedback_holds_together():
    assert found_in(FrameworkSettings("feedback", feedback=EDGE)) == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"framework": FrameworkSettings("tree")}, ["kind = 'tree'"]),
        ({"framework": FrameworkSettings("shared_bottom", 0)}, ["private_layers = 0"]),
        ({"framework": FrameworkSettings("feedback")}, ["no feedback graph with kind = 'feedback'"]),
        (
            {"framework": FrameworkSettings("shared_bottom", feedback=EDGE)},
            ["a feedback graph with kind = 'shared_bottom'"],
        ),
        ({"heads": HeadSettings(dropout=1)}, ["heads.dropout = 1"]),
        ({"heads": HeadSettings(hidden=(4, 0))}, ["a hidden layer of the heads of width 0"]),
        ({"heads": HeadSettings(tanh=("pain",))}, ["tanh on 'pain'"]),
        ({"outputs": {}}, ["no output"]),
        ({"outputs": {"valence": 0}}, ["output 'valence' of width 0"]),
    ],
)
def test_a_setting_that_does_not_hold_is_the_only_one_named(arguments, found):
    assert found_in(**arguments) == found
