"""`facedance verify`: what it says of marked, changed, foreign and damaged files, and its exit code."""

import json
import os
import shutil
import wave
import zipfile

import av
import c2pa
import numpy as np
import pytest
from PIL import Image

from facedance.command.main import main
from facedance.config.marks import Marks
from facedance.files import digest
from facedance.marks import keys
from facedance.marks.credentials import RENDER, Claim, context
from facedance.marks.finished import marking, write_finished
from facedance.marks.words import printable
from facedance.names import shown
from facedance.video.frames import read_frames
from facedance.video.writing import write_video
from tests.marks.clips import clip, write_clip

RECORD = {
    "ai_generated": True,
    "people": {"ann": {"consent": "she said yes"}},
    "clip": "dance_000",
    "variant": "default",
    "provenance": {"model": "tiny"},
}
CLAIM = Claim(model="tiny", inputs={"control": "ab" * 32}, record=digest(RECORD), people=1, watermark=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A render with both marks and its sidecar, and the keys that it was made with."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keys.KEYS, str(folder / "keys"))
        write_finished(folder / "default.mp4", clip(0, 8, 192, 256), 16, marking(Marks(credentials=True, watermark=True)), CLAIM)
    (folder / "default.json").write_text(json.dumps(RECORD))
    return folder


@pytest.fixture
def render(made, tmp_path, monkeypatch):
    """A copy of it, to be changed."""
    monkeypatch.setenv(keys.KEYS, str(made / "keys"))
    for name in ("default.mp4", "default.json"):
        shutil.copy(made / name, tmp_path / name)
    return tmp_path / "default.mp4"


@pytest.fixture
def verify(capsys):
    """Runs the verb: its exit code and what it says."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["verify", *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return ended.value.code, said.out

    return run


def test_a_render_is_signed_unchanged_and_watermarked(render, verify):
    code, said = verify(render)
    assert code == 0
    assert "made by AI by facedance, tiny" in said
    assert "nobody vouches" in said
    assert "(yours), and unchanged since" in said
    assert "The watermark of facedance is found, with everybody's key" in said
    assert "it shows ann in dance_000, variant default, made with tiny. It is the one that was signed." in said
    assert "the consent of 1 person is recorded" in said


def test_the_number_of_another_one_s_certificate_is_told(render, verify, monkeypatch, tmp_path):
    monkeypatch.setenv(keys.KEYS, str(tmp_path / "none"))
    assert "its number is " in verify(render)[1]
    assert not (tmp_path / "none").exists()


def test_a_changed_byte(render, verify):
    content = bytearray(render.read_bytes())
    content[-30] ^= 1
    render.write_bytes(content)
    code, said = verify(render)
    assert code == 1
    assert "it was changed since" in said


def encoded_again(render, stripped):
    write_video(stripped, read_frames(render), 16, crf=18)


def cut_out(render, stripped):
    """The same pictures in another file, as `ffmpeg -c copy -map_metadata -1` makes it."""
    with av.open(str(render)) as given, av.open(str(stripped), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)


@pytest.mark.parametrize("strip", [cut_out, encoded_again])
def test_without_its_metadata_the_watermark_is_still_found(render, verify, tmp_path, strip):
    strip(render, tmp_path / "again.mp4")
    code, said = verify(tmp_path / "again.mp4")
    assert code == 1
    assert "It has no signed metadata." in said
    assert "The watermark of facedance is found" in said


def test_a_sidecar_of_another_render(render, verify):
    render.with_suffix(".json").write_text(json.dumps(RECORD | {"variant": "seed~1"}))
    code, said = verify(render)
    assert code == 0
    assert "It is not the one that was signed." in said


def test_a_sidecar_that_tells_besides_how_the_render_was_chosen(render, verify):
    render.with_suffix(".json").write_text(json.dumps(RECORD | {"seeds": {"kept": 1, "judge": "dlib", "tried": []}}))
    code, said = verify(render)
    assert code == 0
    assert "It is not the one that was signed." not in said


def test_nothing_is_found_in_a_video_of_others(verify, tmp_path):
    code, said = verify(write_clip(tmp_path / "holiday.mp4", 3, 6))
    assert code == 3
    assert "No watermark of facedance is found" in said
    assert "which does not mean that it is not" in said


def test_the_worst_of_several_counts_and_the_page_holds_all(render, verify, tmp_path):
    other = write_clip(tmp_path / "<b>.mp4", 3, 6)
    code, _ = verify("--html", tmp_path / "page.html", render, other, tmp_path / "none.mp4")
    page = (tmp_path / "page.html").read_text()
    assert code == 4
    assert "&lt;b&gt;.mp4" in page
    assert "unchanged since" in page
    assert "cannot be opened (No such file or directory)" in page
    assert "http" not in page.replace("http-equiv", "")


def damages(whole: bytes):
    """Files that somebody may have: the name of each, and what is in it."""
    rng = np.random.default_rng(0)
    yield from {"empty.mp4": b"", "one.mp4": b"\0", "text.mp4": b"no video\n", "zeros.mp4": bytes(5000)}.items()
    yield from ((f"noise{n}.{kind}", rng.bytes(3000)) for n, kind in enumerate(("mp4", "mov", "jpg", "png", "webm")))
    yield from ((f"cut{share}.mp4", whole[: len(whole) * share // 100]) for share in (1, 5, 10, 25, 50, 75, 90, 99))
    yield "twice.mp4", whole + whole
    yield "headless.mp4", whole[40:]
    yield "reversed.mp4", whole[::-1]
    for n in range(12):  # a stretch of chance in each part, metadata and tables included
        at = len(whole) * n // 12
        yield f"hole{n}.mp4", whole[:at] + rng.bytes(60) + whole[at + 60 :]
    yield "manifest.mp4", whole.replace(b"c2pa.claim.v2", b"c2pa.clown.v2")
    yield "huge.mp4", b"\x7f\xff\xff\xffftypisom" + whole[12:]
    yield "page.html", b"<html><body>a page</body></html>"
    yield "table.csv", b"a,b\n1,2\n"
    yield "data.json", b'{"ai_generated": true}'


def signed_by_others(made, folder):
    """Manifests that other programs might write: of a camera, and with a facedance's assertion that makes no sense."""
    captured = {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [captured]}}
    renders = {
        "camera": [],
        "list": [{"label": RENDER, "data": [1, 2]}],
        "words": [{"label": RENDER, "data": {"record": "hash", "inputs": 7, "people": "\x1b[31mall"}}],
    }
    write_video(folder / "plain.mp4", clip(1, 3), 16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keys.KEYS, str(made / "keys"))
        who = keys.signer()
    for name, said in renders.items():
        program = [{"name": "An \x1b[31mother", "version": "1"}]
        manifest = {"claim_generator_info": program, "format": "video/mp4", "assertions": [actions, *said]}
        with (
            c2pa.Signer.from_callback(who.sign, c2pa.C2paSigningAlg.ED25519, who.chain.decode(), None) as signer,
            c2pa.Builder(manifest, context()) as builder,
        ):
            builder.sign_file(folder / "plain.mp4", folder / f"of a {name}.mp4", signer)
        yield folder / f"of a {name}.mp4"


