"""What runs again after a change of what the user brings, and only that."""

import os
import shutil
import time
from pathlib import Path

import pytest

FACE = {"embed_faces": 1, "embed_identity": 1}
SCORING = {"summarise": 1, "build_report": 1}


def test_a_new_photo_touches_its_identity_only(project):
    shutil.copy(project["data/photos/eileen"] / "IMG_2041.jpg", project["data/photos/eileen"] / "one more.jpg")
    assert project.planned("all") == {
        **FACE, "encode_photos": 1, "train_adapter": 1, "render_shard": 3, "score_renders": 4, **SCORING,
    }  # fmt: skip


def test_a_removed_photo_counts_as_a_change(project):
    extra = project["data/photos/nora/extra.jpg"]
    shutil.copy(project["data/photos/nora/IMG_2041.jpg"], extra)
    project.snakemake("faces")
    extra.unlink()
    assert project.planned("faces") == {**FACE, "faces": 1}


def older(source: Path, target: Path) -> None:
    """Put another file in the place of one, as `mv` and `cp -p` do: with its own time, which is long ago."""
    aside = target.with_suffix(".aside")
    shutil.copy(source, aside)
    os.utime(aside, (10**9, 10**9))
    aside.rename(target)


def test_what_replaces_a_file_is_new_also_when_it_is_older(project):
    photo = project["data/photos/eileen/IMG_2041.jpg"]
    before = photo.read_bytes()
    older(project["data/photos/nora/IMG_2041.jpg"], photo)
    assert project.planned("all") == {
        **FACE, "encode_photos": 1, "train_adapter": 1, "render_shard": 3, "score_renders": 4, **SCORING,
    }  # fmt: skip
    photo.write_bytes(before)
    os.utime(photo, (10**9, 10**9))
    assert project.planned("all") == {}

    video, *_, other = sorted(project["data/videos"].glob("*.mp4"))
    older(other, video)
    planned = project.planned("all")
    assert planned["cut_clips"] == planned["extract_poses"] == planned["embed_dancers"] == planned["encode_clips"] == 1
    assert "make_sample_video" not in planned
    assert "embed_faces" not in planned


def test_a_control_video_and_a_photo_are_known_by_their_content(project):
    """Those of the user; what the sample makes is made anew where it is newer."""
    video, *_, other = sorted(project["results/poses"].glob("*.mp4"))
    control, photo = project["data/control/pose.mp4"], project["data/photos/nora/own.jpg"]
    control.parent.mkdir()
    shutil.copy(video, control)
    shutil.copy(project["data/photos/eileen/IMG_2041.jpg"], photo)
    targets = ("results/poses/shards/control.csv", "results/faces/nora/embedding.safetensors")
    project.snakemake(*targets)
    for file in (control, photo):
        os.utime(file)
    assert project.planned(*targets) == {}
    older(other, control)
    assert project.planned(*targets) == {"prepare_controls": 1}
    older(project["data/photos/eileen/IMG_2042.jpg"], photo)
    assert project.planned(*targets) == {"prepare_controls": 1, **FACE}


def test_a_photo_from_the_future_is_a_change_once(project):
    """A camera's clock may be wrong."""
    photo = project["data/photos/nora/IMG_2041.jpg"]
    tomorrow = time.time() + 86400
    os.utime(photo, (tomorrow, tomorrow))
    project.snakemake("faces")
    assert project.planned("faces") == {}


def test_a_new_video_touches_one_shard(project):
    source = next(iter(sorted(project["data/videos"].glob("*.mp4"))))
    shutil.copy(source, project["data/videos/my dance.mp4"])
    planned = project.planned("all")
    assert planned["cut_clips"] == planned["extract_poses"] == planned["encode_clips"] == 1
    assert "make_sample_video" not in planned


def test_a_new_identity_leaves_the_others_alone(project):
    shutil.copytree(project["data/photos/eileen"], project["data/photos/zoe"], ignore=shutil.ignore_patterns(".sample"))
    project.change("identities.zoe", {"consent": "public-domain"})
    planned = project.planned("train")
    assert planned.pop("train") == 1
    assert planned == {**FACE, "encode_photos": 1, "train_adapter": 1}
    project.change("identities.zoe.trigger", "ohwx woman")
    planned = project.planned("train")
    assert planned.pop("train") == 1
    assert planned == {**FACE, "encode_prompts": 1, "encode_photos": 1, "train_adapter": 1}


@pytest.mark.thorough
def test_where_photos_alone_are_learned_from_a_new_video_trains_nobody(project):
    project.change("train.videos", [])
    assert project.planned("train") == {"train_adapter": 2, "train": 1}
    project.snakemake("train")
    shutil.copy(min(project["data/videos"].glob("*.mp4")), project["data/videos/my dance.mp4"])
    planned = project.planned("all")
    assert planned["list_clips"] == 1
    assert not {"encode_photos", "train_adapter"} & planned.keys()
    project.change("train.seed", 1)
    assert project.planned("all")["train_adapter"] == 2, "it waits for a job that runs, and has its own reason to run"


@pytest.mark.thorough
def test_in_a_fresh_clone_too_what_replaces_a_file_is_new_also_when_it_is_older(project):
    """As `make pull` leaves it: no record of Snakemake's, and one time for all."""
    poses = sorted(project["results/poses"].glob("*.mp4"))
    control = project["data/control/deep/pose.mp4"]
    control.parent.mkdir(parents=True)
    shutil.copy(poses[0], control)
    targets = ("all", "results/latents/shards/control.csv")
    project.snakemake(*targets)
    for folder in (".snakemake", ".cache"):
        shutil.rmtree(project[folder])
    tops = [project[name] for name in ("data", "models", "results", "logs")]
    for path in [path for top in tops for path in (top, *top.rglob("*"))]:
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    assert project.planned(*targets) == {}
    older(poses[1], control)
    control_plan = project.planned(*targets)
    assert control_plan.pop("prepare_controls") == control_plan.pop("encode_controls") == 1
    assert not {"embed_faces", "cut_clips", "train_adapter"} & control_plan.keys()
    shutil.copy2(poses[0], control)
    older(project["data/photos/nora/IMG_2041.jpg"], project["data/photos/eileen/IMG_2041.jpg"])
    photo_plan = project.planned(*targets)
    assert photo_plan["embed_faces"] == photo_plan["encode_photos"] == photo_plan["train_adapter"] == 1
    assert not {"make_sample_photos", "cut_clips", "prepare_controls"} & photo_plan.keys()
    video, *_, other = sorted(project["data/videos"].glob("*.mp4"))
    older(other, video)
    video_plan = project.planned("clips")
    assert video_plan == {"cut_clips": 1, "list_clips": 1, "clips": 1}


@pytest.mark.thorough
def test_without_the_sample_only_the_users_files_count(project):
    names = ("IMG_2041.jpg", "IMG_2042.jpg", "IMG_2058.jpg")
    project.change("sample.enabled", False)
    for who in ("eileen", "nora"):
        for name in names:
            photo = project[f"data/photos/{who}/{name}"]
            photo.with_name(f"own {name}").write_bytes(photo.read_bytes() + b"\n")
    video, *_, other = sorted(project["data/videos"].glob("*.mp4"))
    older(other, video)  # the user's own under the name of one of the sample's
    project.snakemake("clips", "faces")
    assert project["results/clips/clips.csv"].read_text().count("accepted") == 1
    photos = project["results/faces/nora/photos.csv"].read_text().splitlines()
    assert [line.split(",")[0] for line in photos[1:]] == [f"own {name}" for name in names]
