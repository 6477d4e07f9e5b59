"""Several seeds for one render: which is kept, what is told of the others, and what makes them anew."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facedance.files import read_json, write_json
from facedance.names import CHOICE
from facedance.render import choosing
from facedance.render.inputs import JudgeFiles, RenderInputs, RenderJob
from facedance.render.windows import WindowFiles
from facedance.video.frames import read_frames
from facedance.video.opening import read_metadata
from tests.render import test_clips as single
from tests.render.test_clips import SETTINGS, run

world, long_dance = single.world, single.long_dance

DISTANCES = {0: 0.5, 1: 0.4, 2: 0.45}
SEVERAL = SETTINGS.varied("seeds~3")


class Scripted:
    """A jury that says of each seed what is written; of seed `stop` nothing, once."""

    decides = "dlib"
    stop: int | None = None
    distances: Mapping[int, float] = DISTANCES

    def __init__(self, inputs: RenderInputs, files: JudgeFiles) -> None:
        pass

    def look(self, job: RenderJob, video: Path) -> dict[str, float | None]:
        assert len(read_frames(video)) > 0
        if job.settings.seed == Scripted.stop:
            Scripted.stop = None
            raise KeyboardInterrupt
        return {
            "face_detected_rate": 1.0,
            "identity_distance": self.distances[job.settings.seed],
            "pose_pck": 0.9,
            "landmark_distance": 0.05,
        }


@pytest.fixture
def given(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RenderInputs:
    monkeypatch.setattr(choosing, "Jury", Scripted)
    monkeypatch.setattr(Scripted, "stop", None)
    write_json(tmp_path / "recogniser" / "manifest.json", {"files": {}})
    (tmp_path / "pose.task").write_bytes(b"pose")
    judges = JudgeFiles("dlib", tmp_path / "recogniser", tmp_path / "pose.task", {}, {})
    return replace(single.inputs(world, "eileen"), judges=judges)


def job(clip: str = "dance_000", variant: str = "default") -> RenderJob:
    return RenderJob("eileen", clip, variant, SEVERAL.varied(variant))


def test_the_best_is_kept_and_all_are_told_of(world: Path, given: RenderInputs, tmp_path: Path) -> None:
    alone = RenderJob("eileen", "dance_000", "seed~1", SETTINGS.varied("seed~1"))
    run(world, tmp_path, [job(), alone], given)
    video, record = tmp_path / f"{job().name}.mp4", read_json(tmp_path / f"{job().name}.json")
    assert (read_frames(video) == read_frames(tmp_path / f"{alone.name}.mp4")).all()
    assert record[CHOICE]["kept"] == 1
    assert record[CHOICE]["judge"] == "dlib"
    assert [(one["seed"], one["identity_distance"]) for one in record[CHOICE]["tried"]] == [*DISTANCES.items()]
    made = {key: value for key, value in record.items() if key != CHOICE}
    assert made == {**read_json(tmp_path / f"{alone.name}.json"), "variant": "default"}, "what made it is that of the seed alone"
    assert made == json.loads(read_metadata(video)["comment"])
    assert not (tmp_path / ".windows" / job().name).exists()


def test_a_killed_choice_goes_on_and_keeps_the_same(
    world: Path, given: RenderInputs, tmp_path: Path, long_dance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, made = job(long_dance), []
    monkeypatch.setattr(single.scene, "render_frames", counted(made, single.render_frames))
    run(world, tmp_path / "whole", [long], given)
    assert len(made) == 3 * 3
    monkeypatch.setattr(Scripted, "stop", 1)
    with pytest.raises(KeyboardInterrupt):
        run(world, tmp_path / "killed", [long], given)
    made.clear()
    run(world, tmp_path / "killed", [long], given)
    assert made == [], "the windows of those that were not judged are there"
    for suffix in ("mp4", "json"):
        name = f"{long.name}.{suffix}"
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_where_all_takes_are_judged_nothing_is_made(
    world: Path, given: RenderInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(choosing.Choice, "facts", dies)
        with pytest.raises(KeyboardInterrupt):
            run(world, tmp_path, [job()], given)
    monkeypatch.setattr(single.render, "load_pipeline", lambda *args: pytest.fail("the model was loaded"))
    run(world, tmp_path, [job()], given)
    assert read_json(tmp_path / f"{job().name}.json")[CHOICE]["kept"] == 1


def test_other_seeds_or_judges_make_it_anew_and_one_seed_asks_nobody(
    world: Path, given: RenderInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = RenderJob("eileen", "dance_000", "seeds~1", SEVERAL.varied("seeds~1"))
    run(world, tmp_path, [job(), one], given)
    assert CHOICE not in read_json(tmp_path / f"{one.name}.json")
    made: list[str] = []
    monkeypatch.setattr(single.render, "_rendered", lambda jobs, *args: made.extend(job.variant for job in jobs) or [])
    run(world, tmp_path, [job(), one], given)
    assert made == []
    assert given.judges is not None
    (tmp_path / "other.task").write_bytes(b"another")
    run(world, tmp_path, [job(), one], replace(given, judges=replace(given.judges, pose_model=tmp_path / "other.task")))
    assert made == ["default"] * 3
    made.clear()
    run(world, tmp_path, [RenderJob("eileen", "dance_000", "default", SETTINGS.varied("seeds~2"))], given)
    assert made == ["default"] * 2


def test_who_is_made_of_one_seed_is_kept_when_another_variant_is_chosen(
    world: Path, given: RenderInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = RenderJob("eileen", "dance_000", "default", SETTINGS)
    run(world, tmp_path, [alone], replace(given, judges=None))
    made: list[str] = []
    make = single.render._rendered
    monkeypatch.setattr(
        single.render, "_rendered", lambda jobs, *args: (made.extend(job.variant for job in jobs), make(jobs, *args))[1]
    )
    stamp = read_json(world / "stamp.json")
    write_json(world / "stamp.json", {**stamp, "params": {"backend": "dlib"}, "items": ["the choosing code"]})
    run(world, tmp_path, [alone, job(variant="seeds~2")], given)
    assert made == ["seeds~2"] * 2
    made.clear()
    write_json(world / "stamp.json", {**stamp, "code": "another"})
    run(world, tmp_path, [alone], given)
    write_json(world / "stamp.json", stamp)
    assert made == ["default"]


def test_without_any_face_the_first_is_kept(given: RenderInputs, tmp_path: Path) -> None:
    class Blind(Scripted):
        def look(self, job: RenderJob, video: Path) -> dict[str, float | None]:
            return {"face_detected_rate": 0.0, "identity_distance": None, "pose_pck": 0.9, "landmark_distance": None}

    files = WindowFiles(tmp_path / "files", "key")
    assert given.judges is not None
    choice = choosing.Choice(job().takes, files, Blind(given, given.judges))  # type: ignore[arg-type]
    for take in choice.takes:
        choice.video(take).parent.mkdir(parents=True, exist_ok=True)
        choice.video(take).write_bytes(b"video")
        assert take in choice.pending
        choice.judge(take)
    assert choice.pending == []
    assert choice.kept == choice.takes[0]


def counted(made: list[int], render_frames: Callable[..., Any]) -> Callable[..., Any]:
    def counting(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return render_frames(*args, **kwargs)

    return counting


def dies(self: object) -> dict[str, Any]:
    raise KeyboardInterrupt
