"""Whole dances, from made-up people and from bar-coded videos."""

import numpy as np
import pytest

from facedance.clips import cut
from facedance.clips.crop import crop_and_resize
from facedance.clips.cut import cut_video
from facedance.clips.dances import find_dances
from facedance.clips.search import Search
from facedance.clips.timing import Stretch, whole
from facedance.config.parts import Part
from facedance.poses.view import view_file
from facedance.video.frames import read_frames
from facedance.video.sound import read_sound
from tests.clips.test_cut import CENTER, WAN, nobody, one, standing
from tests.clips.test_search import TIMES, Stage, spans
from tests.clips.videos import beeps, code_of, codes_of, make_video, onset

WHOLE = CENTER.model_copy(update={"whole": True})


def found(*dancers, most=9, scenes=None, frames=33):
    wan = WAN.model_copy(update={"frames": frames})
    return find_dances(Search(scenes or [whole(TIMES)], TIMES, wan, most, Stage(*dancers).look))


@pytest.mark.parametrize(
    ("dancers", "expected"),
    [
        ([(0, 10)], [(0.0, 157)]),  # 10 s at 16 fps have 160 frames
        ([(2.1, 10)], [(2.25, 121)]),
        ([(0, 6.1)], [(0.0, 97)]),  # seen last at 6 s
        ([(0, 4.1), (4.7, 10)], [(0.0, 157)]),  # out of view at two looks
        ([(0, 4.1), (4.8, 10)], [(0.0, 65), (5.0, 77)]),  # and at three
        ([(0, 10), (4.1, 4.6)], [(0.0, 157)]),  # somebody passes through
        ([(0, 10), (4.1, 5.9)], [(0.0, 65), (6.0, 61)]),  # and stays for a while
        ([(0, 1.5), (3, 10)], [(3.0, 109)]),  # the first is shorter than a clip
        ([(0, 1.3), (3, 4.6)], [(3.0, 25)]),  # all are: the longest
    ],
)
def test_a_stretch_with_one_dancer_is_a_clip_however_long(dancers, expected):
    assert spans(found(*dancers)) == [(start, frames, "") for start, frames in expected]


def test_the_first_stretches_are_taken_in_their_order():
    dancers = [(0, 2.6), (4, 10)]
    assert spans(found(*dancers, most=1)) == [(0.0, 41, "")]
    assert spans(found(*dancers)) == [(0.0, 41, ""), (4.0, 93, "")]
    assert spans(found(*dancers, frames=81)) == [(4.0, 93, "")]


def test_scenes_are_not_joined():
    scenes = [Stretch(0, 3.0), Stretch(3.0, 10)]
    assert spans(found((0, 10), scenes=scenes)) == [(0.0, 49, ""), (3.0, 113, "")]
    assert found((0, 10), scenes=[Stretch(0, 0.5)]) == []


def test_the_dancer_is_looked_for_all_the_time():
    boxes = found((0, 10))[0].boxes
    assert boxes.shape == (40, 4)


def test_what_cannot_be_used_is_told_of_the_longest_scene():
    scenes = [Stretch(0, 2.0), Stretch(2.0, 10)]
    assert spans(found(scenes=scenes)) == [(2.0, 129, "shows nobody in 32 sampled frames")]
    several = "shows several people of similar size in 40 of 40 sampled frames"
    assert spans(found((0, 10), (0, 10))) == [(0.0, 157, several)]
    assert spans(found((0, 0.8), (4, 4.8))) == [(0.0, 157, "")]  # following them will tell


@pytest.mark.parametrize(("seconds", "frames"), [(1.1, 17), (2.5, 37), (7.0, 109)])
def test_a_clip_has_as_many_frames_as_the_dance(tmp_path, seconds, frames):
    video = make_video(tmp_path / "v.mp4", np.arange(round(seconds * 30)) / 30, sound=beeps(seconds, [seconds - 0.6]))
    (row,) = cut_video("v", video, tmp_path / "out", WHOLE, WAN, one)
    assert (row["clip"], row["start_s"], row["frames"], row["note"]) == ("v_000", 0.0, frames, "")
    codes = codes_of(read_frames(tmp_path / "out" / "v_000.mp4"))
    assert len(codes) == frames
    assert np.abs(np.array(codes) / 30 - np.arange(frames) / 16).max() <= 1 / 60 + 2e-3
    assert onset(read_sound(tmp_path / "out" / "v_000.mp4", 0, frames / 16).samples) == pytest.approx(seconds - 0.6, abs=0.005)


def test_a_dancer_who_comes_and_leaves_bounds_the_clip(tmp_path):
    video = make_video(tmp_path / "v.mp4", np.arange(240) / 30)
    (row,) = cut_video("v", video, tmp_path, WHOLE, WAN, lambda f: one(f) if 50 <= code_of(f) < 200 else nobody(f))
    assert (row["start_s"], row["frames"]) == (1.75, 77)


def test_a_part_bounds_the_clip(tmp_path):
    video = make_video(tmp_path / "v.mp4", np.arange(240) / 30)
    params = WHOLE.model_copy(update={"stretches": {"v": Part(start=1.0, end=5.0)}})
    looked = []
    (row,) = cut_video("v", video, tmp_path, params, WAN, lambda f: looked.append(code_of(f)) or one(f))
    assert (row["start_s"], row["frames"]) == (1.0, 65)
    assert (min(looked), max(looked)) == (30, 142)


def test_no_picture_of_a_long_clip_waits_for_another(tmp_path, monkeypatch):
    """Each is written, and its larger copy too, before the next is made."""
    held, most = [], []

    def crop(*args):
        made = crop_and_resize(*args)
        held.append(made.nbytes)
        most.append(len(held))
        return made

    class Copy:
        def __enter__(self):
            return lambda _picture: held.pop()

        def __exit__(self, *_):
            pass

    def write(_path, pictures, *_args, **_kwargs):
        for _picture in pictures:
            held.pop()
        return ""

    monkeypatch.setattr(cut, "crop_and_resize", crop)
    monkeypatch.setattr(cut, "silent_video", lambda *_args, **_kwargs: Copy())
    monkeypatch.setattr(cut, "write_video", write)
    video = make_video(tmp_path / "v.mp4", np.arange(300) / 30, size=(480, 200))
    cut_video("v", video, tmp_path / "out", WHOLE, WAN, lambda _f: np.stack([standing(80, 10, 180)]))
    assert max(most) == 1
    assert len(most) == 2 * 157


def test_the_larger_copy_of_a_clip_has_its_frames(tmp_path):
    video = make_video(tmp_path / "v.mp4", np.arange(90) / 30, size=(480, 192))
    cut_video("v", video, tmp_path, WHOLE, WAN, one)
    clip = tmp_path / "v_000.mp4"
    view = read_frames(view_file(clip))
    assert view.shape == (45, 192, 480, 3)
    assert codes_of(view) == codes_of(read_frames(clip))
