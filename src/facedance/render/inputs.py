"""What renders are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from facedance.config.marks import Marks
from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import Blend, RenderMemory, RenderSpeed
from facedance.config.sections import Poses, WanModel
from facedance.poses.table import Dancers, read_dancers
from facedance.render.windows import Window, windows_of
from facedance.video.frames import Footage


@dataclass(frozen=True)
class RenderJob:
    """One video: a person, blend or cast in a clip. Its file is `<identity>/<clip>/<variant>.mp4`."""

    identity: str
    clip: str
    variant: str
    settings: RenderSettings

    @property
    def name(self) -> str:
        """Path of the video below the renders' folder, without its suffix."""
        return f"{self.identity}/{self.clip}/{self.variant}"

    @property
    def takes(self) -> tuple["RenderJob", ...]:
        """The same with each of the seeds that are tried."""
        return tuple(replace(self, settings=settings) for settings in self.settings.takes)


@dataclass(frozen=True)
class Person:
    """What there is of a person: trained adapter, embedding, latents of the photos (with `reference`), and consent."""

    adapter: Path
    embedding: Path
    photos: Path
    consent: str
    proportions: Path | None = None  # json; None where no render asks for it


@dataclass(frozen=True)
class Cast:
    """Who the dancers of a clip become."""

    dancers: Mapping[int, str]  # by number: a person or blend, or one of `facedance.config.cast.NO_PERSON`
    blends: Mapping[str, Blend]  # those among them


@dataclass(frozen=True)
class JudgeFiles:
    """By whom and by what those renders are judged of which several seeds are tried."""

    backend: str  # name of the face recogniser that decides
    recogniser: Path  # folder of its weights
    pose_model: Path  # MediaPipe's landmarker
    references: Mapping[str, Path]  # png: the head of each person's best photo, for those who have no part in it
    further: Mapping[str, Path]  # another recogniser, by name: the folder of its weights; none where they are not here


@dataclass(frozen=True)
class RenderInputs:
    """Files and settings that the renders of one identity share: of the one person in `people`, the `blend` or the `cast` of
    them.
    """

    model: Path
    wan: WanModel
    memory: RenderMemory
    speed: RenderSpeed
    prompts: Path  # safetensors: text embeddings by their texts
    texts: Mapping[str, str]  # by the prompts' names
    people: Mapping[str, Person]
    blend: Blend | None
    loras: Mapping[Path, float]  # files of other programs, with their scales
    latents_folder: Path
    controls_folder: Path
    clips_folder: Path
    marks: Marks = field(default_factory=Marks)
    sources: Mapping[str, Path] = field(default_factory=dict)  # the videos that the clips were cut from, by the clips' names
    cast: Cast | None = None
    landmarks: Path | None = None  # parquet: where the dancers of the clips are; None for ready-made control videos
    judges: JudgeFiles | None = None  # None where no render tries several seeds
    drawing: Poses = field(default_factory=Poses)  # how skeletons are drawn anew: in close-ups, and where somebody is not shown

    def latents(self, clip: str) -> Path:
        """The file with the `control` latents of the clip, or of its first window."""
        return self.latents_folder / f"{clip}.safetensors"

    def control(self, clip: str) -> Path:
        """The clip's control video."""
        return self.controls_folder / f"{clip}.mp4"

    def dancers(self, clip: str) -> Dancers:
        """Where the dancers of a clip are, in pixels of its control video; nobody where it is not known."""
        if self.landmarks is None:
            return Dancers((), {})
        return read_dancers(self.landmarks, clip, len(Footage(self.control(clip))))

    def placed(self, settings: RenderSettings) -> bool:
        """Whether a render depends on where the dancers are, and not only on the control video."""
        drawn_anew = settings.proportions == "person" or settings.head_joints != "full"
        return self.cast is not None or drawn_anew or bool(settings.close_up)

    def windows(self, job: RenderJob) -> list[Window]:
        """The windows in which a video is made."""
        return windows_of(len(Footage(self.control(job.clip))), self.wan.frames, job.settings.overlap, job.settings.fade)

    def music(self, clip: str) -> Path | None:
        """The clip, whose music the render gets; a ready-made control video has none."""
        path = self.clips_folder / f"{clip}.mp4"
        return path if path.exists() else None
