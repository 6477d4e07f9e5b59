"""Reading and writing videos."""

import contextlib
import struct
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from facedance.video.decoding import shown_frames
from facedance.video.frames import Footage, read_frames, stream_frames
from facedance.video.opening import UnreadableVideo, read_metadata
from facedance.video.pictures import Upright
from facedance.video.sound import AUDIO_RATE, read_sound
from facedance.video.times import inspect
from facedance.video.writing import write_video
from tests.clips.videos import B_FRAMES, HEIGHT, WIDTH, beeps, coded, codes_of, make_video, onset

STEADY = np.arange(150) / 60
SHAKY = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, 150))
VIDEOS = {
    "b-frames.mp4": {},
    "one-long-gop.mp4": {"codec_options": {"preset": "ultrafast", "bf": "3", "g": "1000"}},
    "open-gop.mp4": {"codec_options": B_FRAMES | {"x264-params": "open-gop=1"}},
    "ten-bit-hevc.mp4": {
        "codec": "libx265",
        "codec_options": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:keyint=24"},
        "pixels": "yuv420p10le",
    },
    "late.mov": {"delay": 0.7},
    "variable.mp4": {"times": SHAKY},
    "variable.mkv": {"times": SHAKY},
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "codec_options": {"cpu-used": "8", "deadline": "realtime"},
        "tick": Fraction(1, 1000),
    },
    "mpeg4.avi": {"codec": "mpeg4", "codec_options": {"bf": "2", "q": "3"}, "tick": Fraction(1, 60)},
    "broadcast.ts": {"delay": 0.7},
    "odd-size.mp4": {"size": (161, 63), "pixels": "yuv444p"},
}


def stream_all(path):
    info = inspect(path)
    if info.damage:
        with pytest.raises(UnreadableVideo, match=info.damage):
            list(stream_frames(path, range(len(info.timestamps) + 1)))
        raise UnreadableVideo(info.damage)
    return np.stack(list(stream_frames(path, range(len(info.timestamps)))))


@pytest.mark.parametrize("name", VIDEOS)
def test_frames_and_times_are_the_ones_in_the_file(tmp_path, name, capfd):
    settings = {"times": STEADY} | VIDEOS[name]
    path = make_video(tmp_path / name, **settings)
    times = np.asarray(settings["times"])

    info = inspect(path)
    assert (info.width, info.height) == settings.get("size", (WIDTH, HEIGHT))
    np.testing.assert_allclose(info.timestamps, times - times[0], atol=1e-3)
    assert info.seconds == pytest.approx((times[-1] - times[0]) * 150 / 149, abs=2e-3)
    assert info.fps == pytest.approx(149 / (times[-1] - times[0]), rel=1e-3)
    everything = stream_all(path)
    assert codes_of(everything) == list(range(150))
    wanted = np.sort(np.random.default_rng(1).integers(0, 150, 25)).tolist()
    assert np.array_equal(np.stack(list(stream_frames(path, wanted))), everything[wanted])
    assert capfd.readouterr().err == ""


def test_frames_are_found_at_random_in_what_was_written(tmp_path):
    path = tmp_path / "v.mp4"
    write_video(path, map(coded, range(300)), 16)
    everything = read_frames(path)
    assert np.array_equal(everything, stream_all(path))
    wanted = np.random.default_rng(1).integers(0, 300, 25).tolist()
    assert np.array_equal(read_frames(path, wanted), everything[wanted])
    footage = Footage(path)
    assert len(footage) == 300
    assert all(np.array_equal(footage[i], everything[i]) for i in [0, 7, 8, 250, 299, 4])
    assert all(np.array_equal(a, b) for a, b in zip(footage, everything, strict=True))
    small = read_frames(path, [170, 3], width=80, height=32)
    assert small.shape == (2, 32, 80, 3)
    assert codes_of(small) == [170, 3]


def test_what_cannot_be_read_at_random_is_told(tmp_path):
    path = tmp_path / "v.mp4"
    write_video(path, map(coded, range(20)), 16)
    with pytest.raises(UnreadableVideo, match="cannot be decoded"):
        read_frames(path, [20])
    with pytest.raises(IndexError):
        Footage(path)[20]
    _cut_off(path)
    with pytest.raises(UnreadableVideo, match="cannot be decoded"):
        read_frames(path)
    with pytest.raises(UnreadableVideo, match="cannot be decoded"):
        Footage(path)


def test_names_and_tags_do_no_harm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "http: 'x' $(touch y) %03d ü.mp4"
    write_video(tmp_path / "v.mp4", map(coded, range(5)), 16, metadata={"title": "caf____"})
    Path(name).write_bytes((tmp_path / "v.mp4").read_bytes().replace(b"caf____", b"caf\xe9\xff\xfe "))
    assert codes_of(stream_frames(name, range(len(inspect(name).timestamps)))) == list(range(5))
    assert read_metadata(name)["title"].startswith("caf")
    assert read_sound(name, 0, 1).samples is None


