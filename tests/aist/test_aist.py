"""AIST's names, and the list of names to ignore."""

import pytest

from facedance.aist.names import AistName, is_ignored, parse, read_ignore_list, sequence_name
from facedance.job import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gBR_sBM_c01_d04_mBR0_ch01", AistName("gBR", "sBM", "c01", "d04", "mBR0", "ch01")),
        ("gJB_sFM_cAll_d07_mJB3_ch05", AistName("gJB", "sFM", "cAll", "d07", "mJB3", "ch05")),
        ("gLO_sGR_c02_d13_d14_d15_mLO1_ch08", AistName("gLO", "sGR", "c02", "d13_d14_d15", "mLO1", "ch08")),
        ("gKR_sSH_c10_d30_mKR", AistName("gKR", "sSH", "c10", "d30", "mKR", "")),
        ("gWA_sCY_c03", AistName("gWA", "sCY", "c03", "", "", "")),
        ("gMH_sBM", AistName("gMH", "sBM")),
        ("sSH_c01_v0", AistName("", "sSH", "c01", "", "", "v0")),
        ("sBT_c10_v5", AistName("", "sBT", "c10", "", "", "v5")),
        ("gBR_sBT_c02_d21_d31_mPO0", AistName("gBR", "sBT", "c02", "d21_d31", "mPO0", "")),
        ("gJS_sMC_c10_d01_mJS0_ch03", AistName("gJS", "sMC", "c10", "d01", "mJS0", "ch03")),
        ("sSHoes_c01_v0", AistName()),
        ("sBM_c01_v0", AistName()),
        ("gBR_sBM_c01_d04_mBR0_ch01_copy", AistName("gBR", "sBM", "c01", "d04", "mBR0", "ch01")),
        ("my_d04_ch01", AistName()),
        ("gXX_sBM_c01_d04_mXX0_ch01", AistName()),
        ("gBRsBM", AistName()),
        ("", AistName()),
        ("../gBR_sBM $(x)", AistName()),
    ],
)
def test_a_name_gives_the_parts_it_has(name, expected):
    assert parse(name) == expected


def test_a_sequence_stands_for_all_cameras():
    assert sequence_name("gBR_sBM_c05_d04_mBR0_ch01") == "gBR_sBM_cAll_d04_mBR0_ch01"
    assert sequence_name("gWA_sCY_c03") == "gWA_sCY_cAll"
    assert sequence_name("sSH_c10_v2") == "sSH_cAll_v2"
    assert sequence_name("gBR_sBM_cAll_d04_mBR0_ch01") == "gBR_sBM_cAll_d04_mBR0_ch01"
    assert sequence_name("my_c05_video") == "my_c05_video"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_ignore_list_names_sequences_or_single_views(tmp_path, encoding):
    path = tmp_path / "ignore_list.txt"
    path.write_text(encoding=encoding, data="gBR_sBM_cAll_d04_mBR0_ch01\n\ngJB_sBM_c07_d07_mJB3_ch05\r\n")
    names = read_ignore_list(path)
    ignored = [
        name
        for name in (
            "gBR_sBM_c05_d04_mBR0_ch01",
            "gBR_sBM_c05_d04_mBR0_ch02",
            "gJB_sBM_c07_d07_mJB3_ch05",
            "gJB_sBM_c06_d07_mJB3_ch05",
            "holiday",
        )
        if is_ignored(name, names)
    ]
    assert ignored == ["gBR_sBM_c05_d04_mBR0_ch01", "gJB_sBM_c07_d07_mJB3_ch05"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_an_unreadable_ignore_list_is_one_sentence(tmp_path, content):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"clips.ignore_list: .*list.txt cannot be read; give"):
        read_ignore_list(path)
