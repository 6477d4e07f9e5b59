"""Who is seen in a clip, and the frames of a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.regions.tokens import Region, region
from facedance.render.casting import Alone, Casting
from facedance.render.driving import Driving
from facedance.render.windows import Window
from facedance.video.pictures import Frames
from facedance.wan.face_branch import FaceBranch, PlacedFace
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, latent_frame, render_frames
from facedance.wan.region_lora import acting_in
from facedance.wan.start import Start


@dataclass(frozen=True)
class Scene:
    """Who is seen in a clip; what is by dancer has the one key None where it is one person in the whole picture."""

    faces: Mapping[int | None, Tensor]  # (F, D): F is 1, or the latent frames of the whole clip
    branches: Mapping[int | None, FaceBranch]
    casting: Casting | Alone | None
    driving: Driving | None  # None where the control video is all that is known of the dancers
    photos: Mapping[int | None, Path]  # of whom a head goes along, in the order of the references

    def alone(self, dancer: int) -> "Scene | None":
        """The same for one dancer's head; None where they are left as the model makes them."""
        who, casting = (None, None) if self.casting is None else (dancer, Alone(dancer))
        if who not in self.faces:
            return None
        return replace(
            self,
            faces={who: self.faces[who]},
            casting=casting,
            photos={name: path for name, path in self.photos.items() if name == who},
        )


def frames_of(
    pipeline: FaceVACEPipeline,
    prompts: Mapping[str, Tensor],
    settings: RenderSettings,
    scene: Scene,
    control: ControlLatents,
    window: Window,
    start: Start | None = None,
) -> Frames:
    """The frames (T, H, W, 3) of a window, made from nothing but noise or from a `start`."""
    first = latent_frame(pipeline, window.start)
    seen = {dancer: f if len(f) == 1 else f[first:][: control.frames] for dancer, f in scene.faces.items()}
    regions: dict[int, Region | None] = {}
    if scene.casting is not None:
        owners = [dancer for dancer in scene.photos if dancer is not None]
        patch, parts = pipeline.transformer.config.patch_size, scene.casting.parts(window, control, owners)
        regions = {dancer: region(parts[dancer], patch, pipeline.vae.device) for dancer in seen if dancer is not None}
    placed = [PlacedFace(scene.branches[d], seen[d][None], place) for d, place in regions.items() if place is not None]
    with acting_in(pipeline.transformer, regions):
        return render_frames(
            pipeline,
            next(iter(scene.branches.values())),
            control,
            face=placed if scene.casting is not None else seen[None],
            prompt=prompts[settings.prompt],
            negative_prompt=prompts[settings.negative_prompt],
            settings=settings,
            start=start,
        )
