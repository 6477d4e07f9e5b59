"""Names of clips, shards and variants."""

import re
from random import Random

import pytest

from facedance import names
from facedance.config.batches import asked_for, renders_of
from facedance.config.render_settings import RenderSettings, Seeds, format_variant, parse_variant
from facedance.config.rendering import Batch

AIST = "gBR_sBM_c01_d04_mBR0_ch01"


@pytest.mark.parametrize(
    "file",
    [
        "a b.mp4",
        "$(rm -rf ~).mp4",
        'it\'s "me".mp4',
        "../../x.mp4",
        "{shard}.mp4",
        "été.mp4",
        "-.mp4",
        ".mp4",
        "a" * 300 + ".mp4",
        "踊り" * 100 + ".mp4",
        "नृत्य.mp4",
        "\u0301.mp4",
        "caf\udce9.mp4",
        "a\nb.mp4",
    ],
)
def test_any_file_name_becomes_a_safe_name(file):
    name = names.video_id(file)
    assert re.fullmatch(names.SAFE, name)
    assert name.encode().decode() == name
    assert not set(name) & set(" ./{}*?[]$'\"`\n")
    assert 0 < len(name) <= 80
    assert len(name.encode()) <= 120
    assert name[0].isalnum()


def test_a_person_recognises_the_name():
    assert names.video_id("Моё видео (1).webm") == "Моё-видео-1"
    assert names.video_id("Tanz – Übung {2}.MOV") == "Tanz-Übung-2"
    assert names.video_id("cafe\u0301.mp4") == names.video_id("caf\xe9.mp4") == "caf\xe9"


def test_an_aist_name_stays_and_similar_names_stay_apart():
    assert names.video_id(f"data/videos/{AIST}.mp4") == AIST
    named = names.video_ids(["a b.mp4", "a_b.mp4", "a-b.mp4", "a+b.mp4"])
    assert named["a-b"] == "a-b.mp4"
    assert named["a_b"] == "a_b.mp4"
    assert len(named) == 4


@pytest.mark.parametrize(
    "paths",
    [
        {"dance": "dance.mp4", "day1-dance": "day1/dance.mp4", "day2-dance": "day2/dance.MP4"},
        {"dance-mov": "dance.mov", "dance-mp4": "dance.mp4"},
        {"é": "é.mp4", "é-mp4": "e\u0301.mp4"},
        {"x": "x.mp4", "x_000-mp4": "x_000.mp4", "y_000": "y_000.mp4"},  # the first clip of x is x_000
        {AIST: f"{AIST}.mp4", f"cut-{AIST}": f"cut/{AIST}.mp4"},
    ],
)
def test_files_that_would_share_a_name_get_others(paths):
    for order in (sorted(paths.values()), sorted(paths.values(), reverse=True)):
        assert names.video_ids(order) == paths


def test_any_set_of_files_gets_distinct_names():
    random = Random(0)
    stems = ["a", "a b", "a-b", "a+b", "a_000", "b", "control-a", "é", "e\u0301", "\udcff", "", "x" * 200, "x" * 201]
    for _ in range(300):
        folders = [random.sample(["a", "b", "a b"], random.randint(0, 2)) for _ in range(8)]
        drawn = {"/".join([*some, random.choice(stems) + random.choice([".mp4", ".mov"])]) for some in folders}
        named = names.video_ids(drawn)
        assert sorted(named.values()) == sorted(drawn)
        assert all(re.fullmatch(names.SAFE, name) and len(name) <= 80 for name in named)


def test_a_clip_is_in_the_shard_of_its_video():
    for video in (AIST, "my-dance_2", "x"):
        assert names.shard_of_clip(names.clip_id(video, 3), 64) == names.shard_of(video, 64)
    assert names.shard_of_clip(names.control_id("walk"), 64) == names.CONTROL_SHARD


@pytest.mark.parametrize("file", ["control-one.mp4", "control one.mp4", "-control-x.mp4", "control-" + "a" * 300 + ".mp4"])
def test_a_dance_is_never_taken_for_a_ready_made_control_video(file):
    video = names.video_id(file)
    assert len(video) <= 80
    assert names.video_of_clip(names.clip_id(video, 0)) == video
    assert names.shard_of_clip(names.clip_id(video, 0), 64) == names.shard_of(video, 64)


