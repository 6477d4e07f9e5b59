"""Forgetting a person: all that was made of the person goes, and nothing of anybody else."""

import hashlib
import json
import re
import struct
from itertools import product
from pathlib import Path

import pytest
import yaml

from facedance.job import InputError
from facedance.privacy import forget as command
from facedance.privacy.forget import forget, what_is_left
from facedance.privacy.personal_data import PEOPLE_RULES, RENDER_RULES, find_traces, known_people

ROOT = Path(__file__).parents[2]
PEOPLE = ("ann", "anna", "ann.b", "ann-x", "x.ann", "ann.0001", "bea")
BLENDS = {
    "half": {"weights": {"ann": 0.5, "bea": 0.5}},
    "morph": {"between": ["ann.b", "anna"], "t": "moving"},
    "others": {"weights": {"bea": 1.0, "x.ann": 1.0}},
}
CLIP, SHARD, VARIANT = "dance_000", "0001", "face_scale~1.2_seed~7"


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

    def add(self, path: str, *people: str, facts: object = None) -> None:
        """A file with the people's names, embeddings and photo digests, and nothing else of them."""
        content = json.dumps({"params": {}, "of": {p: photo_digest(p) for p in people}, **(facts or {})}).encode()
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if file.suffix in {".json", ".log"} else content + b"".join(map(embedding, people)))
        self.about[path] = set(people)

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.root)): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}


def plant_person(tree: Tree, name: str) -> None:
    for file in (
        *(f"results/faces/{name}/{f}" for f in ("photos.csv", "embedding.safetensors", "photos.safetensors", "crops.png")),
        *(f"results/latents/photos/{f}.safetensors" for f in (name, f".{name}.77.part")),
        *(f"results/train/{name}/{f}" for f in ("adapter.safetensors", "meta.json", "metrics.csv", "validation/step_4.mp4")),
        f".cache/training/{name}/0123456789abcdef/step_0000004.safetensors",
        f".cache/training/{name}/0123456789abcdef/step_0000004.json",
    ):
        tree.add(file, name)
    for stage, rule in (("faces", "embed_faces"), ("latents", "encode_photos"), ("train", "train_adapter")):
        tree.add(f"results/{stage}/stamps/{rule}.{name}.json", name, facts={"items": [f"data/photos/{name}/a.jpg"]})
        tree.add(f"logs/{rule}/{name}.log", name)
        tree.add(f"logs/{rule}/{name}.tsv", name)
    (tree.root / "results/train/stamps" / f".train_adapter.{name}.77.part.json").write_text('{"par')
    tree.about[f"results/train/stamps/.train_adapter.{name}.77.part.json"] = {name}


def plant_renders(tree: Tree, who: str, members: list[str]) -> None:
    people = {"people": {m: {"photos_sha256": photo_digest(m)} for m in members}}
    for variant in ("default", VARIANT):
        render = f"{who}/{CLIP}/{variant}"
        tree.add(f"results/render/{render}.mp4", *members)
        tree.add(f"results/render/{render}.json", *members, facts=people)
        tree.add(f"results/render/.items/{render}.json", *members)
        tree.add(f"results/evaluate/shards/{who}/observations/{CLIP}.{variant}.safetensors", *members)
    tree.add(f"results/render/manifests/{who}/{SHARD}.csv", *members)
    tree.add(f"results/evaluate/shards/{who}/{SHARD}.csv", *members)
    consent = {"params": {"consent": dict.fromkeys(members, "agreed")}}
    for rule, job in (("render_shard", f"{who}.{SHARD}"), ("render_clip", f"{who}.{CLIP}.{VARIANT}")):
        tree.add(f"results/render/stamps/{rule}.{job}.json", *members, facts=consent)
        tree.add(f"logs/{rule}/{job}.log", *members)
        tree.add(f"logs/{rule}/{job}.tsv", *members)
    tree.add(f"logs/score_renders/{who}.{SHARD}.log", *members)
    tree.add(f"logs/score_renders/{who}.{SHARD}.tsv", *members)
    # Everybody is compared with everybody.
    tree.add(f"results/evaluate/stamps/score_renders.{who}.{SHARD}.json", *PEOPLE, facts={"params": {"blends": BLENDS}})


@pytest.fixture
def tree(tmp_path) -> Tree:
    tree = Tree(tmp_path)
    for name in PEOPLE:
        plant_person(tree, name)
        plant_renders(tree, name, [name])
    for blend, spec in BLENDS.items():
        plant_renders(tree, blend, list(spec.get("weights", ())) + spec.get("between", []))
    for file in (
        *(f"results/evaluate/{f}" for f in ("metrics.csv", "metrics.json", ".metrics.77.part.csv")),
        "results/evaluate/stamps/summarise.json",
        *(f"results/report/{f}" for f in ("index.html", "media/faces/ann/reference.png", "stamps/build_report.json")),
        "logs/build_report.log",
    ):
        tree.add(file, *PEOPLE)
    for file in (
        *("results/clips/clips.csv", "results/clips/stamps/cut_clips.0001.json", "results/evaluate/pose_accuracy.csv"),
        *(f"results/latents/{f}" for f in ("prompts.safetensors", "shards/0001.csv", "stamps/encode_clips.0001.json")),
        *("logs/cut_clips/0001.log", "logs/cut_clips/0001.tsv", "models/tiny/manifest.json"),
        *(f"data/photos/{name}/a.jpg" for name in PEOPLE),
    ):
        tree.add(file)
    values = {"identities": {name: {"consent": "agreed"} for name in PEOPLE}, "render": {"blends": BLENDS}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    tree.about["params.yaml"] = set()
    return tree


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


def test_a_blend_that_the_person_has_left_goes_too(tree):
    values = {"identities": {"bea": {"consent": "agreed"}}, "render": {"blends": {}}}
    (tree.root / "params.yaml").write_text(yaml.safe_dump(values))
    assert find_traces(tree.root, "ann").blends == ("half",)
    for stamp in tree.root.glob("results/*/stamps/*.json"):
        stamp.unlink()
    assert find_traces(tree.root, "ann").blends == ("half",), "the renders themselves say so"


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
    (tree.root / "data/photos/ann/a.jpg").unlink()
    (tree.root / "data/photos/ann").rmdir()
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


def test_every_rule_with_a_job_for_each_person_is_known():
    """Its stamp, log and benchmark are called after the person."""
    patterns = PEOPLE_RULES | RENDER_RULES
    filled = {
        "identity": "ann.b",
        "shard": "control",
        "clip": "control-a_b",
        "variant": "face_scale~1.2_seed~7",
        "format": "kohya",
    }
    found = set()
    for rules in (ROOT / "rules").glob("*.smk"):
        for rule, job in re.findall(r'"logs/(\w+)/(.*\{identity\}.*)\.log"', rules.read_text()):
            match = patterns[rule].fullmatch(job.format(**filled))
            assert match
            assert match["name"] == "ann.b"
            found.add(rule)
    assert found == set(patterns)
