"""Casts: several dancers of a clip who become several people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from facedance.config.rendering import Blend, RenderMemory
from facedance.files import read_json, sha256
from facedance.job import InputError
from facedance.poses.skeleton import COCO
from facedance.poses.table import read_dancers
from facedance.render.casting import casting, with_somebody
from facedance.render.driving import driving_of
from facedance.render.inputs import Cast, RenderInputs, RenderJob
from facedance.render.windows import Window
from facedance.video.frames import read_frames
from facedance.wan.pipeline import ControlLatents
from tests.regions.test_shares import BODY
from tests.render import test_clips as single
from tests.render.test_clips import FRAMES, LATENT_FRAMES, LATENT_SIZE, RESIDENT, SETTINGS, SIZE, run

world, long_dance = single.world, single.long_dance

PLACES = {1: 8.0, 2: 24.0}  # across, in a picture of 32 pixels
HALVES = (slice(0, SIZE // 2 - 4), slice(SIZE // 2 + 4, SIZE))


def joints_at(x: float, frames: int) -> NDArray[np.float32]:
    """COCO's joints (T, 17, 4) of a small dancer."""
    body = np.array([BODY[name] for name in COCO]) / 4 + [x, SIZE / 2]
    joints = np.concatenate([body, np.full((len(COCO), 1), np.nan), np.ones((len(COCO), 1))], axis=1)
    return np.tile(joints.astype(np.float32), (frames, 1, 1))


def write_landmarks(path: Path, clips: Mapping[str, Mapping[int, NDArray[np.float32]]], *, numbered: bool = True) -> Path:
    rows = [
        {
            "clip": clip,
            "frame": t,
            "joint": name,
            **dict(zip(("x", "y", "z", "visibility"), joint, strict=True)),
            "dancer": number,
        }
        for clip, dancers in clips.items()
        for number, joints in dancers.items()
        for t, frame in enumerate(joints)
        for name, joint in zip(COCO, frame, strict=True)
    ]
    pd.DataFrame(rows).drop(columns=[] if numbered else ["dancer"]).to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    both = {number: joints_at(x, FRAMES + 8) for number, x in PLACES.items()}
    of_clip = {number: joints[:FRAMES] for number, joints in both.items()}
    path = tmp_path_factory.mktemp("landmarks") / "0000.parquet"
    return write_landmarks(path, {"dance_000": of_clip, "long_000": both, "solo_000": {1: of_clip[1]}})


def inputs(world: Path, landmarks: Path, cast: dict[int, str], memory: RenderMemory = RESIDENT) -> RenderInputs:
    people = sorted({*cast.values()} & {"eileen", "nora"}) if "half" not in cast.values() else ["eileen", "nora"]
    blends = {"half": Blend(weights={"eileen": 1.0, "nora": 1.0})} if "half" in cast.values() else {}
    return replace(single.inputs(world, *people, memory=memory), cast=Cast(cast, blends), landmarks=landmarks)


def job(name: str, clip: str = "dance_000", variant: str = "default") -> RenderJob:
    return RenderJob(name, clip, variant, SETTINGS.varied(variant))


@pytest.fixture(scope="module")
def frames(world: Path, landmarks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, NDArray[np.float64]]]:
    folder, seen = tmp_path_factory.mktemp("casts"), {}
    for name, cast in {
        "1~eileen_2~nora": {1: "eileen", 2: "nora"},
        "1~nora_2~eileen": {1: "nora", 2: "eileen"},
        "1~eileen": {1: "eileen"},
        "1~half_2~nobody": {1: "half", 2: "nobody"},
    }.items():
        run(world, folder, [job(name)], inputs(world, landmarks, cast))
        seen[name] = read_frames(folder / f"{name}/dance_000/default.mp4").astype(float)
    return folder, seen


def test_each_of_the_cast_is_in_the_pictures(frames: tuple[Path, dict[str, NDArray[np.float64]]]) -> None:
    _, seen = frames
    names = list(seen)
    for i, name in enumerate(names):
        assert seen[name].shape == (FRAMES, SIZE, SIZE, 3)
        assert all(np.abs(seen[name] - seen[other]).mean() > 0.3 for other in names[:i])


