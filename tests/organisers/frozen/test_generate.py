"""The file of a frozen scorer: small, plain, and complete."""

from __future__ import annotations

import ast
import io
import json
import sys
import tokenize

import pytest

from abawbench.base.rules import RULES
from abawbench.challenges import CHALLENGES
from abawbench.organisers.frozen import default_name, frozen_scorer
from abawbench.organisers.samples import sample, write
from tests.organisers.frozen.scorers import MADE, scorer, source

LINES = 1_250


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_a_scorer_is_ascii_of_python_3_8_in_short_lines(identifier):
    text = source(identifier)
    ast.parse(text, feature_version=(3, 8))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 120
    assert text.count("\n") < LINES
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_a_scorer_imports_numpy_and_the_standard_library_alone(identifier):
    imports = [
        node for node in ast.walk(ast.parse(source(identifier))) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {
        name
        for node in imports
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) == {"numpy"}


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_a_scorer_has_no_name_that_nothing_uses(identifier):
    tree = ast.parse(source(identifier))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert defined - used == {"evaluate", "describe"} - used
    tokens = list(tokenize.generate_tokens(io.StringIO(source(identifier)).readline))
    assert not any(token.type == tokenize.COMMENT and "noqa" in token.string for token in tokens)


def test_the_same_date_gives_the_same_bytes_and_another_another_date():
    challenge = CHALLENGES["abaw4-mtl"]
    assert frozen_scorer(challenge, MADE) == source("abaw4-mtl")
    later = frozen_scorer(challenge, "2026-03-04").replace("2026-03-04", MADE)
    assert later == source("abaw4-mtl")


def test_the_head_says_what_the_file_is():
    head = source("abaw11-ah").split('"""')[0]
    challenge = CHALLENGES["abaw11-ah"]
    for part in (
        challenge.id,
        challenge.title,
        challenge.fingerprint,
        MADE,
        "Apache-2.0",
        "abawbench 0.",
        challenge.metric.formula,
    ):
        assert part in head
    assert f"python {default_name(challenge)} TRUTH PREDICTIONS [--template LIST] [--intervals] [--private]" in head
    assert "assumed" in head


def test_constants_say_what_the_file_is_of():
    module = scorer("abaw11-ah")
    assert (
        "abaw11-ah",
        CHALLENGES["abaw11-ah"].fingerprint,
        MADE,
    ) == (module.CHALLENGE, module.FINGERPRINT, module.MADE)


def test_titles_are_those_of_the_rules_that_the_file_knows():
    titles = scorer("abaw4-mtl").TITLES
    assert {"F06", "T01", "V03", "Z02", "N01"} <= set(titles)
    assert titles == {rule: RULES[rule].title for rule in titles}


@pytest.mark.parametrize("identifier", ["abaw4-mtl", "abaw8-ah"])
def test_the_program_prints_one_json_object_and_says_how_it_ends(identifier, tmp_path, capsys):
    made = sample(CHALLENGES[identifier])
    paths = [str(write(files, tmp_path / name)) for name, files in (("t", made.truth), ("p", made.prediction))]
    listed = str(write(made.template, tmp_path / "list"))
    main = scorer(identifier).main
    assert main([*paths, "--template", listed, "--intervals"]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert text.isascii()
    assert found["ok"]
    assert {"challenge", "fingerprint", "version", "score", "terms", "metrics", "rows", "intervals", "problems"} <= set(
        found
    )
    assert (found["score"] is None) == (identifier == "abaw8-ah")
    assert main([paths[0], str(tmp_path / "none")]) == 1
    refused = json.loads(capsys.readouterr().out)
    assert (refused["ok"], refused["score"], refused["problems"][0]["rule"]) == (False, None, "F01")
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2


def test_a_problem_in_words_has_rule_place_and_cure(tmp_path):
    made = sample(CHALLENGES["abaw4-mtl"])
    truth = write(made.truth, tmp_path / "truth")
    found = scorer("abaw4-mtl").evaluate(str(truth), str(tmp_path / "no\nfile\x1b"))
    text = scorer("abaw4-mtl").describe(found["problems"][0])
    assert text.startswith("F01 ")
    assert "fix: " in text
    assert len(text.splitlines()) == 2
    assert text.replace("\n", "").isprintable()
