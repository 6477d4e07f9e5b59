"""Videos as cameras, editors and web sites leave them: shown as a player shows them, or refused with the reason."""

import contextlib
import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from facedance.video.decoding import shown_frames
from facedance.video.frames import stream_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.sound import AUDIO_RATE, read_sound
from facedance.video.times import inspect
from facedance.video.tone import to_bt709
from tests.clips.in_step import KINDS, make_clicking_video
from tests.clips.videos import B_FRAMES, beeps, codes_of, make_video

TIMES = np.arange(60) / 30
OPEN_GOP = {"preset": "ultrafast", "bf": "3", "x264-params": "open-gop=1:scenecut=0:keyint=24:min-keyint=24"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:keyint=24:min-keyint=24:open-gop=1:scenecut=0"}


def all_frames(path: Path) -> np.ndarray:
    return np.stack(list(stream_frames(path, range(len(inspect(path).timestamps)))))


@pytest.mark.parametrize(
    ("codec", "options", "suffix"),
    [("libx264", OPEN_GOP, "mp4"), ("libx264", OPEN_GOP, "mkv"), ("libx265", HEVC, "mp4"), ("libx265", HEVC, "ts")],
)
def test_a_cut_without_encoding_begins_with_its_first_whole_frame(tmp_path, codec, options, suffix):
    """The frames that are shown before the key frame refer to what is gone, so that decoders give none."""
    whole = make_video(tmp_path / "whole.mkv", TIMES, codec=codec, codec_options=options)
    path = tmp_path / f"cut.{suffix}"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        old = source.streams.video[0]
        new, first = target.add_stream_from_template(old), None
        for packet in source.demux(old):
            if packet.dts is None or (first is None and not (packet.is_keyframe and packet.pts * packet.time_base > 0.5)):
                continue
            first = packet.pts - round(Fraction(3, 30) / packet.time_base) if first is None else first
            packet.pts, packet.dts, packet.stream = packet.pts - first, packet.dts - first, new
            target.mux(packet)
    codes = codes_of(all_frames(path))
    assert codes == list(range(24, 60))
    np.testing.assert_allclose(inspect(path).timestamps, np.arange(36) / 30, atol=2e-3)
    if suffix != "ts":  # there times begin somewhere
        assert next(shown_frames(path)).time == pytest.approx(3 / 30, abs=2e-3)


def test_hidden_frames_do_not_count(tmp_path):
    """VP9's alternate references are decoded and never shown."""
    options = {
        "deadline": "good",
        "cpu-used": "5",
        "auto-alt-ref": "1",
        "lag-in-frames": "16",
        "arnr-maxframes": "7",
        "b": "200k",
    }
    path = make_video(tmp_path / "v.webm", TIMES, codec="libvpx-vp9", codec_options=options, tick=Fraction(1, 1000))
    np.testing.assert_allclose(inspect(path).timestamps, TIMES, atol=2e-3)
    assert codes_of(all_frames(path)) == list(range(60))


@pytest.mark.parametrize(
    ("ratio", "size"), [(Fraction(4, 3), (160, 90)), (Fraction(1, 2), (120, 180)), (Fraction(100), (120, 90))]
)
def test_pixels_become_square(tmp_path, ratio, size):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 120, 90, "yuv420p"
        stream.codec_context.sample_aspect_ratio = ratio
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((90, 120, 3), 99, np.uint8))))
        container.mux(stream.encode())
    info, frame = inspect(path), next(stream_frames(path, [0]))
    assert (info.width, info.height) == (frame.shape[1], frame.shape[0]) == size
    assert info.told == ((f"pixels of {ratio} made square",) if ratio < 5 else ())


def test_a_stream_that_changes_its_size_keeps_whole_pictures(tmp_path):
    parts = [make_video(tmp_path / f"{w}.ts", TIMES[:10], size=(w, h)) for w, h in ((160, 64), (320, 128), (80, 80))]
    path = tmp_path / "joined.ts"
    with av.open(str(path), "w") as target:
        new = None
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                new = new or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + 30000 * number, packet.dts + 30000 * number, new
                        target.mux(packet)
    frames, info = all_frames(path), inspect(path)
    assert frames.shape == (30, 64, 160, 3)
    assert codes_of(frames[:20]) == [*range(10)] * 2
    assert codes_of(frames[20:, :, 48:112]) == [*range(10)]  # a square one has black beside it
    assert frames[20:, :, :44].max() < 30
    assert info.told == ("frames of another size brought to that of the first",)


def flat(path: Path, yuv: tuple[int, int, int], primaries: int, transfer: int, matrix: int) -> np.ndarray:
    """Colour (3,) of a video whose every pixel has the same 10-bit `yuv`."""
    picture = av.VideoFrame(64, 64, "yuv420p10le")
    for plane, value in zip(picture.planes, yuv, strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, np.uint16).tobytes())
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        codec = stream.codec_context
        codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range = primaries, transfer, matrix, 1
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return next(stream_frames(path, [0]))[32, 32].astype(int)


