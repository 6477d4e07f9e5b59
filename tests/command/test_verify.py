"""`facedance verify`: what it says of marked, changed, foreign and damaged files, and its exit code."""

import json
import shutil
import wave
import zipfile

import numpy as np
import pytest
from PIL import Image

from facedance.command.main import main
from facedance.config.marks import Marks
from facedance.files import digest
from facedance.marks import keys
from facedance.marks.credentials import Claim
from facedance.marks.finished import marking, write_finished
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


def test_without_its_metadata_the_watermark_is_still_found(render, verify, tmp_path):
    write_video(tmp_path / "again.mp4", read_frames(render), 16, crf=18)
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


def test_damaged_and_foreign_files_get_words_and_no_traceback(made, verify, tmp_path):
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
    for file in files:
        code, said = verify(file)
        first, *sentences = said.splitlines()
        assert first == f"{file}:"
        assert code in {0, 1, 3, 4}
        assert sentences, file
        assert all(sentence.strip().endswith(".") for sentence in sentences)


def test_the_command_explains_itself(capsys):
    for arguments in (["--help"], ["verify", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
    assert "exit code is 0 when all files" in " ".join(capsys.readouterr().out.split())


def test_nothing_is_said_on_a_wrong_key(verify, tmp_path, monkeypatch):
    monkeypatch.setenv(keys.KEYS, str(tmp_path))
    (tmp_path / "watermark.key").write_text("short")
    assert verify(tmp_path / "a.mp4") == (2, "")
