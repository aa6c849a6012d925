"""The check of frozen scorers: the rules and the verdict of `abawbench check`, on planted faults and on odd bytes."""

from __future__ import annotations

import random
import shutil
import zipfile

import pytest

from abawbench.challenges import CHALLENGES
from abawbench.formats.check import check as package_check
from abawbench.formats.check import is_accepted
from abawbench.organisers.faults import planted
from abawbench.organisers.frozen.parts.checking import check
from abawbench.organisers.frozen.record import reading_facts
from abawbench.organisers.samples import sample, write
from tests.organisers.frozen.scorers import scorer

# one challenge of each format
FORMATS = {challenge.prediction_format: challenge.id for challenge in CHALLENGES.values()}
ODD_BYTES = b' ,;\t\n\r"0159.-+eE#/x\x00\xff\xc3[('


@pytest.fixture(scope="module", params=sorted(FORMATS.values()))
def case(request, tmp_path_factory):
    """A challenge, its facts, a sample, and the path of the organisers' list."""
    challenge = CHALLENGES[request.param]
    made = sample(challenge, units=3, rows=12)
    template = write(made.template, tmp_path_factory.mktemp("list"))
    return challenge, reading_facts(challenge), made, template


def found_rules(problems):
    return {problem["rule"] for problem in problems}


def judged(case, files, folder, *, with_list=True):
    """The rules of the package and those of the frozen check, and the rows."""
    challenge, facts, _, template = case
    shutil.rmtree(folder, ignore_errors=True)
    path = write(files, folder)
    problems, rows = check(str(path), str(template) if with_list else None, facts)
    wanted = package_check(challenge, path, template if with_list else None)
    return wanted, problems, rows


def test_every_planted_fault_has_the_rules_of_check(case, tmp_path):
    challenge, facts, made, template = case
    for fault in planted(challenge, made):
        shutil.rmtree(tmp_path, ignore_errors=True)
        path = write(fault.files, tmp_path)
        problems, rows = check(str(path), str(template), facts)
        assert found_rules(problems) == fault.rules, fault.name
        assert (rows is None) == fault.is_refused, fault.name
        # the parts that are settled for one challenge
        made_for_it = scorer(challenge.id)
        assert made_for_it.check(str(path), str(template), made_for_it.RECORD)[0] == problems, fault.name


def test_without_a_truth_a_scorer_checks_alone(case, tmp_path):
    challenge, _, made, template = case
    evaluate = scorer(challenge.id).evaluate
    good = evaluate("-", str(write(made.prediction, tmp_path / "good")), str(template))
    assert good["ok"] is True
    assert good["score"] is None
    for number, fault in enumerate(planted(challenge, made)[::9]):
        told = evaluate("-", str(write(fault.files, tmp_path / str(number))), str(template))
        assert told["ok"] is not fault.is_refused, fault.name
        assert found_rules(told["problems"]) == fault.rules, fault.name


def mutated(data, chance):
    """Bytes with one to three small changes."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(data))
        piece = bytes([chance.choice(ODD_BYTES)])
        lines = data.split(b"\n")
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:place] + data[place + 1 :]
        elif kind == 1:
            data = data[:place] + piece + data[place + 1 :]
        elif kind == 2:
            data = data[:place] + piece + data[place:]
        elif kind == 3:
            lines[one], lines[other] = lines[other], lines[one]
            data = b"\n".join(lines)
        elif kind == 4:
            data = b"\n".join([*lines[:one], lines[other], *lines[one:]])
        elif kind == 5:
            data = b"\n".join(lines[:one] + lines[one + 1 :]) or b"\n"
        elif kind == 6:
            fields = lines[one].split(b",")
            fields[chance.randrange(len(fields))] = chance.choice(
                [b"nan", b"-5", b"-1", b"1.0", b"0X1", b"", b".5", b"2"]
            )
            data = b"\n".join([*lines[:one], b",".join(fields), *lines[one + 1 :]])
        else:
            data = chance.choice(
                [data + b"\n", data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data, data[:place] or b"a"]
            )
    return data


@pytest.mark.parametrize("with_list", [True, False])
def test_odd_bytes_have_the_verdict_of_check(case, tmp_path, with_list):
    made = case[2]
    chance = random.Random(7)
    name = next(iter(made.prediction))
    for _ in range(40):
        data = mutated(made.prediction[name], chance)
        wanted, problems, rows = judged(case, {**made.prediction, name: data}, tmp_path, with_list=with_list)
        assert (rows is not None) == is_accepted(wanted), (data, wanted, problems)


def test_a_problem_says_what_was_found_where_and_what_to_do(tmp_path):
    challenge = CHALLENGES["abaw11-mtl"]
    made = sample(challenge, units=2, rows=6)
    (data,) = made.prediction.values()
    lines = data.decode().split("\n")
    lines[2] = ",".join([lines[2].split(",")[0], "9", *lines[2].split(",")[2:]])
    path = write({"p.txt": "\n".join(lines).encode()}, tmp_path)
    (problem,), rows = check(str(path), None, reading_facts(challenge))
    assert rows is None
    assert (problem["rule"], problem["file"], problem["line"], problem["count"]) == ("V03", str(path), 3, 1)
    assert problem["found"].startswith("valence = '9'")
    assert problem["title"] == "value out of range"
    assert problem["expected"]
    assert problem["fix"]


def test_the_list_itself_is_no_prediction(case, tmp_path):
    _, facts, _, template = case
    problems, rows = check(str(template), str(template), facts)
    assert rows is None
    assert "F04" in found_rules(problems)


@pytest.mark.parametrize("name", ["missing.txt", "missing.zip"])
def test_a_file_that_is_not_there_is_told(case, tmp_path, name):
    problems, rows = check(str(tmp_path / name), None, case[1])
    assert rows is None
    assert found_rules(problems) == {"F01"}


def test_nothing_of_a_zip_is_written_to_disk(case, tmp_path, monkeypatch):
    _, facts, made, template = case
    path = tmp_path / "in" / "s.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../out.txt", "x")
        for name, data in made.prediction.items():
            archive.writestr(name, data)
    monkeypatch.chdir(path.parent)
    problems, _ = check(str(path), str(template), facts)
    assert "Z02" in found_rules(problems)
    assert sorted(tmp_path.rglob("*")) == [path.parent, path]
