"""Casts: their names, and what params.yaml may say of them."""

import random

import pytest
import yaml

from facedance.config.batches import asked_for, renders_of
from facedance.config.cast import cast_in_words, cast_name, cast_of, is_among, is_cast
from facedance.config.checks import Known, check_names, check_patterns
from facedance.config.params import validate
from facedance.config.reading import read_parameters
from facedance.config.rendering import Batch
from facedance.config.texts import all_texts, render_texts
from tests import planted
from tests.config.test_params import ROOT, changed
from tests.config.test_texts import params

GROUP = Batch(cast={2: "ben", 1: "ann"}, videos=("*_sGR_*",), variants=("default", "seed~7"))
KNOWN = Known(videos=["gBR_sGR_x", "gBR_sBM_x"], controls=["control-x"], shards=["0000", "control"])


@pytest.fixture
def values():
    return read_parameters(ROOT)


def test_a_name_says_who_is_who():
    assert cast_name({2: "ben", 1: "ann"}) == "1~ann_2~ben"
    assert cast_of("1~ann_2~ben") == {1: "ann", 2: "ben"}
    assert cast_of("ann") == {}
    assert is_cast("3~nobody_12~model")
    assert (
        cast_in_words({2: "model", 1: "ann", 3: "nobody"})
        == "dancer 1: ann, dancer 2: as the model makes them, dancer 3: not shown"
    )


@pytest.mark.parametrize("seed", range(20))
def test_whatever_people_are_called_a_name_is_read_as_it_was_written(seed):
    draw = random.Random(seed)
    names = (*planted.NASTY, "x_1", "x_", "1", "2_2", "ann_2", "12_", "a.b-c_3")
    numbers = draw.sample(range(1, 100), draw.randint(1, 4))
    cast = {number: draw.choice(names) for number in numbers}
    if len("".join(cast.values())) < 150:
        assert cast_of(cast_name(cast)) == dict(sorted(cast.items()))


@pytest.mark.parametrize(
    "name", ["2~ben_1~ann", "1~ann_1~ben", "0~ann", "~ann", "1~", "ann~ben", "1~ann~ben", "1~ann_2~", "100~ann", "1~a b"]
)
def test_what_only_looks_like_a_cast_is_refused(name):
    with pytest.raises(ValueError, match=r"is no cast.*1~ann_2~ben"):
        cast_of(name)
    with pytest.raises(ValueError, match="no batch has a cast that is called"):
        check_names({"who": name}, params(), KNOWN)


def test_too_long_a_name_is_refused():
    with pytest.raises(ValueError, match="would have 267 letters"):
        cast_name(dict.fromkeys((1, 2, 3, 4), "x" * 64))


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"cast": {1: "zoe"}}, ["render.batches.0.cast", "'zoe'", "eileen"]),
        ({"cast": {1: "eileen"}, "who": ["nora"]}, ["either who", "or cast"]),
        ({}, ["either who", "or cast"]),
        ({"cast": {0: "eileen"}}, ["render.batches.0.cast.0", "greater than or equal to 1"]),
        ({"cast": {"left": "eileen"}}, ["render.batches.0.cast.left", "integer"]),
        ({"cast": {1: "model", 2: "nobody"}}, ["name a person or blend for one dancer"]),
        ({"cast": {1: "a b"}}, ["'a b' cannot be the name"]),
        ({"cast": {}}, ["render.batches.0.cast: give at least 1"]),
        ({"who": []}, ["render.batches.0.who: give at least 1"]),
        ({"cast": dict.fromkeys(range(1, 30), "eileen")}, ["letters", "200"]),
    ],
)
def test_a_wrong_cast_is_refused_with_a_sentence(values, batch, words):
    values = changed(values, "render.batches", [{"videos": ["*"], **batch}])
    with pytest.raises(ValueError, match=r"params\.yaml") as error:
        validate(values)
    for word in words:
        assert word in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_person_called_as_what_stands_for_none_is_refused_beside_a_cast(values):
    values = changed(
        values, "identities", {"model": {"consent": "yes"}, "eileen": {"consent": "yes"}, "nora": {"consent": "yes"}}
    )
    validate(changed(values, "render.batches", [{"videos": ["*"], "who": ["eileen"]}]))
    with pytest.raises(ValueError, match="model is no person"):
        validate(changed(values, "render.batches", [{"videos": ["*"], "cast": {1: "eileen"}}]))


