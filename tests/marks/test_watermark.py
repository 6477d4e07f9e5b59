"""The watermark: what it does to pictures, and that it is found where it is and nowhere else."""

import cv2
import numpy as np
import pytest

from facedance.marks.detect import FALSE_ALARMS, best_sign, fit, look, residual, spectrum
from facedance.marks.watermark import TILE, Watermark, waves
from facedance.video.opening import UnreadableVideo
from facedance.video.writing import write_video
from tests.marks.clips import clip, write_clip

KEYS = {"a": b"the key of a", "b": b"the key of b"}


def gray(frames):
    return (cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames)


def marked(seed, key=KEYS["a"], **shape):
    watermark = Watermark(key)
    return [watermark.mark(frame) for frame in clip(seed, **shape)]


def test_marks_a_frame_by_no_more_than_40_db_and_leaves_the_given_one():
    frames = list(clip(0))
    before = frames[0].copy()
    errors = [(after.astype(float) - frame) ** 2 for after, frame in zip(marked(0), frames, strict=True)]
    assert 10 * np.log10(255**2 / np.mean(errors)) >= 40
    assert np.array_equal(frames[0], before)


def test_lays_the_same_pattern_over_each_frame_of_any_shape():
    watermark = Watermark(KEYS["a"])
    flat = [np.full((height, width, 3), 100, np.uint8) for height, width in ((128, 128), (200, 300), (128, 128))]
    first, large, again = (watermark.mark(frame) for frame in flat)
    assert np.array_equal(first, again)
    assert np.array_equal(large[:128, :128], first)
    assert 0.5 < first.std() < 1.0  # nothing hides it there
    assert np.array_equal(large[TILE : TILE + 50, TILE : TILE + 100], first[:50, :100])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame[5:, 9:-3],
        lambda frame: frame[:, ::-1],
        lambda frame: cv2.resize(frame, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
        lambda frame: cv2.resize(frame, None, fx=1.6, fy=1.6),
        lambda frame: cv2.convertScaleAbs(frame, alpha=0.8, beta=30),
    ],
    ids=["as it was", "cropped", "mirrored", "smaller", "larger", "brighter"],
)
def test_is_found_after(change):
    sign = best_sign(residual(gray(change(frame) for frame in marked(1, height=160, width=192))), KEYS)
    assert sign.found
    assert sign.key == "a"


def test_tells_at_what_scale_it_is_found():
    smaller = (
        cv2.resize(frame, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA) for frame in marked(2, height=256, width=256)
    )
    assert best_sign(residual(gray(smaller)), KEYS).scale == pytest.approx(0.75, rel=0.01)


def test_is_not_found_where_there_is_none_or_that_of_another_key():
    for seed in range(3):
        assert not best_sign(residual(gray(clip(seed))), KEYS).found
    assert not best_sign(residual(gray(marked(4, b"somebody else's"))), KEYS).found


def test_chance_is_what_the_bound_says():
    """Over many keys, for a picture that knows nothing of them: like a normal variable, and never more than the bound."""
    ones = spectrum(residual(gray(clip(5))))
    z = np.array([fit(ones, f"key {n}".encode())[0, 0] for n in range(800)])
    assert abs(z.mean()) < 0.12
    assert z.std() == pytest.approx(1, abs=0.08)
    for limit in (1.0, 2.0, 3.0):
        assert (z > limit).mean() <= np.exp(-(limit**2) / 2)
    assert FALSE_ALARMS < 1e-4


def test_no_wave_of_the_pattern_is_another_one_s_mirror_image():
    assert not waves()[TILE // 2 :, 0].any()
    assert waves().sum() > 1000


def test_is_found_in_files(tmp_path):
    write_video(tmp_path / "marked.mp4", marked(6), 16)
    assert look(tmp_path / "marked.mp4", KEYS).log_chance < -20
    assert not look(write_clip(tmp_path / "plain.mp4", 6), KEYS).found
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises((UnreadableVideo, OSError)):
        look(tmp_path / "text.mp4", KEYS)
