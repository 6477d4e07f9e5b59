"""AIST's videos and AIST++'s keypoints from a server on this machine."""

import io
import random
import zipfile

import pytest

from facedance.aist.fetch import fetch_annotation, fetch_video
from facedance.aist.listed import meant_videos
from facedance.config.aist import AIST_TERMS, Aist
from facedance.job import InputError
from tests.loopback_hub import LoopbackHub, serving

NAME = "/10M/gBR_sBM_c01_d04_mBR0_ch01.mp4"
VIDEO = bytes(range(256)) * 400


@pytest.fixture
def server():
    with serving({NAME: VIDEO}) as hub:
        yield hub


def test_a_video_arrives_whole(server: LoopbackHub, tmp_path):
    path = tmp_path / "videos" / "a.mp4"
    fetch_video(server.url + NAME, path)
    assert path.read_bytes() == VIDEO
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_a_broken_download_goes_on_where_it_stopped(server: LoopbackHub, tmp_path):
    path = tmp_path / "a.mp4"
    server.cut_after = 30000
    for _ in range(2):
        with pytest.raises(InputError, match=r"ch01\.mp4 (cannot be fetched|arrived with).*what has arrived is kept"):
            fetch_video(server.url + NAME, path)
        assert not path.exists()
    server.cut_after = None
    fetch_video(server.url + NAME, path)
    assert path.read_bytes() == VIDEO
    starts = [start for _, start in server.sent]
    assert starts[0] == 0
    assert 0 < starts[1] < starts[2]


def test_what_the_server_has_not_is_one_sentence(server: LoopbackHub, tmp_path):
    with pytest.raises(InputError, match=r"the server has no http.*nothing\.mp4 \(404\): correct the name in aist\.videos"):
        fetch_video(f"{server.url}/10M/nothing.mp4", tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be fetched \(ConnectError\): check the network"):
        fetch_video("http://127.0.0.1:9/a.mp4", tmp_path / "a.mp4")


def test_single_files_are_read_out_of_the_annotations(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("aist_plusplus_final/motions/large.pkl", bytes(5_000_000))
        archive.writestr("aist_plusplus_final/keypoints2d/gBR_sBM_cAll_d04_mBR0_ch01.pkl", b"the keypoints")
        archive.writestr("aist_plusplus_final/ignore_list.txt", b"a name")
    with serving({"/fullset.zip": content.getvalue()}) as hub:
        fetch_annotation(f"{hub.url}/fullset.zip", "keypoints2d/gBR_sBM_cAll_d04_mBR0_ch01.pkl", tmp_path / "a.pkl", "")
        assert (tmp_path / "a.pkl").read_bytes() == b"the keypoints"
        assert min(start for _, start in hub.sent) > 3_000_000  # what lies before is not asked for
        fetch_annotation(f"{hub.url}/fullset.zip", "ignore_list.txt", tmp_path / "ignore_list.txt", "")
        assert (tmp_path / "ignore_list.txt").read_text() == "a name"
        with pytest.raises(InputError, match=r"AIST\+\+ has no keypoints2d/other\.pkl .*: do without$"):
            fetch_annotation(f"{hub.url}/fullset.zip", "keypoints2d/other.pkl", tmp_path / "b.pkl", "do without")
        with pytest.raises(InputError, match=r"the server has no .*/moved\.zip \(404\): set aist\.annotations"):
            fetch_annotation(f"{hub.url}/moved.zip", "ignore_list.txt", tmp_path / "b.txt", "")


def test_an_annotation_that_breaks_off_goes_on_and_a_damaged_one_is_refused(tmp_path):
    noise = random.Random(0).randbytes(200_000)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("ignore_list.txt", noise)
    with serving({"/fullset.zip": content.getvalue()}) as hub:
        hub.cut_after = 30_000
        fetch_annotation(f"{hub.url}/fullset.zip", "ignore_list.txt", tmp_path / "a.txt", "")
        assert (tmp_path / "a.txt").read_bytes() == noise
        assert len({start for _, start in hub.sent}) > 4
    damaged = bytearray(content.getvalue())
    damaged[1000] ^= 1
    for wrong in (bytes(damaged), b"a web page" * 100):
        with (
            serving({"/fullset.zip": wrong}) as hub,
            pytest.raises(InputError, match=r"is no usable zip .*: start again, or set"),
        ):
            fetch_annotation(f"{hub.url}/fullset.zip", "ignore_list.txt", tmp_path / "b.txt", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("words", ["", "yes"])
def test_nothing_is_fetched_unless_the_terms_are_accepted(words):
    with pytest.raises(ValueError, match="read the terms at aistdancedb"):
        Aist(videos=("gBR_sBM_c01_d04_mBR0_ch01",), accept_terms=words)
    with pytest.raises(ValueError, match="read the terms at aistdancedb"):
        Aist(ignore_list=True, accept_terms=words)
    assert Aist(ignore_list=True, accept_terms=AIST_TERMS).ignore_list
    assert Aist(videos=("gBR_sBM_c01_d04_mBR0_ch01",), accept_terms=AIST_TERMS).videos


def test_videos_are_named_or_matched_in_aists_own_list(tmp_path):
    listed = tmp_path / "list.csv"
    names = ["gBR_sBM_c01_d04_mBR0_ch01", "gBR_sBM_c02_d04_mBR0_ch01", "gPO_sFM_c01_d10_mPO0_ch08", "sSH_c10_v0"]
    listed.write_text(
        "\ufeffurl\n" + "".join(f"https://a.test/v1.0.0/video/10M/{name}.mp4\r\n" for name in names), encoding="utf-8"
    )
    assert meant_videos(["sSH_c10_v0", "gBR*"], str(listed)) == [names[3], names[0], names[1]]
    cameras = meant_videos(["gBR_sBM_cAll_d04_mBR0_ch01", names[0]], None)
    assert (cameras[0], cameras[-1], len(cameras)) == (names[0], "gBR_sBM_c09_d04_mBR0_ch01", 9)
    for given, list_path, message in (
        ("my dance", None, "'my dance' is no name of AIST's"),
        ("gBR*", None, r"the pattern 'gBR\*' needs AIST's list of videos"),
        ("gLH_sBM*", str(listed), r"matches none of the 4 videos in .*; near are g"),
        ("gBR*", str(tmp_path / "none.csv"), "aist.list: .* cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            meant_videos([given], list_path)
