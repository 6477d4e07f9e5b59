"""What is left over goes, and nothing else."""

import random

import pytest

from facedance.names import CONTROL_PREFIX, clip_id
from facedance.rerun.prune import Wanted, prune
from tests import planted

VIDEOS = ("dance", "dance_000", "subject_042", "0001", "stamps", "default", "a--b", "shards", "x_000_001")
CONTROLS = tuple(CONTROL_PREFIX + video for video in VIDEOS)
SHARDS = ("0000", "0001", "0042", "control")
PARTS = ("0000", "0001", "0007")
VARIANTS = ("default", "face_scale~1.2_seed~7")


def plant(root, people, rendered, videos, controls):
    """A project in which all of these were made: the names of each file."""
    clips = {clip_id(video, i): video for video in videos for i in (0, 1)}
    files = dict([*planted.of_nobody(), *planted.of_everybody(), *planted.brought(people, videos)])
    for name in people:
        files |= dict(planted.of_person(name))
    for video in videos:
        files |= dict(planted.of_video(video))
    for clip in (*clips, *controls):
        files |= dict(planted.of_clip(clip))
    for shard in SHARDS:
        files |= dict(planted.of_shard(shard))
    for part in PARTS:
        files |= dict(planted.of_part(part))
    for who in rendered:
        for shard in SHARDS:
            files |= dict(planted.of_renders(who, shard))
        for clip in (*clips, *controls):
            for variant in VARIANTS:
                files |= dict(planted.of_render(who, clip, variant))
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("{}")
    return {
        path: {**names, "video": clips[names["clip"]]} if names.get("clip") in clips else names for path, names in files.items()
    }


def is_wanted(names, wanted):
    there = {"identity": wanted.people, "who": wanted.rendered, "video": wanted.videos}
    there |= {"shard": wanted.shards, "part": wanted.parts}
    return all(name in there[kind] for kind, name in names.items() if kind != "clip") and (
        not names.get("clip", "").startswith(CONTROL_PREFIX) or names["clip"] in wanted.controls
    )


def files_in(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", range(12))
def test_exactly_what_belongs_to_nobody_goes(tmp_path, seed):
    draw = random.Random(seed)
    people, rendered = draw.sample(planted.NASTY, 6), ["1~ann_2~0001", *draw.sample(planted.NASTY, 5), "2~ann_2_12~nobody"]
    videos, controls = draw.sample(VIDEOS, 4), draw.sample(CONTROLS, 2)
    names = plant(tmp_path, tuple(people), rendered, tuple(videos), controls)
    wanted = Wanted(people[:3], rendered[:3], videos[:2], controls[:1], draw.sample(SHARDS, 2), draw.sample(PARTS, 2))
    removed = prune(tmp_path, wanted)
    assert files_in(tmp_path) == {path for path in names if is_wanted(names[path], wanted)}
    assert all(path.is_relative_to(tmp_path) for path in removed)
    assert prune(tmp_path, wanted) == ()


def test_a_project_that_lacks_nothing_loses_nothing(tmp_path):
    names = plant(tmp_path, planted.NASTY[:8], planted.NASTY[:8], VIDEOS, CONTROLS)
    assert prune(tmp_path, Wanted(planted.NASTY, planted.NASTY, VIDEOS, CONTROLS, SHARDS, PARTS)) == ()
    assert files_in(tmp_path) == set(names)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_person_may_be_called_like_any_folder_or_file(tmp_path, kept):
    names = plant(tmp_path, planted.NASTY, planted.NASTY, ("dance",), ())
    wanted = Wanted(planted.NASTY[kept::2], planted.NASTY[kept::2], ("dance",), (), SHARDS, PARTS)
    prune(tmp_path, wanted)
    assert files_in(tmp_path) == {path for path in names if is_wanted(names[path], wanted)}


def test_a_blend_does_not_keep_what_was_made_of_a_person_of_its_name(tmp_path):
    plant(tmp_path, ("bob",), ("bob",), ("dance",), ())
    prune(tmp_path, Wanted(["ann"], ["ann", "bob"], ["dance"], [], SHARDS, PARTS))
    assert not (tmp_path / "results/faces/bob").exists()
    assert (tmp_path / "results/render/bob/dance_000/default.mp4").exists()


def test_what_is_no_clip_is_left_alone(tmp_path):
    """Notes that somebody keeps beside the renders."""
    notes = tmp_path / "results/render/ann/notes/first.mp4"
    notes.parent.mkdir(parents=True)
    notes.touch()
    assert prune(tmp_path, Wanted(["ann"], ["ann"], [], [], [], [])) == ()
