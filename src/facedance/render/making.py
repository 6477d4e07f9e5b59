"""One render: who is seen in it, and its frames, made at once or window by window."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from safetensors.torch import load_file
from torch import Tensor

from facedance.faces.embedding import Embedding, load_embeddings
from facedance.latents.references import read_reference
from facedance.render.blend import blended_faces
from facedance.render.casting import casting
from facedance.render.closeup import with_close_ups
from facedance.render.driving import driving_of
from facedance.render.going_on import make_windows, on_poses
from facedance.render.inputs import RenderInputs, RenderJob
from facedance.render.roles import Role
from facedance.render.scene import Scene, frames_of
from facedance.render.windows import PartReader, WindowFiles, enlarged, one_by_one
from facedance.video.frames import read_frames
from facedance.video.pictures import Frame, Frames
from facedance.wan.face_branch import FaceBranch
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, encoder_of, latent_frame


def made(
    job: RenderJob,
    inputs: RenderInputs,
    roles: Sequence[Role],
    prompts: Mapping[str, Tensor],
    pipeline: FaceVACEPipeline,
    branches: Mapping[int | None, FaceBranch],
    files: WindowFiles,
) -> Iterator[Frame]:
    """Make a render; its frames (H, W, 3), one by one.

    Args:
        prompts: encoded ones, by their names.
        branches: of those who are shown, by dancer, on the pipeline's transformer.
        files: where the windows of a long one are kept.

    Raises:
        InputError: none of the dancers who become somebody is in the clip.
    """
    latents = load_file(inputs.latents(job.clip))["control"]
    windows = inputs.windows(job)
    poses: Callable[[range], Frames] = functools.partial(read_frames, inputs.control(job.clip))
    driving = driving_of(inputs, roles, job.clip, job.settings) if inputs.placed(job.settings) else None
    cast = None if driving is None else casting(inputs, job.clip, driving)
    if driving is not None and driving.anew:
        poses = driving.poses
        latents = encoder_of(pipeline, latents).control(poses(range(windows[0].end)))
    there = [role for role in roles if cast is None or role.dancer in cast.driving.dancers.joints]
    photos = {role.dancer: inputs.people[role.heaviest].photos for role in there if job.settings.reference}
    heads = tuple(read_reference(path, latents) for path in photos.values())
    last = latent_frame(pipeline, windows[-1].end - 1)
    scene = Scene(
        faces={role.dancer: blended_faces(_embeddings(inputs, role), role.blend, 1 + last) for role in there},
        branches=branches,
        casting=cast,
        driving=driving,
        photos=photos,
    )
    make = functools.partial(frames_of, pipeline, prompts, job.settings)
    shown: PartReader
    if len(windows) == 1:
        whole = make(scene, ControlLatents(latents, heads), windows[0])
        shown = functools.partial(_part, whole)
    else:
        encoder = encoder_of(pipeline, latents)
        conditioned = on_poses(latents, poses, encoder)
        make_windows(windows, files, conditioned, heads, encoder, job.settings, functools.partial(make, scene))
        shown = functools.partial(files.part, windows)
    if job.settings.enlarge > 1:
        shown = enlarged(shown, job.settings.enlarge)
    if job.settings.close_up:
        shown = with_close_ups(job, inputs, pipeline, scene, make, shown, files)
    return one_by_one(windows, shown)


def _embeddings(inputs: RenderInputs, role: Role) -> dict[str, Embedding]:
    return {name: load_embeddings(inputs.people[name].embedding)["embedding"] for name in role.weights}


def _part(frames: Frames, some: range) -> Frames:
    return frames[some.start : some.stop]
