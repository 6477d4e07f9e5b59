"""The section `aist` of params.yaml: videos that are fetched from the AIST Dance Video Database."""

from typing import Literal

from pydantic import Field, model_validator

from facedance.config.base import Section

AIST_TERMS = "I accept the terms of use of the AIST Dance Video Database"


class Aist(Section):
    """Videos of the AIST Dance Video Database that are fetched from its server: for academic research only."""

    accept_terms: str = Field("", description=f"`{AIST_TERMS}`, once you have read them; without it nothing is fetched.")
    videos: tuple[str, ...] = Field((), description="Names, with cAll for nine cameras, or patterns of those in `list`.")
    list: str | None = Field(None, description="Path of AIST's own list of videos, as its download page has it, for patterns.")
    keypoints: bool = Field(False, description="Whether AIST++'s keypoints of these videos are fetched too.")
    ignore_list: bool = Field(False, description="Whether AIST++'s ignore list is fetched, and the videos in it are left out.")
    quality: Literal["10M", "2M"] = Field("10M", description="Bits a second of the videos: ten or two million.")
    server: str = Field("https://aistdancedb.ongaaccel.jp/v1.0.0/video", description="Where the videos lie.")
    annotations: str = Field(
        "https://storage.googleapis.com/aist_plusplus_public/20210308/fullset.zip", description="Where AIST++'s files lie."
    )

    @model_validator(mode="after")
    def _terms_are_accepted(self) -> "Aist":
        if (self.videos or self.ignore_list) and self.accept_terms != AIST_TERMS:
            raise ValueError(f'read the terms at aistdancedb.ongaaccel.jp and write accept_terms: "{AIST_TERMS}" to fetch them')
        return self
