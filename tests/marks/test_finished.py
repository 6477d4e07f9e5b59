"""Finished videos: their marks, in the same bytes each time."""

import json
from dataclasses import replace

import c2pa
import numpy as np
import pytest

from facedance.config.marks import Label, Marks
from facedance.marks import keys
from facedance.marks.credentials import Claim
from facedance.marks.finished import marked, marking, write_finished
from facedance.marks.reading import DamagedCredentials, has_credentials, read_credentials
from facedance.video.frames import read_frames
from facedance.video.opening import read_metadata
from tests.marks.clips import clip, write_clip

CLAIM = Claim(model="tiny", inputs={"adapter of person 1": "ab" * 32}, record="cd" * 32, people=1, watermark=True)
BOTH = Marks(credentials=True, watermark=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(keys.KEYS, str(tmp_path / "keys"))


def write(path, seed=0, claim=CLAIM, marks=BOTH):
    write_finished(path, clip(seed, 5), 16, marking(marks), claim, metadata={"title": "a title"})
    return path


def test_is_signed_and_can_be_played(tmp_path):
    path = write(tmp_path / "a.mp4")
    said = read_credentials(path)
    assert said is not None
    assert (said.made_by_ai, said.failures, said.self_made, said.own) == (True, (), True, True)
    assert said.program.startswith("facedance ")
    assert said.agent == "facedance, tiny"
    assert said.render["inputs"] == [{"what": "adapter of person 1", "alg": "sha256", "hash": "ab" * 32}]
    assert said.render["consent"] is True
    assert read_frames(path).shape == (5, 128, 128, 3)
    assert read_metadata(path)["title"] == "a title"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["a.mp4"]


def test_two_runs_give_the_same_bytes_and_another_video_another_name(tmp_path):
    first, second, other = (write(tmp_path / f"{n}.mp4", seed) for n, seed in enumerate((0, 0, 1)))
    assert first.read_bytes() == second.read_bytes()
    names = [c2pa.Reader(str(path)).get_active_manifest()["label"] for path in (first, other)]
    assert names[0] != names[1]


def test_c2pa_s_own_reader_takes_it_for_valid(tmp_path):
    said = json.loads(c2pa.Reader(str(write(tmp_path / "a.mp4"))).json())
    assert said["validation_state"] == "Valid"
    assert [status["code"] for status in said["validation_status"]] == ["signingCredential.untrusted"]


def test_a_changed_byte_is_noticed_wherever_it_is_in_the_stream(tmp_path):
    path = write(tmp_path / "a.mp4")
    whole = path.read_bytes()
    stream = whole.rindex(b"mdat") + 4
    for at in np.linspace(stream, len(whole) - 1, 9).astype(int).tolist():
        content = bytearray(whole)
        content[at] ^= 1
        path.write_bytes(content)
        said = read_credentials(path)
        assert said is not None
        assert said.changed, at


def test_damaged_metadata_is_told(tmp_path):
    path = write(tmp_path / "a.mp4")
    content = path.read_bytes()
    at = content.index(b"c2pa.assertions") - 40
    path.write_bytes(content[:at] + b"\xff" * 30 + content[at + 30 :])
    with pytest.raises(DamagedCredentials):
        read_credentials(path)
    assert not has_credentials(path)


def test_marks_of_an_input_stay_and_the_bytes_are_still_the_same(tmp_path):
    source = write(tmp_path / "source.mp4", 1).rename(tmp_path / "source.3gp")  # as some phones call what is an mp4
    claim = replace(CLAIM, marked=(source,))
    first, second = write(tmp_path / "1.mp4", claim=claim), write(tmp_path / "2.mp4", claim=claim)
    assert first.read_bytes() == second.read_bytes()
    said = read_credentials(first)
    assert said is not None
    assert (said.inputs, said.failures) == (("driving video",), ())
    manifests = json.loads(c2pa.Reader(str(first)).json())["manifests"]
    with open(source, "rb") as file:
        assert c2pa.Reader("mp4", file).get_active_manifest()["label"] in manifests


def test_without_marks_there_are_none(tmp_path):
    write_finished(tmp_path / "a.mp4", clip(0, 5), 16, marking(Marks(credentials=False, watermark=False)), CLAIM)
    assert (tmp_path / "a.mp4").read_bytes() == write_clip(tmp_path / "b.mp4", 0, 5).read_bytes()
    assert not (tmp_path / "keys").exists()


def test_the_facts_hold_no_secret(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "watermark.key").write_text("0123456789abcdef")
    facts = marking(BOTH).facts
    assert facts["credentials"] is True
    assert "0123456789abcdef" not in json.dumps(facts)
    (tmp_path / "keys" / "watermark.key").write_text("another key of 16")
    assert marking(BOTH).facts["watermark"] != facts["watermark"]


@pytest.mark.parametrize(
    ("place", "rows", "columns"), [("top right", slice(0, 64), slice(64, 128)), ("bottom left", slice(64, 128), slice(0, 64))]
)
def test_a_label_stands_in_its_corner_for_its_time(place, rows, columns):
    gray = [np.full((128, 128, 3), 100, np.uint8)] * 6
    how = marking(Marks(credentials=False, watermark=False, label=Label(place=place, seconds=0.25)))
    shown = list(marked(gray, 16, how))
    changed = [np.any(frame != 100, axis=-1) for frame in shown]
    assert [bool(part.any()) for part in changed] == [True] * 4 + [False] * 2
    assert changed[0].sum() == changed[0][rows, columns].sum()
    assert shown[0].max() > 180
    assert shown[0].min() < 50


def test_frames_are_asked_for_one_at_a_time():
    asked = []

    def frames():
        for number, frame in enumerate(clip(0, 6)):
            asked.append(number)
            yield frame

    shown = marked(frames(), 16, marking(Marks(credentials=False, watermark=True, label=Label())))
    next(shown)
    assert asked == [0]
