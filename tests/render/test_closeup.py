"""Heads that are made once more: with a model that is made up, and in renders."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from facedance.files import read_json
from facedance.render import finishing
from facedance.render.closeup import close_up
from facedance.render.head_view import View, softness
from facedance.render.inputs import RenderJob
from facedance.render.windows import Window, WindowFiles, windows_of
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.pipeline import ControlLatents
from facedance.wan.start import Start
from tests.render import test_cast as several
from tests.render import test_clips as single
from tests.render.test_clips import FRAMES, SETTINGS, SIZE, run
from tests.render.test_head_view import AT, SIDE, dancers, picture, views

world, landmarks = single.world, several.landmarks


class Means:
    """An encoder whose latents (1, T, 1, 1) are means of frames."""

    def video(self, frames: Frames) -> Tensor:
        return torch.from_numpy(frames.mean((1, 2, 3))).float()[None, :, None, None]

    def masked(self, pictures: Frames, mask: np.ndarray) -> Tensor:
        given, made = (self.video(pictures * part[..., None]) for part in (~mask, mask))
        return torch.cat([given, made, torch.from_numpy(mask.mean((1, 2))).float()[None, :, None, None]])


class Model:
    """Makes each window of other noise, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[ControlLatents, Window, Start]] = []

    def __call__(self, control: ControlLatents, window: Window, start: Start) -> Frames:
        self.asked.append((control, window, start))
        return np.random.default_rng(window.start).integers(0, 256, (window.frames, SIDE, SIDE, 3), dtype=np.uint8)


def closer(view: View, frames: Frames, windows: list[Window], folder: Path, model: Model) -> Any:
    files = WindowFiles(folder / "render", "key").of_head(1)
    settings = SETTINGS.model_copy(update={"close_up": 0.6, "anchor": True})
    reference = (torch.zeros(1, 1, 1, 1),)

    def shown(at: range) -> Frames:
        return frames[at.start : at.stop]

    return close_up(view, shown, windows, files, Means(), reference, settings, model)  # type: ignore[arg-type]


def test_the_head_alone_is_made_anew_from_the_render_and_the_pose(tmp_path: Path) -> None:
    view, frames, model = views(40)[1], picture(), Model()
    shown = closer(view, frames, [Window(0, 5, 0)], tmp_path, model)
    whole = shown(range(5))
    inside = np.stack([softness(region, *frames.shape[2:0:-1]) > 0 for region in view.path.regions])
    changed = (whole != frames).any(-1)
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.8
    assert np.array_equal(shown(AT), whole[1:4])
    ((control, window, start),) = model.asked
    assert (start.level, window.given, len(control.references)) == (0.6, 0, 1)
    large, mask = view.enlarged(frames, range(5)), view.made_anew(range(5))
    assert start.latents.flatten().tolist() == pytest.approx(large.mean((1, 2, 3)), abs=1e-3)
    poses = np.where(mask[..., None], view.poses(range(5)), 0)
    assert control.control[1].flatten().tolist() == pytest.approx(poses.mean((1, 2, 3)), abs=1e-3)


def test_a_long_one_goes_on_from_what_was_made_before_and_after_a_kill(tmp_path: Path) -> None:
    long = dancers(40)
    long.joints[1] = np.repeat(long.joints[1][:1], 13, axis=0)  # type: ignore[index]
    view = views(40)[1]
    path = replace(view.path, windows=view.path.windows[[0] * 13], regions=view.path.regions[[0] * 13])
    view = replace(view, path=path, driving=replace(view.driving, dancers=long))
    frames, windows, model = np.repeat(picture()[:1], 13, axis=0), windows_of(13, 9, 1, 4), Model()
    assert [(window.start, window.given, window.faded) for window in windows] == [(0, 0, 0), (4, 1, 4)]
    whole = closer(view, frames, windows, tmp_path, model)(range(13))
    (first, *_), (second, _, start) = model.asked
    assert len(second.references) == len(first.references) == 1  # no anchor
    assert second.control[2, 0].item() == 0 < second.control[2, 1].item()
    assert start.latents[0, 0] == second.control[0, 0]  # begins as the window before has it
    assert start.latents[0, 1].item() == pytest.approx(view.enlarged(frames[:1], range(1)).mean(), abs=1e-3)
    again = Model()
    assert np.array_equal(closer(view, frames, windows, tmp_path, again)(range(13)), whole)
    assert again.asked == []


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, Frames]:
    """The frames of renders before they are encoded, by the videos' names."""
    kept: dict[str, Frames] = {}

    def write(path: Path, frames: Iterator[Any], *args: Any, **kwargs: Any) -> None:
        kept[f"{path.parts[-3]}/{path.stem}"] = np.stack([*frames])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")

    monkeypatch.setattr(finishing, "write_finished", write)
    return kept


