from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.datasets.manifests import manifests
from abawbench.datasets.manifests.facts import assumed_facts, facts_of
from tests.datasets.conftest import BASE, write_copy, write_manifest


def run(*arguments: object):
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, ["data", *map(str, arguments)])


def test_the_list_has_a_line_for_every_manifest():
    result = run("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1 : len(manifests()) + 1]] == list(manifests())


def test_the_list_says_how_many_facts_are_assumed():
    line = next(line for line in run("list").stdout.splitlines() if line.startswith("raf-db_1 "))
    assert line.split()[-1] == str(len(assumed_facts(manifests()["raf-db_1"])))


def test_json_lists_every_manifest():
    entries = json.loads(run("list", "--json").stdout)["datasets"]
    assert [entry["id"] for entry in entries] == list(manifests())
    entry = next(entry for entry in entries if entry["id"] == "raf-db_1")
    assert entry["sizes"] == {"train": 12_271, "test": 3_068} | entry["sizes"]
    assert not entry["redistributable"]


def test_a_broken_manifest_is_reported_and_the_others_are_listed(tmp_path):
    broken = write_manifest(tmp_path, BASE.replace("Happiness", "Joy"))
    result = run("list", "raf-db_1", broken)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].startswith("raf-db_1")
    assert result.stderr.startswith("D01")
    assert f"{broken}:" in result.stderr


@pytest.mark.parametrize("identifier", list(manifests()))
def test_show_tells_the_source_of_every_fact(identifier):
    manifest = manifests()[identifier]
    result = run("show", identifier)
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    for fact in facts_of(manifest):
        assert fact in words
        assert " ".join(manifest.source_of(fact).split()) in words
    for part in (manifest.licence.terms, manifest.licence.access, manifest.metric, *manifest.notes):
        assert " ".join(part.split()) in words


def test_show_says_what_becomes_of_the_labels():
    words = " ".join(run("show", "ferplus").stdout.split())
    assert "contempt: masked, or Other with that option" in words
    words = " ".join(run("show", "disfa").stdout.split())
    assert "8 of ABAW's 12 action units: AU1, AU2, AU4, AU6, AU12, AU15, AU25, AU26" in words
    assert "masked and never 0: AU7, AU10, AU23, AU24" in words
    assert "present from 2 on" in words


def test_show_marks_what_is_assumed():
    assert "unverified" in run("show", "shoes").stdout
    assert "(assumed)" in run("show", "aff-wild").stdout


def test_a_bare_name_tells_of_the_other_releases():
    result = run("show", "aff-wild2")
    assert result.stdout.startswith("aff-wild2_10 ")
    assert "aff-wild2_1, aff-wild2_2" in result.stderr


def test_json_of_one_is_the_whole_manifest():
    shown = json.loads(run("show", "disfa_1", "--json").stdout)
    manifest = manifests()["disfa_1"]
    assert shown["labels"][0]["tasks"][0]["columns"] == list(manifest.labels[0].tasks[0].columns)
    assert shown["assumed"] == list(assumed_facts(manifest))
    assert set(shown["fact_sources"]) == set(facts_of(manifest))


@pytest.mark.parametrize("verb", ["show", "croissant"])
def test_an_unknown_name_tells_near_ones(verb):
    result = run(verb, "rafdb")
    assert result.exit_code == 1
    assert "D02" in result.stderr
    assert "raf-db_1" in result.stderr


def test_a_good_copy_agrees(tmp_path):
    result = run("verify", write_manifest(tmp_path), write_copy(tmp_path / "copy"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"AGREES: {tmp_path / 'copy'}, as mine_1"
    assert "not checked: checksums: none is published" in result.stdout


def test_a_difference_is_told_with_its_rule_and_the_exit_status_is_1(tmp_path):
    copy = write_copy(tmp_path / "copy")
    (copy / "pictures" / "z.jpg").write_bytes(b"a picture")
    result = run("verify", write_manifest(tmp_path), copy)
    assert result.exit_code == 1
    assert result.stdout.startswith("D05 picture without label")
    assert "DIFFERS (D05)" in result.stdout


def test_json_of_a_comparison_has_every_problem(tmp_path):
    copy = write_copy(tmp_path / "copy")
    (copy / "pictures" / "a.jpg").write_bytes(b"")
    result = run("verify", write_manifest(tmp_path), copy, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert not answer["agrees"]
    assert [problem["rule"] for problem in answer["problems"]] == ["F02"]
    assert answer["checked"]


def test_the_synthetic_corpus_agrees_until_a_label_is_changed(tmp_path):
    corpus = tmp_path / "corpus"
    made = CliRunner().invoke(main, ["synth", str(corpus), "--videos", "3", "--frames", "16", "--workers", "1"])
    assert made.exit_code == 0
    result = run("verify", "synthetic", corpus)
    assert result.exit_code == 0, result.stdout
    labels = next((corpus / "annotations" / "VA_Estimation_Challenge" / "Train_Set").glob("*.txt"))
    labels.write_text(labels.read_text().replace("\n", "\n7,0\n", 1))
    changed = run("verify", "synthetic", corpus)
    assert changed.exit_code == 1
    assert "V09" in changed.stdout


def test_croissant_is_printed_or_written(tmp_path):
    printed = run("croissant", "london")
    assert json.loads(printed.stdout)["name"] == "london_5"
    written = run("croissant", write_manifest(tmp_path), "-o", tmp_path / "mine.json")
    assert written.exit_code == 0
    assert written.stdout == ""
    assert json.loads((tmp_path / "mine.json").read_text())["name"] == "mine_1"


def test_a_place_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("croissant", "london", "-o", tmp_path / "file" / "mine.json")
    assert result.exit_code == 1
    assert "F01" in result.stderr


@pytest.mark.parametrize("verb", ["list", "show", "verify", "croissant"])
def test_help_has_an_example(verb):
    assert f"abawbench data {verb}" in run(verb, "--help").stdout
