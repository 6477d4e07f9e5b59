"""A user's mistakes: one clear sentence, no traceback, and no heavy work before it."""

import os
import shutil

import pandas as pd
import pytest

from facedance.sample import catalogue


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
        ("train.videos", ["gBX*"], ["train.videos", "'gBX*'", "gBR_sBM_c01_d04_mBR2_ch01"]),
        ("clips.ignore_list", "ignore.txt", ["clips.ignore_list", "'ignore.txt'"]),
        ("identities.bob", {"consent": "signed 2026"}, ["'bob' has no photos", "data/photos/bob", "eileen, nora"]),
    ],
)
def test_a_wrong_parameter_stops_before_any_work(project, path, value, words):
    project.change(path, value)
    text = refused(project, *words)
    assert "Job stats" not in text


def test_an_unknown_person_as_a_target(project):
    refused(project, "nobody is called 'bob'", "eileen, half, morph, nora", target="results/render/bob/x_000/default.mp4")


def test_too_few_usable_photos_stop_the_run_before_heavy_work(fresh):
    folder = fresh["data/photos/ada"]
    folder.mkdir()
    good = sorted(fresh["data/photos/eileen"].glob("*.*g"))
    for photo in good[:2]:
        shutil.copy(photo, folder / photo.name)
    fresh.change("identities", {"ada": {"consent": "public-domain"}})
    fresh.change("sample.identities", [])
    fresh.change("render.blends", {})
    fresh.change("render.batches", [{"who": ["ada"], "videos": ["*"]}])
    sentence = "ada: 0 of 2 photos can be used and 3 are needed"
    refused(fresh, sentence)
    # The prompts are nobody's: they may be encoded meanwhile, and are kept.
    for file in ("faces/ada/embedding.safetensors", "latents/photos/ada.safetensors", "train/ada", "render/ada"):
        assert not fresh[f"results/{file}"].exists()
    assert fresh["results/faces/ada/photos.csv"].read_text().count("rejected") == 2
    fresh.snakemake("check")
    assert sentence in fresh["results/check/index.html"].read_text()


def test_without_a_usable_video_the_run_stops_and_the_table_and_the_page_say_why(project):
    project.change("clips.stretches", {"*": {"start": 99}})
    sentence = "no video can be used, so nothing could be rendered"
    refused(project, sentence)
    assert "accepted" not in project["results/clips/clips.csv"].read_text()
    project.snakemake("check")
    assert sentence in project["results/check/index.html"].read_text()


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
    assert sum("accepted" in row for row in rows.values()) == len(catalogue.VIDEOS)


def test_hostile_file_names_do_no_harm(project):
    photo = sorted(project["data/photos/eileen"].glob("*.*g"))[0]
    video = sorted(project["data/videos"].glob("*.mp4"))[0]
    names = ["$(touch pwned)", 'it\'s "me"; touch pwned', "`touch pwned`", "--help", "naïve\nline"]
    for name in names:
        shutil.copy(photo, project["data/photos/eileen"] / f"{name}{photo.suffix}")
        shutil.copy(video, project["data/videos"] / f"{name}.mp4")
    project.snakemake("faces", "clips")
    assert not list(project.folder.rglob("pwned"))
    assert project["results/clips/clips.csv"].read_text().count("accepted") == len(catalogue.VIDEOS) + len(names)
    assert project["results/faces/eileen/photos.csv"].read_text().count("same") >= len(names) - 1


@pytest.mark.thorough
def test_files_of_any_name_and_depth_are_used_or_told(project):
    """Snakemake takes braces for wildcards, and has no name for a file whose bytes are no UTF-8."""
    photos, videos, controls = (project[f"data/{folder}"] for folder in ("photos/eileen/2024/{x}", "videos/day 1", "control/a"))
    for folder in (photos, videos, controls):
        folder.mkdir(parents=True)
    video = min(project["data/videos"].glob("*.mp4"))
    shutil.copy(project["data/photos/eileen/IMG_2042.jpg"], os.fsencode(photos) + b"/Z\xfcrich.jpg")
    shutil.copy(video, os.fsencode(videos) + b"/caf\xe9 {1}.MP4")
    shutil.copy(video, videos / "Моё видео (1).mp4")
    shutil.copy(min(project["results/poses"].glob("*.mp4")), controls / "pose {1}.MOV")
    (videos / "gone.mp4").symlink_to("nowhere.mp4")
    (controls / "notes.txt").touch()
    project.snakemake("faces", "clips", "results/poses/shards/control.csv")

    def rows(path):
        table = pd.read_csv(project[path], dtype=str, keep_default_na=False).set_index(pd.read_csv(project[path]).columns[0])
        return {name: (row["status"], row["reason"]) for name, row in table.iterrows()}

    clips = rows("results/clips/clips.csv")
    assert clips["caf-1_000"] == clips["Моё-видео-1_000"] == ("accepted", "")
    assert clips["day 1/gone.mp4"] == ("rejected", "is a link to nowhere.mp4, which is not there")
    control = rows("results/poses/shards/control.csv")
    assert control["control-pose-1"] == ("accepted", "")
    assert control["control-a/notes.txt"][0] == "rejected"
    photos = rows("results/faces/eileen/photos.csv")
    assert photos["2024/{x}/Z\\udcfcrich.jpg"] == ("accepted", "")
    assert photos["IMG_2042.jpg"][1].startswith("duplicate")
    assert project.planned("faces", "clips", "results/poses/shards/control.csv") == {}
