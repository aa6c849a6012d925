from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from abawbench.models.temporal.settings import TemporalSettings, temporal_problems


def found_in(**settings) -> list[str]:
    return [problem.found for problem in temporal_problems(TemporalSettings(**settings))]


def test_the_defaults_hold_together():
    assert temporal_problems(TemporalSettings()) == []


def test_a_table_of_a_toml_file_validates():
    settings = TypeAdapter(TemporalSettings).validate_python({"encoder": "gru", "width": 32, "stride": 16})
    assert settings == TemporalSettings(encoder="gru", width=32, stride=16)


def test_an_unknown_encoder_does_not_validate():
    with pytest.raises(ValidationError):
        TypeAdapter(TemporalSettings).validate_python({"encoder": "mamba"})


def test_settings_are_read_without_torch():
    program = (
        "import sys, abawbench.models.temporal.settings, abawbench.models.frameworks.settings;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"encoder": "mamba"}, "encoder = 'mamba'"),
        ({"mode": "free"}, "mode = 'free'"),
        ({"normalise": "yes"}, "normalise = 'yes'"),
        ({"width": 0}, "width = 0"),
        ({"layers": 0}, "layers = 0"),
        ({"attention_heads": 0, "encoder": "transformer"}, "attention_heads = 0"),
        ({"feed_forward": 0}, "feed_forward = 0"),
        ({"window": -1}, "window = -1"),
        ({"segment": -1}, "segment = -1"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"dropout": float("nan")}, "dropout = nan"),
        ({"encoder": "transformer", "width": 30}, "width = 30 with attention_heads = 4"),
        ({"encoder": "windowed_transformer", "width": 30}, "width = 30 with attention_heads = 4"),
        ({"encoder": "tcn", "kernel": 4}, "kernel = 4"),
        ({"stride": 65}, "stride = 65 with segment = 64"),
        ({"stride": 0}, "stride = 0 with segment = 64"),
        ({"stride": 4, "segment": 0}, "stride = 4 with segment = 0"),
        ({"encoder": "transformer", "mode": "compat", "segment": 513}, "mode = 'compat' with segment = 513"),
    ],
)
def test_a_setting_that_does_not_hold_is_the_only_one_named(settings, found):
    assert found_in(**settings) == [found]


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder": "lstm", "width": 30},
        {"encoder": "lstm", "kernel": 4},
        {"encoder": "transformer", "mode": "compat", "segment": 512},
        {"encoder": "transformer", "segment": 513},
        {"segment": 0},
        {"stride": 64},
    ],
)
def test_what_an_encoder_does_not_need_is_not_asked_of_it(settings):
    assert found_in(**settings) == []


def test_everything_that_does_not_hold_is_named_at_once():
    assert found_in(encoder="transformer", width=30, layers=0, dropout=-0.1, stride=100) == [
        "layers = 0",
        "dropout = -0.1",
        "width = 30 with attention_heads = 4",
        "stride = 100 with segment = 64",
    ]