def odd_videos(folder):
    """Videos without pictures, without frames, at rates that nobody uses, and one whose name is no text."""
    with av.open(str(folder / "heard.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    yield folder / "heard.mp4"
    for rate in (1, 7, 9999):
        write_video(folder / f"at {rate}.mp4", clip(2, 2, 64, 64), rate)
        yield folder / f"at {rate}.mp4"
    one = (folder / "at 7.mp4").read_bytes()
    for name, content in {
        "no frames.mp4": one[: one.index(b"mdat") + 4],
        "no samples.mp4": one.replace(b"stsz", b"stsy"),
        os.fsdecode(b"\xff\n\x1b[31m.mp4"): one,
    }.items():
        (folder / name).write_bytes(content)
        yield folder / name
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (64, 48)).save(folder / "phone.jpg", exif=exif)
    yield folder / "phone.jpg"


def beside_odd_files(made, folder):
    """A render whose sidecar is missing, or is none."""
    for name, content in {
        "without": None,
        "list": b"[]",
        "deep": b"[" * 100_000,
        "bytes": b"\xff\xfe",
        "odd": b'{"ai_generated": true, "people": ["a"], "clip": {"\\ud800": 1}, "provenance": 7, "variant": "\\u001b[31m"}',
    }.items():
        shutil.copy(made / "default.mp4", folder / f"{name}.mp4")
        if content is not None:
            (folder / f"{name}.json").write_bytes(content)
        yield folder / f"{name}.mp4"
    shutil.copy(made / "default.mp4", folder / "beside.mp4")
    (folder / "beside.json").mkdir()
    yield folder / "beside.mp4"


def test_damaged_and_foreign_files_get_words_and_no_traceback(made, verify, tmp_path, monkeypatch):
    files = []
    for name, content in damages((made / "default.mp4").read_bytes()):
        files.append(tmp_path / name)
        files[-1].write_bytes(content)
    Image.new("RGB", (64, 48), (200, 10, 10)).save(tmp_path / "picture.png")
    Image.new("RGB", (5, 3)).save(tmp_path / "small.jpg")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as tone:
        tone.setparams((1, 2, 8000, 0, "NONE", ""))
        tone.writeframes(bytes(8000))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.mp4").mkdir()
    others = ("picture.png", "small.jpg", "tone.wav", "archive.zip", "link.mp4", "folder.mp4", "missing.mp4")
    files += [tmp_path / name for name in others]
    assert len(files) >= 40
    files += [*signed_by_others(made, tmp_path), *odd_videos(tmp_path), *beside_odd_files(made, tmp_path)]
    os.mkfifo(tmp_path / "pipe.mp4")  # whoever opened it would wait for ever
    files.append(tmp_path / "pipe.mp4")
    monkeypatch.setenv(keys.KEYS, str(made / "keys"))
    for file in files:
        code, said = verify(file)
        first, *sentences = said.splitlines()
        assert first == f"{printable(shown(file))}:"
        assert code in {0, 1, 3, 4}
        assert sentences, file
        assert all(sentence.strip().endswith(".") for sentence in sentences)
        assert said.replace("\n", "").isprintable()


def test_the_command_explains_itself(capsys):
    for arguments in (["--help"], ["verify", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
    assert "exit code is 0 when all files" in " ".join(capsys.readouterr().out.split())


def test_nothing_is_said_on_a_wrong_key(verify, tmp_path, monkeypatch):
    monkeypatch.setenv(keys.KEYS, str(tmp_path))
    (tmp_path / "watermark.key").write_text("short")
    assert verify(tmp_path / "a.mp4") == (2, "")