def test_shards_are_even_and_do_not_depend_on_other_videos():
    shards = [names.shard_of(f"v{i}", 8) for i in range(4000)]
    counts = [shards.count(s) for s in set(shards)]
    assert len(counts) == 8
    assert max(counts) < 1.25 * min(counts)


def test_a_variant_is_parsed_into_typed_changes_and_back():
    changes = parse_variant("face_scale~1.2_seed~7")
    assert changes == {"face_scale": 1.2, "seed": 7}
    assert format_variant(changes) == "face_scale~1.2_seed~7"
    assert parse_variant("default") == {}
    assert format_variant({}) == "default"
    assert parse_variant("reference~false") == {"reference": False}
    assert parse_variant("guidance_scale~1_face_guidance~2.5") == {"guidance_scale": 1.0, "face_guidance": 2.5}


def test_names_of_variants_and_their_settings_are_inverse():
    """For every allowed value: names of prompts with words of settings in them, and floats that take all their digits."""
    random = Random(0)
    prompts = [
        "dance",
        "my_dance",
        "a.b-c_2",
        "seed",
        "my_seed",
        "a_negative",
        "negative_prompt",
        "_x"[1:],
        "x_",
        "7",
        "none",
        "true",
    ]
    floats = [0.0, -0.0, 1.0, 2, 0.1 + 0.2, 1e-7, 5e-324, 1.2, 1 / 3, 0.1, 1.0000000000000002, 2.0]
    draw = {
        "prompt": lambda: random.choice(prompts),
        "negative_prompt": lambda: random.choice(prompts),
        "steps": lambda: random.randint(1, 200),
        "guidance_scale": lambda: 1 + random.choice(floats),
        "face_guidance": lambda: random.choice([*floats, None]),
        "face_scale": lambda: random.choice([*floats, random.uniform(0, 5)]),
        "lora_scale": lambda: random.choice([*floats, random.uniform(0, 5)]),
        "control_scale": lambda: random.choice([*floats, random.uniform(0, 2)]),
        "reference": lambda: random.choice([True, False]),
        "flow_shift": lambda: random.uniform(0.1, 20),
        "cache_interval": lambda: random.randint(1, 20),
        "overlap": lambda: random.choice([0, 1, 5, 13]),
        "fade": lambda: random.choice([0, 4, 64]),
        "anchor": lambda: random.choice([True, False]),
        "hold_colors": lambda: random.choice([True, False]),
        "close_up": lambda: random.choice([0.0, 0.3, 1.0, random.uniform(0, 1)]),
        "enlarge": lambda: random.randint(1, 4),
        "proportions": lambda: random.choice(["dancer", "person"]),
        "head_joints": lambda: random.choice(["full", "weak", "none"]),
        "seed": lambda: random.choice([0, 1, 2**63 - 1, random.randrange(2**63)]),
        "seeds": lambda: Seeds.model_validate(random.choice([1, 4, 100])),
    }
    assert draw.keys() == RenderSettings.model_fields.keys()
    names = {}
    for _ in range(2000):
        keys = random.sample(sorted(draw), random.randint(0, 5))
        changes = {key: draw[key]() for key in keys}
        name = format_variant(changes)
        assert re.fullmatch(r"[a-z][A-Za-z0-9._~-]*", name), name
        assert parse_variant(name) == changes
        assert format_variant(parse_variant(name)) == name
        assert names.setdefault(name, changes) == changes, "two variants share a name"
        assert sum(same == changes for same in names.values()) == 1, "a variant has two names"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"face_scale": 1}, "face_scale~1"),
        ({"face_scale": 1.0}, "face_scale~1"),
        ({"face_scale": "1.00"}, "face_scale~1"),
        ({"face_scale": -0.0}, "face_scale~0"),
        ({"face_scale": 0.1 + 0.2}, "face_scale~0.30000000000000004"),
        ({"face_scale": 1e-7}, "face_scale~1e-07"),
        ({"seed": 7.0, "face_scale": 1.2}, "face_scale~1.2_seed~7"),
        ({"reference": "no"}, "reference~false"),
        ({"face_guidance": None}, "face_guidance~none"),
        ({"seeds": 4, "seed": 3}, "seed~3_seeds~4"),
        ({"seeds": {"try": 4, "keep": "best"}}, "seeds~4"),
        ({"prompt": "my_dance", "seed": 1}, "prompt~my_dance_seed~1"),
    ],
)
def test_equal_settings_have_one_name(changes, name):
    assert format_variant(changes) == name
    assert format_variant(parse_variant(name)) == name


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(ValueError, match="longer than 150 characters: shorten the prompts' names"):
        format_variant({"prompt": "a" * 64, "negative_prompt": "b" * 64, "seed": 1})


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("face_scale", "key~value"),
        ("face_scale~", "key~value"),
        ("face_scale~1_", "valid number"),
        ("seed~1_seed~2", "seed is given twice"),
        ("face_scale~1_speed~2", "unknown setting 'speed'"),
        ("_seed~1", "key~value"),
        ("prompt~a_b~", "unknown setting 'b'"),
        ("prompt~Ann Müller", "pattern"),
        ("face_scale~nan", "number"),
        ("speed~1", "unknown setting 'speed'"),
        ("face_scale~-1", "greater than or equal to 0"),
        ("seed~1.5", "integer"),
        ("face_guidance~31", "less than or equal to 30"),
        ("seeds~0", "greater than or equal to 1"),
        ("seeds~best", "integer"),
    ],
)
def test_a_wrong_variant_is_refused(variant, words):
    with pytest.raises(ValueError, match="variant") as error:
        parse_variant(variant)
    assert words in str(error.value)


