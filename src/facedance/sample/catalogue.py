"""What the sample consists of: the names of its files. Rules read this at every parse, so it imports nothing."""

PHOTOS = (
    "IMG_2041.jpg",
    "IMG_2042.jpg",
    "IMG_2043.png",
    "IMG_2047.jpg",
    "IMG_2051.jpg",
    "IMG_2058.jpg",
    "DSC_0117.jpg",
    "DSC_0121.jpg",
    "DSC_0122.jpg",
    "DSC_0130.jpg",
    "Fête 3.jpg",
    "P1000318.png",
)
"""Photos of each identity, as folders of photos are: several formats, a stranger, a view without anybody, a broken file."""

VIDEOS = (
    "gBR_sBM_c01_d04_mBR2_ch01",
    "gPO_sBM_c01_d11_mPO1_ch09",
    "gLH_sBM_c01_d17_mLH3_ch05",
    "gJS_sBM_c01_d02_mJS4_ch04",
    "gHO_sGR_c01_d20_d21_mHO3_ch10",
    "gMH_sBM_c01_d24_mMH2_ch03",
)
"""Dance videos under AIST's names: genre, situation, camera, dancers, music, choreography; one has two dancers."""

UPRIGHT = ("gMH_sBM_c01_d24_mMH2_ch03",)
"""Those that are filmed upright, as phones do."""

KEYPOINT_SEQUENCES = ("gPO_sBM_cAll_d11_mPO1_ch09", "gJS_sBM_cAll_d02_mJS4_ch04")
"""Sequences that come with a keypoints2d file; `cAll` stands for all cameras, as in AIST++."""


def video_of_sequence(sequence: str) -> str:
    """The sample's one video of a sequence, whose joints its keypoints are."""
    return sequence.replace("cAll", "c01")
