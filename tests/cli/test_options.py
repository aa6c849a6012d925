from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click
import pytest
from click.testing import CliRunner

from abawbench.base.problems import ProblemError
from abawbench.cli.options import cluster_options, options_from, resolve_device


@dataclass(frozen=True)
class Settings:
    batch: int = field(default=16, metadata={"help": "Crops in a batch.", "least": 1})
    rate: float | None = field(default=None, metadata={"help": "Learning rate."})
    pooling: Literal["mean", "class"] | None = field(default=None, metadata={"help": "Pooling."})
    save_every: float = field(default=2.0, metadata={"help": "Seconds.", "least": 0, "flags": ("--save",)})
    device: str = field(default="cpu", metadata={"help": "Device.", "default": "auto"})
    folder: Path | None = field(default=None, metadata={"help": "Folder."})
    threads: int | None = None


@click.command()
@options_from(Settings, "settings")
@cluster_options
def verb(settings: Settings, address: str | None) -> None:
    click.echo(f"{settings!r} {address}")


def called(*words: str):
    return CliRunner().invoke(verb, list(words))


def test_fields_with_a_help_are_options_whose_defaults_are_those_of_the_command_line():
    assert called().output == f"{Settings(device='auto')!r} None\n"
    assert "--threads" not in called("--help").output


def test_values_have_the_types_of_the_fields():
    words = ["--batch", "2", "--rate", "0.5", "--pooling", "mean", "--save", "3", "--device", "cpu", "--folder", "out"]
    assert called(*words).output == f"{Settings(2, 0.5, 'mean', 3.0, 'cpu', Path('out'))!r} None\n"


@pytest.mark.parametrize("words", [("--batch", "0"), ("--pooling", "max"), ("--save", "-1"), ("--rate", "fast")])
def test_values_out_of_range_or_of_another_type_are_wrong_use(words):
    assert called(*words).exit_code == 2


def test_an_address_counts_for_a_cluster_alone():
    assert called("--address", "auto").output.endswith(" None\n")
    assert called("--engine", "ray", "--address", "auto").output.endswith(" auto\n")
    assert called("--engine", "ray").output.endswith(" local\n")


def test_the_cpu_needs_no_torch_and_an_unknown_device_is_told():
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(ProblemError, match="C02"):
        resolve_device("cuda:77")
