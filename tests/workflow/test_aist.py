"""AIST's videos by name, from a server on this machine."""

from facedance.config.aist import AIST_TERMS
from tests.loopback_hub import serving

from .conftest import new_project

VIDEO, OWN = "gBR_sBM_c01_d05_mBR0_ch01", "gBR_sBM_c02_d05_mBR0_ch01"


def test_named_videos_are_fetched_once_and_the_users_own_is_left_alone(tmp_path):
    project = new_project(tmp_path / "p")
    target, own = f"data/videos/{VIDEO}.mp4", project[f"data/videos/{OWN}.mp4"]
    own.parent.mkdir(parents=True)
    own.write_bytes(b"the user's own")
    with serving({f"/10M/{VIDEO}.mp4": b"a video"}) as server:
        project.change("aist", {"videos": [VIDEO, OWN], "server": server.url, "accept_terms": AIST_TERMS})
        assert project.planned("data")["fetch_aist_video"] == 1
        project.snakemake(target)
        assert (project[target].read_bytes(), own.read_bytes()) == (b"a video", b"the user's own")
        assert "fetch_aist_video" not in project.planned("data")