def test_streaming_repeats_frames_and_refuses_to_go_back(tmp_path):
    path = make_video(tmp_path / "v.mp4", STEADY[:20])
    assert codes_of(stream_frames(path, [2, 2, 9])) == [2, 2, 9]
    with pytest.raises(ValueError, match="frame 4 is asked for after frame 9"):
        list(stream_frames(path, [9, 4]))


def test_a_trimmed_video_begins_where_its_edit_list_says(tmp_path):
    """Phones trim by an edit list: the packets before the cut are there, for decoding only."""
    whole = make_video(tmp_path / "whole.mp4", STEADY)
    trimmed = tmp_path / "trimmed.mp4"
    options = {"avoid_negative_ts": "disabled"}
    with av.open(str(whole)) as source, av.open(str(trimmed), "w", options=options) as target:
        old = source.streams.video[0]
        new = target.add_stream_from_template(old)
        cut = int(Fraction(50, 60) / old.time_base)
        for packet in source.demux(old):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - cut, packet.dts - cut, new
                target.mux(packet)
    np.testing.assert_allclose(inspect(trimmed).timestamps, STEADY[:100], atol=1e-3)
    assert codes_of(stream_all(trimmed)) == list(range(50, 150))


@pytest.mark.parametrize(
    ("matrix", "quarters"), [((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)], ids=["90", "180", "270"]
)
def test_a_rotated_phone_video_comes_upright(tmp_path, matrix, quarters):
    path = make_video(tmp_path / "v.mp4", STEADY[:10])
    lying = stream_all(path)
    content = bytearray(path.read_bytes())
    a, b, c, d = (value * 65536 for value in matrix)
    start = content.find(b"tkhd") + 4 + 40  # the display matrix in the track header, ISO 14496-12
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(content)

    upright = np.rot90(lying, quarters, axes=(1, 2))  # by quarters of a turn to the left
    assert np.array_equal(stream_all(path), upright)
    assert (inspect(path).height, inspect(path).width) == upright.shape[1:3]


@pytest.mark.parametrize(("told", "turned"), [(1, 0), (3, 180), (6, 270), (8, 90)])
def test_a_photo_s_exif_turns_it_and_is_no_obstacle(tmp_path, told, turned):
    """PyAV gives nothing that lies beside a frame with EXIF, but for how far it is turned."""
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:24, :32] = 250
    exif = Image.Exif()
    exif[274] = told
    Image.fromarray(stored).save(tmp_path / "photo.jpg", exif=exif)
    upright = Image.fromarray(stored).rotate(turned, expand=True)  # to the left
    [shown] = shown_frames(tmp_path / "photo.jpg")
    picture = Upright(tmp_path / "photo.jpg").rgb(shown.picture)
    np.testing.assert_allclose(picture, upright, atol=30)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])


def _scratch(path: Path) -> None:
    content = bytearray(path.read_bytes())
    start = content.find(b"mdat") + 2000
    content[start : start + 2000] = bytes(2000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("index-first.mp4", _cut_off, "damaged or cut off"),
        ("index-last.mp4", _cut_off, "cannot be opened"),
        ("v.mkv", _cut_off, r"cut off: it ends after 1\.\d of 2\.5 seconds"),
        ("v.avi", _cut_off, "damaged or cut off"),
        ("v.mp4", _scratch, r"cannot be decoded after its first \d+ frames$"),
        ("v.mp4", lambda path: path.write_bytes(b""), "empty file"),
        ("v.mp4", lambda path: path.write_text("no video " * 100), "cannot be opened"),
    ],
)
def test_an_unusable_file_is_told_with_the_reason(tmp_path, name, spoil, message, capfd):
    options = {"movflags": "faststart"} if name.startswith("index-first") else None
    settings = VIDEOS["mpeg4.avi"] if name.endswith("avi") else {}
    path = make_video(tmp_path / name, STEADY, options=options, **settings)
    spoil(path)
    reasons = set()
    for _ in range(2):
        with pytest.raises(UnreadableVideo, match=message) as caught:
            stream_all(path)
        reasons.add(str(caught.value))
    assert len(reasons) == 1  # it goes into tables, which must be the same on every run
    assert capfd.readouterr().err == ""


def test_pictures_that_were_painted_over_are_not_taken(tmp_path):
    """FFmpeg conceals small damage and only marks the picture."""
    path = make_video(tmp_path / "v.mp4", STEADY)
    whole = path.read_bytes()
    concealed = 0
    for offset in range(whole.find(b"mdat") + 1500, whole.find(b"mdat") + 2500, 50):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :])
        with av.open(str(path)) as container, contextlib.suppress(av.FFmpegError):
            if any(frame.is_corrupt for frame in container.decode(video=0)):
                concealed += 1
                with pytest.raises(UnreadableVideo, match="cannot be decoded after its first"):
                    stream_all(path)
    assert concealed > 0


