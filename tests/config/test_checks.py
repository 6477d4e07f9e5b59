"""What is refused while planning, each in one sentence."""

from pathlib import Path

import pytest

from facedance.config.checks import Known, check_files, check_inputs, check_names, check_patterns
from facedance.config.params import validate
from facedance.config.reading import read_parameters
from facedance.sample import catalogue

ROOT = Path(__file__).parents[2]
VIDEOS = ("gBR_sBM_c01_d04_mBR2_ch01", "gPO_sBM_c01_d11_mPO1_ch09", "Моё-видео-1", "dance")
KNOWN = Known(videos=VIDEOS, controls=("control-walk",), shards=("0000", "0001"), sample=catalogue.VIDEOS)
BATCH = {"who": ["eileen"], "videos": ["gBR*", "control-*", "dance"]}


def params(**changes):
    values = read_parameters(ROOT)
    values["render"]["batches"] = [BATCH]
    for path, value in changes.items():
        node = values
        *parents, last = path.split("__")
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return validate(values)


def refusal(check, *arguments):
    with pytest.raises(ValueError, match=r"\S") as error:
        check(*arguments)
    return str(error.value)


def test_patterns_that_mean_something_pass():
    check_patterns(params(), KNOWN)
    check_files(params())
    check_inputs(params(), KNOWN, {"eileen": ["a"], "nora": ["b"]})


def test_a_pattern_that_matches_nothing_is_told_with_names_that_are_near():
    given = params(render__batches=[BATCH, {"who": ["nora"], "videos": ["gBR*", "gPQ_sBM_c01*"]}], train__videos=["danse", "*"])
    lines = refusal(check_patterns, given, KNOWN).splitlines()
    assert len(lines) == 2
    assert "render.batches.1.videos" in lines[0]
    assert "'gPQ_sBM_c01*'" in lines[0]
    assert "gPO_sBM_c01_d11_mPO1_ch09" in lines[0]
    assert "train.videos" in lines[1]
    assert "near to it is dance" in lines[1]


def test_stretches_are_of_videos_that_there_are_and_may_be_of_the_samples():
    own = Known(("dance",), (), ("0000",), catalogue.VIDEOS)
    check_patterns(params(sample__enabled=False, render__batches=[{"who": ["eileen"], "videos": ["*"]}]), own)
    assert "clips.stretches" in refusal(check_patterns, params(clips__stretches={"danse": {"end": 4.0}}), KNOWN)


def test_control_videos_are_rendered_and_not_learned_from():
    assert "train.videos" in refusal(check_patterns, params(train__videos=["control-*"]), KNOWN)
    only_controls = Known((), ("control-walk",), ("control",))
    check_patterns(params(render__batches=[{"who": ["eileen"], "videos": ["*"]}]), only_controls)


def test_files_that_are_not_there_are_told(tmp_path):
    lost = {"style": {"file": "loras/{style}.safetensors", "scale": 1.0}}
    lines = refusal(check_files, params(clips__ignore_list="ignore.txt", render__loras=lost)).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["render.loras.style.file", "clips.ignore_list"]
    (tmp_path / "ignore.txt").touch()
    check_files(params(clips__ignore_list=str(tmp_path / "ignore.txt")))


def test_nothing_to_dance_to_and_nobody_to_dance(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/photos/zoe").mkdir(parents=True)
    assert "data/videos" in refusal(check_inputs, params(), Known((), (), ()), {})
    text = refusal(check_inputs, params(), KNOWN, {"eileen": ["a"], "nora": []})
    assert "'nora' has no photos" in text
    assert "zoe" in text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"identity": "eilen"}, ["nobody is called 'eilen'", "eileen"]),
        ({"who": "halv"}, ["nobody is called 'halv'", "half"]),
        ({"shard": "0009"}, ["no shard is called '0009'", "0000"]),
        ({"video": "dunce"}, ["no video is called 'dunce'", "dance"]),
        ({"clip": "dunce_000"}, ["no clip is called 'dunce_000'", "dance_000"]),
        ({"clip": "dance"}, ["no clip is called 'dance'", "dance_000"]),
        ({"clip": "dance_001"}, ["clips.max_per_video is 1", "'dance_000'"]),
        ({"clip": "control-wolk"}, ["no ready-made control video", "control-walk"]),
        ({"variant": "face_scal~1"}, ["unknown setting 'face_scal' (did you mean face_scale?)"]),
        ({"variant": "prompt~dans"}, ["no prompt is called 'dans'", "dance"]),
        ({"variant": "face_scale~1.0"}, ["'face_scale~1'"]),
        ({"variant": "seed~x"}, ["seed", "integer"]),
    ],
)
def test_a_name_that_nobody_has_is_told_with_names_that_are_near(asked, words):
    text = refusal(check_names, asked, params(), KNOWN)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_names_that_there_are_pass():
    check_names({"who": "half", "clip": "Моё-видео-1_000", "variant": "face_scale~1.2_seed~7"}, params(), KNOWN)
    check_names({"identity": "nora", "shard": "0001", "format": "kohya"}, params(), KNOWN)
    check_names({"who": "nora", "clip": "control-walk", "variant": "default"}, params(), KNOWN)
