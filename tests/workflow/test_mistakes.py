"""A user's mistakes: one clear sentence, no traceback, and no heavy work before it."""

import shutil

import pytest


def refused(project, *words, target="all"):
    done = project.snakemake(target, check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    for word in words:
        assert word in text, text[-3000:]
    assert "Traceback" not in text
    return text


@pytest.fixture
def fresh(project):
    """The project with its data and models, and no results."""
    shutil.rmtree(project["results"])
    return project


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("train.lora_rank", 0, ["train.lora_rank", "greater than or equal to 1", "given: 0"]),
        ("train.lora_rnak", 8, ["unknown key train.lora_rnak", "lora_rank"]),
        ("model", "wan", ["unknown name 'wan'", "wan2.1-vace-1.3b"]),
        ("render.blends.half", {"weights": {"eileen": 1, "bob": 1}}, ["render.blends.half", "'bob'", "eileen, nora"]),
        ("identities.bob", {"consent": "signed 2026"}, ["'bob' has no photos", "data/photos/bob", "eileen, nora"]),
    ],
)
def test_a_wrong_parameter_stops_before_any_work(project, path, value, words):
    project.change(path, value)
    text = refused(project, *words)
    assert "Job stats" not in text


def test_an_unknown_person_as_a_target(project):
    refused(project, "nobody is called 'bob'", "eileen, nora, half, morph", target="results/render/bob/x_000/default.mp4")


def test_too_few_usable_photos_stop_the_run_before_heavy_work(fresh):
    folder = fresh["data/photos/ada"]
    folder.mkdir()
    good = sorted(fresh["data/photos/eileen"].iterdir())
    for photo in good[:2]:
        shutil.copy(photo, folder / photo.name)
    fresh.change("identities", {"ada": {"consent": "public-domain"}})
    fresh.change("sample.identities", [])
    fresh.change("render.blends", {})
    fresh.change("render.batches", [{"who": ["ada"], "videos": ["*"]}])
    text = refused(fresh, "ada", "data/photos/ada")
    assert any(word in text for word in ("of 2", "2 photos"))
    # The prompts are nobody's: they may be encoded meanwhile, and are kept.
    for file in ("results/latents/photos/ada.safetensors", "results/train/ada", "results/render/ada"):
        assert not fresh[file].exists()


def test_bad_videos_are_listed_and_the_run_goes_on(project):
    videos = project["data/videos"]
    some = sorted(videos.glob("*.mp4"))[0]
    (videos / "empty.mp4").write_bytes(b"")
    (videos / "truncated.mp4").write_bytes(some.read_bytes()[:20000])
    (videos / "words.mp4").write_text("this is no video")
    project.snakemake("clips")
    rows = {line.split(",")[0]: line for line in project["results/clips/clips.csv"].read_text().splitlines()}
    for name in ("empty", "truncated", "words"):
        assert "rejected" in rows[name]
    assert sum("accepted" in row for row in rows.values()) == 6


def test_hostile_file_names_do_no_harm(project):
    photo = sorted(project["data/photos/eileen"].iterdir())[0]
    video = sorted(project["data/videos"].glob("*.mp4"))[0]
    names = ["$(touch pwned)", 'it\'s "me"; touch pwned', "`touch pwned`", "--help", "naïve\nline"]
    for name in names:
        shutil.copy(photo, project["data/photos/eileen"] / f"{name}{photo.suffix}")
        shutil.copy(video, project["data/videos"] / f"{name}.mp4")
    project.snakemake("faces", "clips")
    assert not list(project.folder.rglob("pwned"))
    assert project["results/clips/clips.csv"].read_text().count("accepted") == 6 + len(names)
    assert project["results/faces/eileen/photos.csv"].read_text().count("same") >= len(names) - 1


def test_a_brace_in_a_file_name_is_refused_with_advice(project):
    """Snakemake would take it for a wildcard."""
    shutil.copy(project["data/photos/eileen/IMG_2041.jpg"], project["data/photos/eileen/{x}.jpg"])
    refused(project, "data/photos/eileen/{x}.jpg", "rename it")