@pytest.mark.parametrize(
    ("luma", "transfer", "grey"),
    [
        (573, 16, 230),  # PQ at the reference white of 203 cd/m2
        (343, 16, 80),  # and at 12 cd/m2, far below it: (12 / 203) ^ (1 / 2.4)
        (721, 18, 230),  # HLG at its reference white of 75 %
        (940, 18, 255),  # and at its peak
        (500, 14, 127),  # no high range: BT.2020's greys are BT.709's
    ],
)
def test_high_dynamic_range_becomes_usual(tmp_path, luma, transfer, grey):
    assert np.abs(flat(tmp_path / "v.mkv", (luma, 512, 512), 9, transfer, 9) - grey).max() <= 2


def test_a_wide_gamut_becomes_bt709(tmp_path):
    """A skin tone of sRGB, coded with P3's primaries: 200, 130, 100 is 191, 133, 106 there."""
    light = (np.array([200, 130, 100]) / 255) ** 2.4
    p3 = (np.array([[0.8225, 0.1774, 0], [0.0332, 0.9669, 0], [0.0171, 0.0724, 0.9108]]) @ light) ** (
        1 / 2.4
    )  # of SMPTE EG 432-1
    y = p3 @ [0.2126, 0.7152, 0.0722]
    yuv = round(64 + 876 * y), round(512 + 896 * (p3[2] - y) / 1.8556), round(512 + 896 * (p3[0] - y) / 1.5748)
    assert np.abs(flat(tmp_path / "v.mkv", yuv, 12, 1, 1) - [200, 130, 100]).max() <= 2
    assert inspect(tmp_path / "v.mkv").told == ("wide gamut brought to BT.709",)


def test_colours_that_bt709_lacks_keep_their_luminance_and_order():
    green = to_bt709(np.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.0]]), "gamma", "bt2020")
    light = green**2.4 @ [0.2126, 0.7152, 0.0722]
    np.testing.assert_allclose(light, [0.678, 0.678 * 0.5**2.4], rtol=0.01)
    assert (green[:, 1] > green[:, [0, 2]].max(axis=1)).all()


def test_interlaced_pictures_become_whole(tmp_path):
    """A bar that moves 8 pixels a field leaves a comb in the pictures, and none when they are made whole."""
    path = tmp_path / "v.mp4"
    moments = np.zeros((24, 64, 160), np.uint8)
    for moment, picture in enumerate(moments):
        picture[:, 4 * moment : 4 * moment + 40] = 255
    with av.open(str(path), "w") as container:
        options = {"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 64, "yuv420p"
        for n in range(12):
            woven = moments[2 * n].copy()
            woven[1::2] = moments[2 * n + 1, 1::2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(woven[..., None], 3, axis=2))))
        container.mux(stream.encode())
    frames, info = all_frames(path), inspect(path)
    assert len(frames) == 12
    assert info.told == ("deinterlaced",)
    np.testing.assert_allclose(info.timestamps, np.arange(12) / 25, atol=1e-3)
    middle = frames[2:10, 16:48, :, 0].astype(int)
    assert np.abs(np.diff(middle, axis=1)).mean() < 1.0  # of the woven pictures: 12


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def test_cover_art_is_no_video(tmp_path):
    """Taggers put it in front of the tracks, where FFmpeg counts it as the first stream."""
    plain = make_video(tmp_path / "plain.mp4", TIMES, sound=beeps(2, [1.0])).read_bytes()
    at = plain.index(b"moov") - 4
    moov = plain[at + 8 :]
    header = struct.unpack(">I", moov[:4])[0]
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 0, 0)).save(picture, "JPEG")
    data = box(b"data", struct.pack(">II", 13, 0) + picture.getvalue())
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    cover = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"covr", data))))
    path = tmp_path / "v.mp4"
    path.write_bytes(plain[:at] + box(b"moov", moov[:header] + cover + moov[header:]))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg"
    assert codes_of(all_frames(path)) == list(range(60))