def test_the_file_beside_it_says_who_is_who(world: Path, landmarks: Path, frames: tuple[Path, dict[str, object]]) -> None:
    folder, _ = frames
    record = read_json(folder / "1~eileen_2~nora/dance_000/default.json")
    assert record["identity"] == "1~eileen_2~nora"
    assert record["cast"] == {
        "1": {"who": "eileen", "weights": {"eileen": 1.0}},
        "2": {"who": "nora", "weights": {"nora": 1.0}},
    }
    assert {name: person["consent"] for name, person in record["people"].items()} == {
        "eileen": "eileen said yes",
        "nora": "nora said yes",
    }
    assert record["people"]["nora"]["adapter_sha256"] == sha256(world / "nora/adapter.safetensors")
    blended = read_json(folder / "1~half_2~nobody/dance_000/default.json")
    assert blended["cast"]["1"]["weights"] == {"eileen": 0.5, "nora": 0.5}
    assert blended["cast"]["1"]["blend"]["weights"] == {"eileen": 1.0, "nora": 1.0}
    assert blended["cast"]["2"] == {"who": "nobody"}
    assert [*blended["people"]] == ["eileen", "nora"]


def test_it_is_made_anew_where_the_dancers_are_elsewhere_and_not_for_other_clips(
    world: Path, landmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, name = inputs(world, landmarks, {1: "eileen"}), "1~eileen"
    run(world, tmp_path, [job(name)], given)
    made: list[str] = []
    monkeypatch.setattr(single.render, "_rendered", lambda jobs, *args: made.extend(job.name for job in jobs) or [])
    other = write_landmarks(tmp_path / "other.parquet", {"dance_000": {n: joints_at(x, FRAMES) for n, x in PLACES.items()}})
    run(world, tmp_path, [job(name)], replace(given, landmarks=other))
    assert made == []
    moved = write_landmarks(tmp_path / "moved.parquet", {"dance_000": {n: joints_at(x + 1, FRAMES) for n, x in PLACES.items()}})
    run(world, tmp_path, [job(name)], replace(given, landmarks=moved))
    assert made == [job(name).name]


def test_one_person_alone_looks_at_no_places(world: Path, tmp_path: Path) -> None:
    run(world, tmp_path, [job("eileen")], single.inputs(world, "eileen"))
    record = json.loads((tmp_path / "eileen/dance_000/default.json").read_text())
    assert not {"cast", "landmarks_sha256"} & record.keys()
    assert record["people"]["eileen"]["weight"] == 1.0


@pytest.mark.parametrize("weights", ["offloaded", "float8"])
def test_a_cast_is_rendered_wherever_the_weights_are(
    world: Path, landmarks: Path, frames: tuple[Path, dict[str, NDArray[np.float64]]], tmp_path: Path, weights: str
) -> None:
    """Also from one LoRA scale to the next."""
    memory, name = RenderMemory(weights=weights, tiled_decoding=False), "1~eileen_2~nora"
    jobs = [job(name), job(name, variant="lora_scale~0"), job(name, variant="lora_scale~0_seed~1")]
    run(world, tmp_path, jobs, inputs(world, landmarks, {1: "eileen", 2: "nora"}, memory))
    default, without, other = (read_frames(tmp_path / f"{j.name}.mp4").astype(float) for j in jobs)
    assert np.abs(default - without).mean() > 0.3
    assert np.abs(without - other).mean() > 0.3
    if weights == "offloaded":
        assert np.array_equal(default, frames[1][name])


def test_a_long_dance_has_its_cast_in_every_window(world: Path, landmarks: Path, tmp_path: Path, long_dance: str) -> None:
    casts = {"1~eileen_2~nora": {1: "eileen", 2: "nora"}, "1~eileen_2~nobody": {1: "eileen", 2: "nobody"}}
    for name, cast in casts.items():
        run(world, tmp_path, [job(name, long_dance)], inputs(world, landmarks, cast))
    first, second = (read_frames(tmp_path / f"{name}/{long_dance}/default.mp4").astype(float) for name in casts)
    assert len(first) == len(second) == FRAMES + 8
    assert read_json(tmp_path / f"1~eileen_2~nora/{long_dance}/default.json")["seams"] == [FRAMES, FRAMES + 4]
    for part in (slice(0, FRAMES), slice(FRAMES, None)):
        assert np.abs(first[part] - second[part]).mean() > 0.3


def test_references_come_before_the_clip_the_last_one_first(world: Path, landmarks: Path, long_dance: str) -> None:
    given = inputs(world, landmarks, {1: "eileen", 2: "nora"})
    found = casting(given, long_dance, driving_of(given, [], long_dance, SETTINGS))
    assert found is not None
    picture = torch.zeros(48, 1, *LATENT_SIZE)
    control = ControlLatents(torch.zeros(160, LATENT_FRAMES, *LATENT_SIZE), (picture, picture, picture))
    parts = found.parts(Window(4, FRAMES, 1), control, [1, 2])
    assert parts[1].shape == (3 + LATENT_FRAMES, *LATENT_SIZE)
    assert parts[1][0].equal(found.parts(Window(0, FRAMES, 0), replace(control, references=()), [])[1][0])
    assert [float(parts[dancer][frame].mean()) for dancer, frame in ((1, 1), (2, 1), (1, 2), (2, 2))] == [0, 1, 1, 0]
    assert parts[1][3:].equal(found.parts(Window(4, FRAMES, 1), replace(control, references=()), [])[1])


def test_who_is_not_shown_is_not_drawn(world: Path, landmarks: Path) -> None:
    drawn = {}
    for who in ("nobody", "model"):
        given = inputs(world, landmarks, {1: "eileen", 2: who})
        found = driving_of(given, [], "dance_000", SETTINGS)
        assert found.anew == (who == "nobody")
        drawn[who] = found.poses(range(2, 5))
    assert drawn["nobody"].shape == (3, SIZE, SIZE, 3)
    left, right = HALVES
    assert np.array_equal(drawn["nobody"][:, :, left], drawn["model"][:, :, left])
    assert drawn["nobody"][:, :, left].max() > 100
    assert drawn["nobody"][:, :, right].max() == 0
    assert drawn["model"][:, :, right].max() > 100


def test_a_clip_that_was_asked_for_without_anybody_of_the_cast_is_refused(
    world: Path, landmarks: Path, solo: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "facedance")
    with pytest.raises(InputError, match="solo_000 has one dancer, and by the cast nobody there becomes somebody: name one"):
        run(world, tmp_path, [job("2~nora", solo)], inputs(world, landmarks, {2: "nora"}))
    run(world, tmp_path, [job("1~eileen_2~nora", solo)], inputs(world, landmarks, {1: "eileen", 2: "nora"}))
    assert caplog.messages == ["solo_000 has one dancer, and of the cast it lacks 2"]


def test_a_batch_leaves_out_clips_without_anybody_of_the_cast(
    world: Path, landmarks: Path, solo: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "facedance")
    asked = [job("2~nora", solo), job("2~nora")]
    assert with_somebody(asked, inputs(world, landmarks, {2: "nora"})) == asked[1:]
    assert caplog.messages == ["left out: solo_000 has one dancer, and by the cast nobody there becomes somebody"]


@pytest.fixture
def solo(world: Path) -> Iterator[str]:
    """A clip of one dancer."""
    links = [world / "latents/solo_000.safetensors", world / "controls/solo_000.mp4"]
    for link in links:
        link.symlink_to(link.with_stem("dance_000"))
    yield "solo_000"
    for link in links:
        link.unlink()


def test_a_table_without_numbers_is_of_one_dancer(tmp_path: Path) -> None:
    joints = joints_at(8, 3)
    path = write_landmarks(tmp_path / "a.parquet", {"dance_000": {7: joints}, "other_000": {7: joints + 1}}, numbered=False)
    found = read_dancers(path, "dance_000", 4)
    assert found.names == COCO
    assert [*found.joints] == [1]
    assert np.array_equal(found.joints[1][:3], joints, equal_nan=True)
    assert np.isnan(found.joints[1][3]).all()
