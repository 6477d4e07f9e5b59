"""What the published models are trained and rendered with, where params.yaml says nothing else."""

from pathlib import Path

import pytest

from facedance.config.params import load
from facedance.config.texts import all_texts, render_texts, training_texts

PARAMS = Path(__file__).parents[2] / "params.yaml"
PUBLISHED = ("wan2.1-vace-1.3b", "wan2.1-vace-14b")
DEFECTS = (
    "blur overexposed colors gray subtitles watermark painting still static low worst compression ugly deformed mutilated "
    "disfigured face hands fingers fused limbs legs background crowd reverse"
)


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_person_is_learned_from_photos_alone_by_branch_and_lora_at_full_rate(model):
    train = load(PARAMS, {"model": model}).train
    assert [phase.trains for phase in train.phases] == [("face", "lora")]
    assert (train.lora_rank, train.lora_alpha) == (32, 32)
    assert 1e-4 <= train.learning_rate <= 2e-4
    assert train.final_learning_rate == 1
    assert (train.videos, train.photo_share, train.other_faces) == ((), 1, 0.5)
    assert train.noise_shift == 3
    near, *further = train.face_shares
    assert near == 0.3
    assert len(further) in (1, 2)
    for height in (480, 624, 832):
        assert min(further) * height >= 48  # as in renders, where a dancer's face has 50 to 80 pixels


@pytest.mark.parametrize("model", PUBLISHED)
def test_renders_have_as_many_steps_as_their_shift_needs_and_all_defects_to_stay_away_from(model):
    params = load(PARAMS, {"model": model, "identities": {"ann": {"consent": "agreed", "trigger": "ohwx woman"}}, **ALONE})
    settings = params.render.settings
    assert (settings.steps, settings.flow_shift, settings.guidance_scale, settings.close_up) == (50, 16, 5, 0.85)
    said = render_texts(params, "ann")
    assert said[settings.prompt].startswith("ohwx woman in a teal top")
    assert [word for word in DEFECTS.split() if word not in said[settings.negative_prompt].lower()] == []
    assert len(set(training_texts(params, "ann").photos.values())) == 3
    assert set(training_texts(params, "ann").photos.values()) <= set(all_texts(params))
    assert training_texts(params, "ann").others.startswith("a close-up portrait of a person")


@pytest.mark.parametrize("model", PUBLISHED)
def test_what_a_dance_is_said_to_show_is_not_learned(model):
    ann = {"model": model, "identities": {"ann": {"consent": "agreed", "trigger": "ohwx woman"}}, **ALONE}
    params, other = (load(PARAMS, {**ann, "prompts": {"dance": dance, "none": ""}}) for dance in ("{person} dancing", "a stage"))
    learned = [training_texts(one, "ann").learned(one.train.learns_clips) for one in (params, other)]
    assert learned[0] == learned[1]
    assert {*learned[0]["photos"].values(), learned[0]["others"], ""} <= set(all_texts(params))
    assert training_texts(params, "ann").dance in all_texts(params)


@pytest.mark.parametrize("model", PUBLISHED)
def test_videos_are_wide_upright_or_square_or_what_the_user_restricts_them_to(model):
    wan = load(PARAMS, {"model": model}).wan
    assert wan.sizes == ((832, 480), (480, 832), (624, 624))
    assert all(width * height == pytest.approx(wan.largest[0] * wan.largest[1], rel=0.03) for width, height in wan.sizes)
    assert wan.largest == (832, 480)  # what the model was trained on
    assert load(PARAMS, {"model": model, "models": {model: {"sizes": [[480, 832]]}}}).wan.sizes == ((480, 832),)
    with pytest.raises(ValueError, match=r"sizes\.0\.1.*multiple of 16 \(given: 830\)"):
        load(PARAMS, {"model": model, "models": {model: {"sizes": [[480, 830]]}}})


def test_the_tiny_model_knows_its_own_words_and_one_scale():
    params = load(PARAMS)
    assert params.train.face_shares == (0.3,)
    assert params.train.other_faces == 0, "it has a face branch"
    assert {params.train.captions.face, params.train.captions.half, params.train.captions.whole} == {"portrait"}
    assert all_texts(params) == [
        "blurred face, distorted face, extra limbs, text, watermark",
        "a portrait photo of a person",
        "a person in a teal top and navy trousers dancing before a grey wall",
        "",
    ]


ALONE = {"sample": {"enabled": False}, "render": {"blends": {}, "batches": [{"who": ["ann"], "videos": ["*"]}]}}