def patched(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


def test_an_unknown_format_is_named(tmp_path):
    path = patched(make_video(tmp_path / "v.mp4", TIMES), b"avc1", b"qqqq")
    for _ in range(2):  # FFmpeg keeps repeated lines from its log
        with pytest.raises(UnreadableVideo, match=r"has pictures in a format that is not known \(qqqq\)"):
            inspect(path)


def test_unknown_sound_leaves_the_pictures(tmp_path):
    kind = next(kind for kind in KINDS if kind.sound == "pcm_s16le")
    path = patched(make_clicking_video(tmp_path, kind, 1.0), b"sowt", b"qqqq")
    info = inspect(path)
    assert (len(info.timestamps), info.has_audio) == (60, False)
    for _ in range(2):
        sound = read_sound(path, 0, 1)
        assert (sound.samples, sound.told) == (None, "silent: the sound is in a format that is not known (qqqq)")


def test_a_damaged_packet_of_sound_is_silent_and_told(tmp_path):
    path = make_video(tmp_path / "v.mp4", TIMES, sound=beeps(2, [0.2, 1.2]))
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    content[packets[30].pos : packets[30].pos + packets[30].size] = b"\xff" * packets[30].size
    path.write_bytes(content)
    sound = read_sound(path, 0, 2)
    loud = np.abs(sound.samples[0]) > 0.2
    assert np.flatnonzero(loud)[0] / AUDIO_RATE == pytest.approx(0.2, abs=0.01)
    assert np.flatnonzero(loud[AUDIO_RATE:])[0] / AUDIO_RATE == pytest.approx(0.2, abs=0.01)
    assert sound.told == "silent in one place where the sound is damaged"
    assert read_sound(path, 1.0, 1).told == ""  # the damage lies before


def test_sound_that_changes_its_channels_and_has_a_hole_stays_in_step(tmp_path):
    """As in recordings of broadcasts: mono, then stereo, with a second missing between them."""
    parts = []
    for layout, at in (("mono", 0.0), ("stereo", 2.0)):
        part = tmp_path / f"{layout}.ts"
        with av.open(str(part), "w") as container:
            stream = container.add_stream("mp2", rate=AUDIO_RATE, layout=layout)
            samples = beeps(1, [0.5])[: 1 if layout == "mono" else 2]
            for start in range(0, AUDIO_RATE - 1152, 1152):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray((samples[:, start : start + 1152] * 32767).astype(np.int16).T.reshape(1, -1)),
                    format="s16",
                    layout=layout,
                )
                frame.sample_rate, frame.pts = AUDIO_RATE, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        parts.append((part, at))
    joined = tmp_path / "joined.ts"
    with av.open(str(joined), "w") as target:
        new = None
        for part, at in parts:
            with av.open(str(part)) as source:
                old = source.streams.audio[0]
                new = new or target.add_stream_from_template(old)
                for packet in source.demux(old):
                    if packet.dts is not None:
                        later = round(at / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, new
                        target.mux(packet)
    sound = read_sound(joined, 0, 4).samples
    heard = np.flatnonzero(np.abs(sound[0]) > 0.2) / AUDIO_RATE
    second = heard[heard > heard[0] + 1]
    assert second[0] - heard[0] == pytest.approx(2.0, abs=0.02)


def test_a_file_of_two_recordings_is_used_up_to_the_second(tmp_path):
    """Joined byte by byte, their times begin anew."""
    whole = make_video(tmp_path / "v.ts", TIMES, codec_options=B_FRAMES)
    path = tmp_path / "joined.ts"
    path.write_bytes(2 * whole.read_bytes())
    info = inspect(path)
    assert info.damage == "goes back in time after 2.0 s, as when recordings are joined: split it there"
    assert codes_of(stream_frames(path, range(len(info.timestamps)))) == list(range(len(info.timestamps)))
    assert len(info.timestamps) >= 57  # those that were decoded before the second one began


def test_a_piece_that_is_there_twice_ends_what_is_used(tmp_path):
    """The decoder takes other frames for what the second one refers to, and says nothing."""
    whole = make_video(tmp_path / "v.ts", TIMES, codec_options=B_FRAMES).read_bytes()
    path = tmp_path / "doubled.ts"
    for start in range(40 * 188, len(whole) - 188, 5 * 188):
        path.write_bytes(whole[:start] + whole[start : start + 27 * 188] + whole[start:])
        with contextlib.suppress(UnreadableVideo):
            info = inspect(path)
            codes = codes_of(stream_frames(path, range(len(info.timestamps))))
            assert codes == list(range(len(codes))), start
            assert "there twice" in info.damage, start


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4], KINDS[5]], ids=lambda kind: kind.name)
def test_damage_is_told_in_one_way_only(tmp_path, kind):
    """Cut off, bits turned over, or zeros in it: the video is used as far as it can be, or refused with a reason."""
    whole = make_clicking_video(tmp_path, kind, 1.2).read_bytes()
    path = tmp_path / f"damaged.{kind.suffix}"
    used = 0
    for seed in range(15):
        random = np.random.default_rng(seed)
        content, place = bytearray(whole), int(random.integers(len(whole)))
        if seed % 3 == 0:
            content = content[:place]
        elif seed % 3 == 1:
            for at in random.integers(0, len(whole), 30):
                content[at] ^= 1 << int(random.integers(8))
        else:
            content[place : place + 500] = bytes(len(content[place : place + 500]))
        path.write_bytes(content)
        with contextlib.suppress(UnreadableVideo):  # and nothing else
            info = inspect(path)
            assert len(list(stream_frames(path, range(len(info.timestamps))))) == len(info.timestamps) > 0
            read_sound(path, 0, 1)
            used += 1
    assert used > 0
