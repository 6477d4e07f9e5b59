"""Forgetting a person: all that was made of the person goes, and nothing of anybody else."""

import hashlib
import json
import random
import re
import shutil
import struct
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from facedance.job import InputError
from facedance.privacy import forget as command
from facedance.privacy.forget import forget, what_is_left
from facedance.privacy.personal_data import find_traces, known_people
from tests import planted

PEOPLE = ("ann", "anna", "ann.b", "ann-x", "x.ann", "ann.0001", "bea")
BLENDS = {
    "half": {"weights": {"ann": 0.5, "bea": 0.5}},
    "morph": {"between": ["ann.b", "anna"], "t": "moving"},
    "others": {"weights": {"bea": 1.0, "x.ann": 1.0}},
}
CLIPS, SHARD, VARIANTS = ("dance_000", "control-x"), "0001", ("default", "face_scale~1.2_seed~7")


def embedding(name: str) -> bytes:
    digest = hashlib.sha512(name.encode()).digest()
    return struct.pack("<64f", *(byte / 255 for byte in digest))


def photo_digest(name: str) -> str:
    return hashlib.sha256(f"photo of {name}".encode()).hexdigest()


class Tree:
    """A project as docs/architecture.md tells, and whom each of its files is about."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.about: dict[str, set[str]] = {}

    def add(self, path: str, people: Iterable[str], facts: Mapping[str, Any] | None = None) -> None:
        """A file with the people's names, embeddings and photo digests, and nothing else of them."""
        self.about[path] = set(people)
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".json":
            text = json.dumps({"of": {p: photo_digest(p) for p in people}, **(facts or {})})
            file.write_text(text[:5] if ".part" in file.stem else text)
        elif file.suffix == ".log":
            file.write_text("".join(f"looked at {p}, {photo_digest(p)}\n" for p in people))
        else:
            file.write_bytes(b"".join(map(embedding, people)))

    def files(self) -> dict[str, bytes]:
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}


def members_of(blend: Mapping[str, Any]) -> list[str]:
    return [*blend.get("weights", ()), *blend.get("between", ())]


def plant_renders(tree: Tree, who: str, members: list[str], blends: Mapping[str, Any], people: Iterable[str]) -> None:
    sidecar = {"people": {m: {"photos_sha256": photo_digest(m)} for m in members}}
    consent = {"params": {"consent": dict.fromkeys(members, "agreed")}}
    compared = {"params": {"blends": blends}, "items": [f"results/faces/{p}/embedding.safetensors" for p in people]}
    renders = [of for clip, variant in product(CLIPS, VARIANTS) for of in planted.of_render(who, clip, variant)]
    for path, _ in (*planted.of_renders(who, SHARD), *renders):
        if "/.stamps/render_" in path:
            tree.add(path, members, consent | {"items": [str({"who": [who], "variants": ["default"]})]})
        elif "/.stamps/score_renders" in path:
            tree.add(path, people, compared)  # everybody is compared with everybody
        else:
            tree.add(path, members, sidecar)