def test_yaml_may_write_dancers_as_numbers_or_in_quotes(tmp_path, values):
    for name in ("params.yaml", "models.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    given = yaml.safe_load((tmp_path / "params.yaml").read_text())
    text = yaml.safe_dump({**given, "render": {**given["render"], "batches": []}})
    for cast in ("{1: eileen, 2: nora}", '{"1": eileen, "2": nora}'):
        batch = f"batches:\n  - {{cast: {cast}, videos: ['*']}}"
        (tmp_path / "params.yaml").write_text(text.replace("batches: []", batch))
        assert validate(read_parameters(tmp_path)).render.batches[0].cast == {1: "eileen", 2: "nora"}
    (tmp_path / "params.yaml").write_text(text + "1: x\n")
    with pytest.raises(ValueError, match="1 is no word to YAML"):
        read_parameters(tmp_path)


def test_a_batch_is_the_same_after_json():
    assert Batch(**GROUP.model_dump(mode="json")) == GROUP


def test_casts_are_rendered_in_clips_and_not_in_ready_made_control_videos():
    batches = [GROUP, Batch(cast={1: "ann"}, videos=("*",)), Batch(who=("ann",), videos=("*",))]
    clips = ["gBR_sGR_x_000", "gBR_sBM_x_000", "control-x"]
    assert list(renders_of("1~ann_2~ben", clips, batches)) == [("gBR_sGR_x_000", "default"), ("gBR_sGR_x_000", "seed~7")]
    assert [clip for clip, _ in renders_of("1~ann", clips, batches)] == clips[:2]
    assert [clip for clip, _ in renders_of("ann", clips, batches)] == clips
    assert not asked_for("1~ann", ["control-x"], batches)
    assert not asked_for("ben", ["gBR_sGR_x"], batches)


def with_batches(*batches):
    return params(render={**params().render.model_dump(include={"blends"}), "batches": list(batches)})


def test_names_and_patterns_are_checked():
    given = with_batches({"cast": {1: "ann", 2: "two"}, "videos": ["control-*"]})
    with pytest.raises(ValueError, match=r"render\.batches\.0\.videos.*control-\*"):
        check_patterns(given, KNOWN)
    check_names({"who": "1~ann_2~two", "clip": "gBR_sGR_x_000", "variant": "seed~7"}, given, KNOWN)
    with pytest.raises(ValueError, match="cast that is called '1~ann_2~ben'; near to it is 1~ann_2~two"):
        check_names({"who": "1~ann_2~ben"}, given, KNOWN)
    for asked in ({"clip": "control-x"}, {"shard": "control"}):
        with pytest.raises(ValueError, match="ready-made control video"):
            check_names({"who": "1~ann_2~two", **asked}, given, KNOWN)


def test_who_is_shown_and_what_is_said_of_them():
    given = with_batches({"cast": {1: "ann", 2: "two", 4: "eve", 5: "model", 6: "nobody"}, "videos": ["*"]})
    (name,) = given.render.casts
    assert [*given.render.shown(name)] == ["ann", "two", "eve"]
    assert given.render.members(name) == ("ann", "ben", "eve")
    assert given.render.members("two") == ("ann", "ben")
    said = render_texts(given, name)
    assert said["dance"] == "ohwx woman and ohwx woman sks man dancing"
    assert {*said.values()} <= {*all_texts(given)}
    assert all_texts(with_batches({"cast": {1: "eve", 2: "zoe"}, "videos": ["*"]})) == all_texts(params()), "they have no words"


def test_somebody_of_a_cast_is_among_the_dancers_of_a_clip_or_not():
    assert [is_among("1~ann_2~ben", 1), is_among("2~ben", 1), is_among("1~model_2~ben", 1), is_among("ann", 1)] == [
        True, False, False, True
    ]  # fmt: skip
    assert is_among("2~ben", 2)