def test_a_sound_file_has_no_pictures(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=AUDIO_RATE)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(UnreadableVideo, match="no pictures"):
        inspect(path)


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "out.mp4"
    colours = np.array([[255, 0, 0], [0, 160, 0], [20, 40, 250], [230, 180, 150]], np.uint8)
    picture = np.broadcast_to(colours.repeat(40, axis=0)[None], (HEIGHT, WIDTH, 3))
    write_video(path, [picture] * 33, 16, metadata={"made_by": "a test", "title": "ü"})
    info = inspect(path)
    assert (info.width, info.height, info.has_audio) == (WIDTH, HEIGHT, False)
    np.testing.assert_allclose(info.timestamps, np.arange(33) / 16, atol=1e-6)
    assert np.abs(read_frames(path)[:, 32, 20::40].astype(int) - colours).max() <= 6
    assert read_metadata(path)["made_by"] == "a test"
    assert read_metadata(path)["title"] == "ü"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.codec_context.colorspace == 1  # BT.709, said in the file


def test_equal_frames_give_equal_bytes(tmp_path):
    """On a heap full of rubbish: with its macroblock tree, x264 reads memory that it has not set."""
    random = np.random.default_rng(0)
    source = make_video(tmp_path / "sound.mp4", STEADY, sound=beeps(2.5, [1.0]))
    pictures = [random.integers(0, 256, (8, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(17)]
    contents = set()
    for _ in range(10):
        rubbish = [random.integers(0, 256, int(2**size), np.uint8) for size in random.uniform(4, 20, 200)]
        del rubbish
        write_video(tmp_path / "v.mp4", pictures, 16, audio_from=source, audio_start=0.3, metadata={"made_by": "a test"})
        contents.add((tmp_path / "v.mp4").read_bytes())
    assert len(contents) == 1


def test_frames_are_not_kept_while_writing(tmp_path):
    alive: weakref.WeakSet = weakref.WeakSet()
    most = 0

    class Picture(np.ndarray):
        """An array that can be counted: plain arrays are not hashable."""

        __hash__ = object.__hash__

    def frames():
        nonlocal most
        for number in range(60):
            frame = coded(number).view(Picture)
            alive.add(frame)
            most = max(most, len(alive))
            yield frame

    write_video(tmp_path / "v.mp4", frames(), 16)
    assert len(inspect(tmp_path / "v.mp4").timestamps) == 60
    assert most <= 4


@pytest.mark.parametrize(
    ("frames", "message"),
    [([], "at least one frame"), ([np.zeros((63, 160, 3), np.uint8)], "even width and height, given were 160x63")],
)
def test_frames_that_cannot_be_written_are_refused(tmp_path, frames, message):
    with pytest.raises(ValueError, match=message):
        write_video(tmp_path / "v.mp4", frames, 16)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_no_file(tmp_path):
    def frames():
        yield coded(0)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_video(tmp_path / "v.mp4", frames(), 16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
@pytest.mark.parametrize("delay", [0.0, 0.7])
def test_sound_stays_with_the_pictures(tmp_path, name, delay):
    """A beep at 1.5 s of the source is heard 0.5 s into what is cut from 1.0 s on, within one AAC frame."""
    source = make_video(tmp_path / name, STEADY, sound=beeps(2.5, [1.5]), delay=delay)
    assert onset(read_sound(source, 0, 2.5).samples) == pytest.approx(1.5, abs=0.005)
    write_video(tmp_path / "out.mp4", map(coded, range(16)), 16, audio_from=source, audio_start=1.0)
    assert onset(read_sound(tmp_path / "out.mp4", 0, 1).samples) == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("seconds", [0.4, 2.0, 6.0])
def test_sound_is_as_long_as_the_pictures(tmp_path, seconds):
    source = make_video(tmp_path / "v.mp4", STEADY, sound=beeps(seconds, [0.1]))
    assert np.array_equal(inspect(source).timestamps, inspect(source).timestamps[:150])
    write_video(tmp_path / "out.mp4", map(coded, range(32)), 16, audio_from=source)
    with av.open(str(tmp_path / "out.mp4")) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert heard == pytest.approx(2.0 * AUDIO_RATE, abs=1024)
    quiet = read_sound(source, 0, 4).samples[:, round((min(seconds, 4) + 0.05) * AUDIO_RATE) :]
    assert read_sound(source, 0, 4).samples.shape == (2, 4 * AUDIO_RATE)
    assert np.all(quiet == 0)


def test_a_silent_video_gives_a_silent_video(tmp_path):
    source = make_video(tmp_path / "v.mp4", STEADY)
    assert read_sound(source, 0, 1).samples is None
    write_video(tmp_path / "out.mp4", map(coded, range(32)), 16, audio_from=source)
    assert not inspect(tmp_path / "out.mp4").has_audio