def test_settings_are_varied_and_stay_valid():
    base = RenderSettings(
        prompt="dance", negative_prompt="none", steps=8, guidance_scale=3, face_scale=1, lora_scale=1, control_scale=1,
        reference=True, seed=0,
    )  # fmt: skip
    assert base.varied("face_scale~0_seed~3") == base.model_copy(update={"face_scale": 0.0, "seed": 3})
    assert base.varied("default") == base
    assert base.face_gain == 1
    assert base.varied("face_guidance~6").face_gain == 2
    with pytest.raises(ValueError, match=r"^variant 'guidance_scale~1_face_guidance~6': face_guidance 6 needs .* above 1, .* 1$"):
        base.varied("guidance_scale~1_face_guidance~6")


def test_of_several_seeds_each_is_a_render_of_its_own():
    base = RenderSettings(steps=8, seed=5)
    assert base.takes == (base,)
    several = base.varied("seeds~3")
    assert several.takes == tuple(base.model_copy(update={"seed": seed}) for seed in (5, 6, 7))
    assert RenderSettings.model_validate({**base.model_dump(), "seeds": {"try": 3, "keep": "best"}}) == several
    assert RenderSettings.model_validate(several.model_dump(mode="json")) == several


def test_batches_select_renders_once_each():
    batches = [
        Batch(who=("ann", "ben"), videos=("g*",)),
        Batch(who=("ann",), videos=("gBR*", "control-*"), variants=("default", "seed~1")),
    ]
    clips = ["gBR_x_000", "gHO_y_001", "walk_000", "control-jump"]
    assert list(renders_of("ann", clips, batches)) == [
        ("gBR_x_000", "default"),
        ("gBR_x_000", "seed~1"),
        ("gHO_y_001", "default"),
        ("control-jump", "default"),
        ("control-jump", "seed~1"),
    ]
    assert list(renders_of("ben", clips, batches)) == [("gBR_x_000", "default"), ("gHO_y_001", "default")]
    assert asked_for("ann", ["control-jump"], batches)
    assert asked_for("ben", ["g-\xe9t\xe9"], [Batch(who=("ben",), videos=("g-e\u0301*",))])
    assert not asked_for("ben", ["walk"], batches)