def plant(root: Path, people: Iterable[str], blends: Mapping[str, Any]) -> Tree:
    """A project in which all is made of everybody, and its params.yaml."""
    tree, people = Tree(root), tuple(people)
    for name in people:
        for path, _ in planted.of_person(name):
            tree.add(path, [name], {"params": {"consent": "agreed"}, "items": [f"data/photos/{name}/a.jpg"]})
        plant_renders(tree, name, [name], blends, people)
    for blend, spec in blends.items():
        plant_renders(tree, blend, members_of(spec), blends, people)
    listed = [f"results/render/{who}/{SHARD}.csv" for who in (*people, *blends)]
    for path, _ in planted.of_everybody():
        tree.add(path, people)
    tree.add("results/evaluate/.stamps/summarise.json", people, {"params": {}, "items": listed})
    tree.add("logs/build_report.log", people)
    of_clips = [of for clip in CLIPS for of in planted.of_clip(clip)]
    others = (*planted.of_nobody(), *planted.of_shard(SHARD), *of_clips, *planted.brought(people, ("dance", "default")))
    for path, _ in others:
        tree.add(path, [], {"params": {"control": "default"}, "items": [SHARD, "default", "data/videos/default.mp4"]})
    values = {
        "identities": {name: {"consent": "agreed", "trigger": "a word"} for name in people},
        "render": {"blends": dict(blends)},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    tree.about["params.yaml"] = set()
    return tree


@pytest.fixture
def tree(tmp_path) -> Tree:
    return plant(tmp_path, PEOPLE, BLENDS)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_people_are_called_nothing_of_the_others_goes(tmp_path, seed):
    draw = random.Random(seed)
    *people, half, moving = draw.sample(planted.NASTY, 7)
    blends = {half: {"weights": {people[0]: 1, people[1]: 2}}, moving: {"between": [people[1], people[2]], "t": 0.5}}
    tree = plant(tmp_path, people, blends)
    if draw.random() < 0.5:
        (tmp_path / "params.yaml").write_text("identities: {}\n")
    before = tree.files()
    assert before.keys() == tree.about.keys()
    name = people[seed % len(people)]
    forget(tmp_path, name, photos=False)
    assert tree.files() == {path: content for path, content in before.items() if name not in tree.about[path]}


@pytest.mark.parametrize(("name", "declared"), product(["ann", "ann.b", "ann.0001", "x.ann"], [True, False]))
def test_what_was_made_of_a_person_goes_and_nothing_of_the_others(tree, name, declared):
    if not declared:
        (tree.root / "params.yaml").write_text("identities: {}\n")
    before = tree.files()
    assert before.keys() == tree.about.keys()
    forget(tree.root, name, photos=False)
    assert tree.files() == {path: content for path, content in before.items() if name not in tree.about[path]}
    for folder in ("results", "logs", ".cache"):
        for path in (tree.root / folder).rglob("*"):
            assert name not in path.parts
            if path.is_file():
                content = path.read_bytes()
                assert embedding(name) not in content
                assert photo_digest(name).encode() not in content
                assert not re.search(rb"(?<![\w.-])" + re.escape(name).encode() + rb"(?![\w.-])", content)


def test_the_prompts_stay_with_the_others_where_the_person_has_no_word_in_them(tree):
    params = tree.root / "params.yaml"
    params.write_text(params.read_text().replace("trigger: a word", "trigger: null"))
    forget(tree.root, "ann", photos=False)
    assert (tree.root / "results/latents/prompts.safetensors").exists()
    assert (tree.root / "results/latents/.stamps/encode_prompts.json").exists()


def test_a_blend_that_the_person_has_left_goes_too(tree):
    values = {"identities": {"bea": {"consent": "agreed"}}, "render": {"blends": {}}}
    (tree.root / "params.yaml").write_text(yaml.safe_dump(values))
    assert find_traces(tree.root, "ann").blends == ("half",)
    for stamp in tree.root.glob("results/*/.stamps/**/*.json"):
        stamp.unlink()
    assert find_traces(tree.root, "ann").blends == ("half",), "the renders themselves say so"


CASTS = {"1~ann_2~bea": ["ann", "bea"], "2~half_3~nobody": ["ann", "bea"], "1~anna_2~model": ["anna"]}


@pytest.mark.parametrize("known_by", ["renders", "names alone"])
def test_a_cast_goes_with_each_who_is_in_it(tree, known_by):
    """Also where nothing but the names of folders tells who is in it."""
    for cast, members in CASTS.items():
        plant_renders(tree, cast, members, {}, [])
        tree.add(f"logs/mentions-{cast[:1]}-{len(cast)}.log", [])
        (tree.root / f"logs/mentions-{cast[:1]}-{len(cast)}.log").write_text(f"results/render/{cast}/dance_000/default.mp4\n")
    if known_by == "names alone":
        for path in (*tree.root.glob("results/render/*~*/*/*.json"), *tree.root.glob("results/*/.stamps/*/*~*/**/*.json")):
            path.unlink()
    traces = find_traces(tree.root, "bea")
    assert traces.casts == ("1~ann_2~bea", "2~half_3~nobody")
    assert "half" in traces.blends
    forget(tree.root, "bea", photos=False)
    left = [path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*")]
    assert not [path for path in left if ("bea" in path and "data/photos" not in path) or "2~half" in path]
    assert any("1~anna_2~model" in path for path in left)
    assert [path.name for path in tree.root.glob("logs/mentions-*")] == ["mentions-1-14.log"]


def test_photos_stay_unless_asked_for(tree):
    photos = tree.root / "data/photos/ann"
    forget(tree.root, "ann", photos=False)
    assert any("data/photos/ann" in line for line in what_is_left(tree.root, "ann", []))
    forget(tree.root, "ann", photos=True)
    assert not photos.exists()
    assert (tree.root / "data/photos/anna/a.jpg").exists()
    assert not any("data/photos/ann" in line for line in what_is_left(tree.root, "ann", []))


def test_a_link_to_photos_elsewhere_is_taken_away_alone(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("pictures")
    (elsewhere / "a.jpg").write_bytes(b"photo")
    (tree.root / "data/photos/cara").symlink_to(elsewhere)
    forget(tree.root, "cara", photos=True)
    assert not (tree.root / "data/photos/cara").is_symlink()
    assert (elsewhere / "a.jpg").exists()


def test_a_removal_that_was_cut_short_can_be_started_again(tree):
    (tree.root / "params.yaml").write_text("identities: {}\n")
    shutil.rmtree(tree.root / "data/photos/ann")
    before = tree.files()
    traces = find_traces(tree.root, "ann")
    for count, path in enumerate(traces.made):
        assert "ann" in known_people(tree.root), f"after {count} removals"
        assert set(traces.made[count:]) <= set(find_traces(tree.root, "ann").made), f"after {count} removals"
        command.remove(path)
    assert tree.files() == {path: content for path, content in before.items() if "ann" not in tree.about[path]}


@pytest.mark.parametrize("name", ["bob", "", ".", "..", "../x", "an", "half", "stamps", "manifests", "ann/../bea"])
def test_somebody_unknown_is_refused_in_one_sentence(tree, monkeypatch, name):
    monkeypatch.chdir(tree.root)
    before = tree.files()
    with pytest.raises(SystemExit) as end:
        command.main([name])
    assert str(end.value) == f"nobody is called {name!r}; known are ann, ann-x, ann.0001, ann.b, anna, bea, x.ann"
    assert tree.files() == before


def test_nothing_is_removed_while_snakemake_runs(tree):
    (tree.root / ".snakemake/locks").mkdir(parents=True)
    (tree.root / ".snakemake/locks/0.input.lock").touch()
    before = tree.files()
    with pytest.raises(InputError, match="snakemake --unlock"):
        forget(tree.root, "ann", photos=True)
    assert tree.files() == before


def test_a_wrong_value_in_params_is_no_hindrance_and_broken_yaml_is_named(tree):
    (tree.root / "params.yaml").write_text("identities:\nrender: {blends: }\nshards: none\n")
    assert "ann" in known_people(tree.root)
    for odd in ("", "7", "identities: [ann]\nrender: 3\n", "render: {blends: {half: ann, other: {weights: 1}}}\n"):
        (tree.root / "params.yaml").write_text(odd)
        assert "ann" in known_people(tree.root)
    (tree.root / "params.yaml").write_text("identities: [")
    with pytest.raises(InputError, match=r"params\.yaml cannot be read"):
        forget(tree.root, "ann", photos=False)


def test_it_says_what_is_left(tree, monkeypatch, capsys):
    monkeypatch.chdir(tree.root)
    (tree.root / "params.yaml").write_text(
        "identities:\n  ann: {consent: yes, agreed}  # ann's own words\n  anna: {consent: agreed}\n"
        "render:\n  blends:\n    half: {weights: {ann: 1, anna: 1}}\n  batches:\n    - {who: [half], videos: ['*']}\n"
    )
    command.main(["ann"])
    said = capsys.readouterr().out
    assert "forgot ann, with the blends half" in said
    for part in (
        *(
            "data/photos/ann",
            "params.yaml:2: ann: {consent: yes, agreed}",
            "params.yaml:6: half",
            "params.yaml:8: - {who: [half]",
        ),
        *(".snakemake", "dvc gc -w", "--cloud", "history of git"),
    ):
        assert part in said
    assert "own words" not in said
    assert "params.yaml:3" not in said
