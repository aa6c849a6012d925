"""Every --json is one object that begins with `ok`, `verb` and `problems`, errors and wrong use included."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.formats.write import write_annotations, write_list, write_predictions
from abawbench.synthetic import simulate_split

KEYS = ["ok", "verb", "problems"]


def run(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


def answer(*words: object) -> dict:
    return json.loads(run(*words, "--json").stdout)


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= leaves(command, (*path, name))
        else:
            found[" ".join((*path, name))] = command
    return found


VERBS = leaves(main)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    challenge, corpus = get("abaw4-mtl"), simulate_split(6, 20, 0)
    write_annotations(challenge, corpus.truth, folder / "truth.txt")
    write_list(challenge, corpus.truth, folder / "list.txt")
    write_predictions(challenge, corpus.known, folder / "list.txt", folder / "good.txt", "error")
    return folder


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_json(name):
    options = {option for parameter in VERBS[name].params for option in parameter.opts}
    assert "--json" in options


# of verbs: "" is abawbench itself
GROUPS = {name.rpartition(" ")[0] for name in VERBS}


def wrong_uses(name: str) -> list[tuple[str, ...]]:
    """Words behind the name of a verb or group that are wrong use: an option, a value or a verb that is not there."""
    uses = [("--no-such-option", "--json"), ("--json", "--no-such-option"), ("--json=yes", "--json")]
    if name in GROUPS:
        return [*uses, ("no-such-verb", "--json")]
    command = VERBS[name]
    uses.append(("a", *(["b"] * 20), "--no-such-option", "--json"))
    if any(parameter.required for parameter in command.params):
        uses.append(("--json",))
    with_value = [one for one in command.params if isinstance(one, click.Option) and not one.is_flag and not one.count]
    return [*uses, *(("--json", option.opts[0]) for option in with_value[:1])]


@pytest.mark.parametrize(
    ("name", "words"),
    [(name, words) for name in sorted({*VERBS, *GROUPS}) for words in wrong_uses(name)],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_wrong_use_of_every_verb_is_an_envelope_and_ends_with_2(name, words):
    result = run(*name.split(), *words)
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert (found["ok"], found["verb"]) == (False, name)
    assert found["problems"][0]["rule"] in {"C01", "C02"}
    assert "Error: " in result.stderr


def test_an_unknown_challenge_is_a_c01_in_the_envelope():
    found = answer("score", "abaw4-mlt", "a", "b")
    assert (found["ok"], found["verb"], found["problems"][0]["rule"]) == (False, "score", "C01")


def test_an_unknown_verb_is_an_envelope():
    found = answer("scroe")
    assert (found["ok"], found["verb"]) == (False, "")
    assert "Did you mean 'score'" in found["problems"][0]["found"]


@pytest.mark.parametrize(
    "words",
    [
        ("score", "abaw4-mtl", "none", "none"),
        ("diff", "abaw4-mtl", "none", "none", "none"),
        ("check", "abaw4-mtl", "none"),
        ("write", "abaw4-mtl", "none", "--template", "none", "-o", "out"),
        ("pack", "abaw4-mtl", "none", "-o", "out.zip"),
        ("predict", "none", "none", "-o", "out"),
        ("extract", "none", "none", "-o", "out"),
        ("train", "none", "none", "-o", "out"),
        ("faces", "none", "out"),
        ("data show", "none"),
        ("data verify", "disfa", "none"),
        ("data read", "disfa", "none"),
        ("data folds", "none.parquet"),
        ("data leaks", "none", "nothing"),
        ("data fetch", "none"),
        ("data list", "none.toml"),
        ("cache ls", "none"),
        ("cache verify", "none"),
        ("cache gc", "none"),
        ("entry new", "mine", "--kind", "onnx"),
    ],
    ids=lambda words: words[0],
)
def test_a_problem_is_an_envelope_and_ends_with_1(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*words[0].split(), *words[1:], "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert list(found)[:3] == KEYS
    assert (found["ok"], found["verb"]) == (False, words[0])
    assert {"rule", "file", "line", "found", "expected", "fix", "count"} == set(found["problems"][0])


def test_a_score_keeps_its_keys_behind_the_envelope(files):
    found = answer("score", "abaw4-mtl", files / "truth.txt", files / "good.txt", "--resamples", 100)
    assert list(found)[:3] == KEYS
    assert (found["ok"], found["verb"], found["problems"], found["challenge"]) == (True, "score", [], "abaw4-mtl")


def test_write_pack_and_leaderboard_answer_in_json(files, tmp_path):
    out, template = tmp_path / "out.txt", files / "list.txt"
    found = answer("write", "abaw4-mtl", files / "good.txt", "--template", template, "-o", out)
    assert found == {"ok": True, "verb": "write", "problems": [], "file": str(out)} | {
        "rows": found["rows"],
        "filled": {},
        "left_out": 0,
        "more_units": 0,
        "more_frames": 0,
        "answers": {"own": found["rows"], "filled": 0, "policies": {}, "worst_units": []},
    }
    found = answer("pack", "abaw4-mtl", out, "-o", tmp_path / "trials.zip", "--template", template)
    assert (found["ok"], found["verb"], found["file"]) == (True, "pack", str(tmp_path / "trials.zip"))
    assert found["manifest"]["members"][0]["trial"] == "out.txt"
    found = answer("leaderboard", "build", "--root", tmp_path / "board")
    assert (found["verb"], found["unchanged"]) == ("leaderboard build", 0)
    assert str(tmp_path / "board" / "README.md") in found["written"]
    found = answer("leaderboard", "check", "--root", tmp_path / "board")
    assert found == {"ok": True, "verb": "leaderboard check", "problems": []}
    (tmp_path / "board" / "README.md").unlink()
    assert [
        problem["rule"] for problem in answer("leaderboard", "check", "--root", tmp_path / "board")["problems"]
    ] == ["L01"]


def test_doctor_names_each_thing_and_its_command(monkeypatch, tmp_path):
    monkeypatch.delenv("ABAWBENCH_YUNET", raising=False)
    monkeypatch.setenv("ABAWBENCH_CACHE", str(tmp_path))
    found = answer("doctor")
    assert (found["ok"], found["verb"]) == (True, "doctor")
    items = {item["name"]: item for item in found["items"]}
    assert items["numpy"]["state"] == "ok"
    assert items["YuNet"]["state"] == "missing"
    assert items["YuNet"]["get"] == "abawbench data fetch yunet"
    assert {"abawbench", "python", "GPU", "submissions"} <= items.keys()
    assert Path(items["submissions"]["path"]).is_dir()
    printed = run("doctor").stdout
    assert "    abawbench data fetch yunet\n" in printed
    assert f"submissions: {items['submissions']['path']}\n" in printed


def test_doctor_says_where_weights_are_broken(monkeypatch, tmp_path):
    (tmp_path / "yunet.onnx").write_bytes(b"other weights")
    monkeypatch.setenv("ABAWBENCH_YUNET", str(tmp_path / "yunet.onnx"))
    result = run("doctor", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["ok"], found["problems"][0]["rule"]) == (False, "E04")


def test_doctor_names_the_extra_of_a_library_that_is_not_installed(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "kornia" else real(name, *rest)
    )
    (item,) = [item for item in answer("doctor")["items"] if item["name"] == "kornia"]
    assert (item["state"], item["get"]) == ("missing", "pip install 'abawbench[models]'")
