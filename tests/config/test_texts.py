"""What is said to the model of whom."""

from pathlib import Path

import pytest

from facedance.config.params import load
from facedance.config.texts import all_texts, render_texts, training_texts

ROOT = Path(__file__).parents[2]
PROMPTS = {"dance": "{person} dancing", "negative": "blurred", "close": "a portrait of {person}", "none": ""}
PEOPLE = {
    "ann": {"consent": "yes, she agreed", "trigger": "ohwx woman"},
    "ben": {"consent": "yes, he agreed", "trigger": "sks man"},
    "eve": {"consent": "yes, she agreed"},
    "zoe": {"consent": "yes, she agreed"},
}


def params(captions=None, **changes):
    blends = {"two": {"weights": {"ann": 1, "ben": 1}}, "one": {"between": ["eve", "ann"], "t": 0.5}}
    render = {"blends": blends, "batches": [{"who": ["ann"], "videos": ["*"]}]}
    values = {"prompts": PROMPTS, "identities": PEOPLE, "render": render, "sample": {"enabled": False}} | changes
    values["train"] = {"captions": {"face": None, "half": None, "whole": None} | (captions or {})}
    return load(ROOT / "params.yaml", values)


@pytest.mark.parametrize(
    ("who", "word"),
    [("ann", "ohwx woman"), ("eve", "a person"), ("two", "ohwx woman sks man"), ("one", "ohwx woman")],
)
def test_a_prompt_says_whom_it_shows(who, word):
    said = render_texts(params(), who)
    assert (said["dance"], said["negative"], said["none"]) == (f"{word} dancing", "blurred", "")


def test_photos_are_said_to_be_what_they_show_and_clips_to_show_anybody():
    said = training_texts(params(captions={"face": "close"}), "ann")
    assert said.clips == "a person dancing"
    assert said.dance == "ohwx woman dancing"
    assert said.photos == {"face": "a portrait of ohwx woman", "half": "ohwx woman dancing", "whole": "ohwx woman dancing"}
    assert set(training_texts(params(), "eve").photos.values()) == {"a person dancing"}


def test_all_that_is_read_is_encoded_and_a_person_without_a_word_adds_nothing():
    given = params()
    texts = all_texts(given)
    assert len(texts) == len(set(texts))
    for who in ("ann", "ben", "eve", "two", "one"):
        assert set(render_texts(given, who).values()) <= set(texts)
    said = training_texts(given, "ann")
    assert {said.clips, said.dance, said.others, *said.photos.values(), ""} <= set(texts)
    photos = dict.fromkeys(("face", "half", "whole"), "ohwx woman dancing")
    assert said.learned(clips=False) == {"photos": photos, "others": "a person dancing"}
    assert said.learned(clips=True) == {"clips": "a person dancing", **said.learned(clips=False)}
    without = {name: person for name, person in PEOPLE.items() if name != "zoe"}
    assert all_texts(params(identities=without)) == texts


def test_photos_whose_captions_change_places_are_learned_anew():
    one, other = ({"face": a, "half": b} for a, b in (("close", "dance"), ("dance", "close")))
    before, after = (training_texts(params(captions=captions), "ann").learned(clips=False) for captions in (one, other))
    assert before != after
