"""A render is looked at frame by frame, and nothing is seen otherwise than with all frames at once."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate import observe, sight
from facedance.evaluate.temporal import warping_error
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, Image
from facedance.files import write_json
from facedance.video.frames import Footage, read_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.writing import write_video

FRAMES, SIDE, FPS = 29, 64, 16
WAN = WanModel(
    repo=None, revision=None, sizes=((SIDE, SIDE),), frames=17, fps=FPS, clip_scale=2, drawing_side=256, dtype="float32",
)  # fmt: skip


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A patch that moves over a pattern, longer than the model's own frames."""
    pattern = np.random.default_rng(0).integers(60, 200, (16, 16, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    frames = np.stack([pattern] * FRAMES)
    for t in range(FRAMES):
        frames[t, 10:40, t // 2 : t // 2 + 16] = (20 + 8 * t, 30, 40)
    write_video(tmp_path / "render.mp4", frames, FPS)
    return tmp_path / "render.mp4"


class Means:
    """A recogniser whose face is the mean colour of a frame."""

    name, dimension = "means", 3
    outlier_distance, recognised_distance = 0.55, 0.6

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        return [Face(np.zeros(4, np.float32), 1.0, np.zeros((5, 2), np.float32))]

    def embed(self, image: Image, face: Face) -> Embedding:
        return Embedding.of(image.reshape(-1, 3).mean(axis=0) / 255)

    def align(self, image: Image, face: Face, size: int) -> Image:
        raise NotImplementedError


class Writes:
    """A landmarker that writes down what it is shown, and calls that a person."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, int]] = []

    def detect(self, frame: Image, timestamp_ms: int) -> NDArray[np.float32]:
        self.shown.append((float(frame.mean()), timestamp_ms))
        return np.full((1, 33, 4), len(self.shown), np.float32)


@pytest.fixture
def landmarker(monkeypatch: pytest.MonkeyPatch) -> Writes:
    opened = Writes()

    @contextlib.contextmanager
    def open_landmarker(model: Path, mode: str, detection_confidence: float) -> Iterator[Writes]:
        yield opened

    monkeypatch.setattr(sight, "open_landmarker", open_landmarker)
    return opened


@pytest.mark.parametrize("scale", [1, 2])
def test_frames_one_by_one_are_those_of_all_at_once(video: Path, scale: int) -> None:
    frames = np.stack(list(Footage(video, scale)))
    assert frames.shape == (FRAMES, scale * SIDE, scale * SIDE, 3)
    np.testing.assert_array_equal(frames, read_frames(video, width=scale * SIDE, height=scale * SIDE))


@pytest.mark.parametrize(("enlarge", "clip_scale"), [(1, 2), (2, 2), (2, 1), (4, 2)])
def test_a_render_is_looked_at_in_the_size_of_its_clip_however_large_it_was_made(
    video: Path, enlarge: int, clip_scale: int
) -> None:
    write_json(video.with_suffix(".json"), {"settings": {"enlarge": enlarge}})
    footage = observe.footage_of(video, WAN.model_copy(update={"clip_scale": clip_scale}))
    side = SIDE * clip_scale // enlarge
    assert footage[3].shape == next(iter(footage)).shape == (side, side, 3)


def test_what_is_no_video_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableVideo, match="cannot be decoded"):
        Footage(tmp_path / "a.mp4")


def test_one_pass_sees_what_whole_arrays_show(video: Path, landmarker: Writes) -> None:
    seen = observe.observe(video, Means(), Path("pose.task"), Evaluate(every=4), WAN)
    frames = read_frames(video, width=2 * SIDE, height=2 * SIDE)
    assert seen.scored.tolist() == list(range(0, FRAMES, 4))
    assert seen.faces.tolist() == [Means().embed(frame, None).raw.tolist() for frame in frames[::4]]  # type: ignore[arg-type]
    assert seen.flicker.tolist() == [warping_error(frames)]
    differences = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(seen.changes, [np.nan, *differences])
    order = [*range(sight.LEAD_IN, 0, -1), *range(FRAMES)]
    assert landmarker.shown == [(frames[t].mean(), round(1000 * i / FPS)) for i, t in enumerate(order)]
    assert seen.people[:, 0, 0].tolist() == list(range(sight.LEAD_IN + 1, sight.LEAD_IN + FRAMES + 1))
    assert seen.background.shape == seen.clothes.shape == (FRAMES, 3)


def test_render_of_fewer_frames_than_the_lead_in(video: Path, landmarker: Writes, tmp_path: Path) -> None:
    write_video(tmp_path / "short.mp4", read_frames(video)[:5], FPS)
    seen = observe.observe(tmp_path / "short.mp4", Means(), Path("pose.task"), Evaluate(every=4), WAN)
    assert len(seen.people) == len(seen.changes) == 5
    assert len(landmarker.shown) == 9


def test_kept_observation_is_the_same(video: Path, landmarker: Writes, tmp_path: Path) -> None:
    seen = observe.observe(video, Means(), Path("pose.task"), Evaluate(every=4), WAN)
    observe.save(tmp_path / "seen.safetensors", seen)
    for name, value in vars(observe.load(tmp_path / "seen.safetensors", observe.Observation)).items():
        np.testing.assert_array_equal(value, getattr(seen, name))