def jobs(who: str) -> list[RenderJob]:
    return [RenderJob(who, "dance_000", variant, SETTINGS.varied(variant)) for variant in ("default", "close_up~0.6")]


@pytest.mark.parametrize(
    ("who", "cast", "there"), [("eileen", None, (1, 2)), ("1~eileen_2~model", {1: "eileen", 2: "model"}, (1,))]
)
def test_in_a_render_the_heads_of_those_who_are_somebody_change_and_nothing_else(
    world: Path,
    landmarks: Path,
    tmp_path: Path,
    written: dict[str, Frames],
    who: str,
    cast: dict[int, str] | None,
    there: tuple[int, ...],
) -> None:
    given = several.inputs(world, landmarks, cast) if cast else replace(single.inputs(world, who), landmarks=landmarks)
    run(world, tmp_path, jobs(who), given)
    default, closer = (written[f"{who}/{job.variant}"].astype(int) for job in jobs(who))
    assert default.shape == closer.shape == (FRAMES, SIZE, SIZE, 3)
    changed = np.abs(closer - default).max((0, 3))
    heads = {number: np.zeros((SIZE, SIZE), bool) for number in several.PLACES}
    for number, x in several.PLACES.items():
        heads[number][2:11, int(x) - 4 : int(x) + 4] = True
    for number, head in heads.items():
        assert (changed[head].max() > 0) == (number in there)
    assert changed[~np.logical_or.reduce([*heads.values()])].max() == 0
    records = [read_json(tmp_path / f"{job.name}.json") for job in jobs(who)]
    assert [record["settings"]["close_up"] for record in records] == [0, 0.6]
    assert ["landmarks_sha256" in record for record in records] == [cast is not None, True]
    assert not [*(tmp_path / ".windows").rglob("*.safetensors")]


def test_an_enlarged_render_is_the_same_but_for_the_heads_that_were_made_larger(
    world: Path, landmarks: Path, tmp_path: Path, written: dict[str, Frames]
) -> None:
    variants = ("default", "enlarge~2", "close_up~0.6_enlarge~2")
    asked = [RenderJob("eileen", "dance_000", variant, SETTINGS.varied(variant)) for variant in variants]
    run(world, tmp_path, asked, replace(single.inputs(world, "eileen"), landmarks=landmarks))
    plain, larger, closer = (written[f"eileen/{variant}"] for variant in variants)
    assert np.array_equal(larger, resized(plain, (2 * SIZE, 2 * SIZE)))
    changed = np.abs(closer.astype(int) - larger).max((0, 3))
    head = np.zeros((2 * SIZE, 2 * SIZE), bool)
    for x in several.PLACES.values():
        head[4:22, 2 * int(x) - 8 : 2 * int(x) + 8] = True
    assert changed[head].max() > 0
    assert changed[~head].max() == 0


def test_where_nobody_knows_the_dancers_and_where_it_is_off_a_render_is_as_before(
    world: Path, landmarks: Path, tmp_path: Path, written: dict[str, Frames], caplog: pytest.LogCaptureFixture
) -> None:
    run(world, tmp_path / "without", jobs("eileen"), single.inputs(world, "eileen"))
    assert "nobody knows where its dancers are" in caplog.text
    default, closer = (written.pop(f"eileen/{job.variant}") for job in jobs("eileen"))
    assert np.array_equal(default, closer)
    run(world, tmp_path / "with", jobs("eileen")[:1], replace(single.inputs(world, "eileen"), landmarks=landmarks))
    assert np.array_equal(written["eileen/default"], default)
    off = [read_json(tmp_path / folder / "eileen/dance_000/default.json") for folder in ("without", "with")]
    assert off[0] == off[1]
