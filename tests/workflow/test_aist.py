"""AIST's videos by name, from a server on this machine."""

import io
import zipfile

import pytest

from facedance.config.aist import AIST_TERMS
from facedance.tables import read_rows
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


@pytest.mark.thorough
def test_the_ignore_list_is_fetched_where_it_is_asked_for(tmp_path):
    """It comes before the clips, which leave its videos out."""
    project, content = new_project(tmp_path / "p"), io.BytesIO()
    own = project[f"data/videos/{OWN}.mp4"]
    own.parent.mkdir(parents=True)
    own.write_bytes(b"the user's own")
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("aist_plusplus_final/ignore_list.txt", OWN.replace("c02", "cAll"))
    assert "fetch_aist_ignore_list" not in project.planned("clips")
    with serving({"/fullset.zip": content.getvalue()}) as server:
        given = {"ignore_list": True, "annotations": f"{server.url}/fullset.zip", "accept_terms": AIST_TERMS}
        project.change("aist", given)
        project.change("sample", {"enabled": False})
        for person in ("eileen", "nora"):
            project[f"data/photos/{person}"].mkdir(parents=True)
            project[f"data/photos/{person}/a.jpg"].touch()
        assert project.planned("data") == {"data": 1, "fetch_aist_ignore_list": 1}
        project.snakemake("clips")
    (row,) = read_rows(project["results/clips/clips.csv"])
    assert (row["status"], row["reason"]) == ("rejected", "is in the ignore list")
    assert "fetch_aist_ignore_list" not in project.planned("clips")
