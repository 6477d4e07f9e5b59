"""The verbs that call Snakemake and the library: what they call, and what they say of themselves."""

import sys
import types
from pathlib import Path

import pytest

from facedance.command import main as command
from facedance.command import project
from facedance.command.main import main


@pytest.fixture
def called(monkeypatch, tmp_path):
    """Command lines that were started, in a project's folder, each of which ends with 7."""
    commands = []

    class Process:
        def __init__(self, line):
            commands.append(line)
            self._waits = 0

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def wait(self):
            self._waits += 1
            if self._waits == 1:
                raise KeyboardInterrupt
            return 7

    monkeypatch.setattr(project.subprocess, "Popen", Process)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    return commands


def ended(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["run"], ["all", "--cores", "all"]),
        (["run", "check", "prune"], ["check", "prune", "--cores", "all"]),
        (["run", "--dry-run", "--config", "model=tiny"], ["all", "--cores", "all", "--dry-run", "--config", "model=tiny"]),
        (["run", "train", "--cores", "2"], ["train", "--cores", "2"]),
        (["run", "--workflow-profile", "profiles/slurm"], ["all", "--workflow-profile", "profiles/slurm"]),
        (["render", "ann", "dance_000"], ["results/render/ann/dance_000/default.mp4", "--cores", "all"]),
        (["render", "1~a_2~b", "duo_000", "seed~7", "-n"], ["results/render/1~a_2~b/duo_000/seed~7.mp4", "--cores", "all", "-n"]),
    ],
)  # fmt: skip
def test_snakemake_is_called_and_its_code_given_back(called, arguments, handed_on):
    assert ended(*arguments) == 7  # also after Ctrl-C, which Snakemake answers itself
    assert called == [[sys.executable, "-m", "snakemake", *handed_on]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ann lee", "dance_000"], "'ann lee' cannot be a person, blend or cast"),
        (["ann", "../../dance_000"], "'../../dance_000' cannot be a clip"),
        (["ann", "dance_000", "Seed 7"], "'Seed 7' cannot be a variant"),
    ],
)
def test_what_nothing_can_be_called_is_said_at_once(called, capsys, arguments, said):
    assert ended("render", *arguments) == 2
    assert capsys.readouterr().err.startswith(said)
    assert not called


def test_elsewhere_the_snakefile_is_the_one_beside_the_program(called, capsys, monkeypatch, tmp_path):
    (tmp_path / "Snakefile").unlink()
    ended("run", "-n")
    home = Path(__file__).parents[2]
    assert called == [[sys.executable, "-m", "snakemake", "all", "--snakefile", str(home / "Snakefile"), "--cores", "all", "-n"]]
    monkeypatch.setattr(project, "HOME", tmp_path)
    assert ended("run") == 2
    assert capsys.readouterr().err == "there is no Snakefile here: go to the folder of facedance that was cloned\n"


def test_forget_and_plan_are_the_library_s(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("facedance.privacy.forget.main", lambda arguments: asked.append(("forget", arguments)))
    planner = types.SimpleNamespace(main=lambda arguments, otherwise: asked.append(("plan", arguments)))
    monkeypatch.setitem(sys.modules, "facedance.plan.__main__", planner)  # the real one imports torch
    for arguments in (["forget", "ann"], ["forget", "ann", "--photos"], ["plan"], ["plan", "tiny"]):
        assert ended(*arguments) == 0
    assert asked == [("forget", ["ann"]), ("forget", ["ann", "--photos"]), ("plan", []), ("plan", ["tiny"])]


@pytest.mark.parametrize("verb", ["run", "plan", "verify", "score", "forget", "render"])
def test_each_verb_explains_itself_in_a_paragraph(verb, capsys):
    assert list(command.VERBS) == ["run", "plan", "verify", "score", "forget", "render"]
    assert ended(verb, "--help") == 0
    said = capsys.readouterr().out
    assert len(command.VERBS[verb].HELP.split()) > 40
    assert " ".join(command.VERBS[verb].HELP.split()) in " ".join(said.split()).replace("- ", "-")


def test_the_help_names_all_verbs_and_other_options_are_mistakes(capsys):
    assert ended("--help") == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in command.VERBS)
    assert ended("verify", "--cores", "4", "a.mp4") == 2
    assert ended("dance") == 2
