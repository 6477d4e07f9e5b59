"""At which noise level a face is lost: clips denoised from the drawn person's own latents, with more and more noise on them.

usage: python -m lab.settings.noise_levels [--people 16] [--seed 0]     (after `snakemake models`)

From all noise a clip is a render (the embedding alone, Euler steps); from little of it the model has only details to add. Prints,
for the drawing, the VAE and each level to begin at, the share of frames with a face and its distance to the person.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from facedance.config import params
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import WanModel
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.faces.dlib_backend import DlibBackend
from facedance.latents.encode import encode_prompts
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.flow import TIMESTEPS
from facedance.wan.load import load_scheduler, load_transformer, load_vae, with_shift
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.identity.cast import NAMES, folder_name
from lab.identity.clips import make_clip
from lab.identity.look import Judges
from lab.identity.sitters import photograph_sitter, read_sitter

MODEL, FACES, POSE = Path("models/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
CPU = torch.device("cpu")


class Denoiser:
    """The tiny model, from any noise level on."""

    def __init__(self, wan: WanModel, settings: RenderSettings) -> None:
        self.transformer = load_transformer(MODEL, torch.float32, CPU)
        branch = load_face_branch(MODEL / FACE_BRANCH, DlibBackend.dimension)
        if branch is None:
            sys.exit(f"{MODEL} has no face branch: `snakemake models` puts the tiny model there")
        self.branch = branch
        self.branch.attach(self.transformer)
        self.encoder = LatentEncoder(load_vae(MODEL, CPU), *wan.sizes[0])
        scheduler = with_shift(load_scheduler(MODEL), settings.flow_shift)
        scheduler.set_timesteps(settings.steps)
        self.sigmas = scheduler.sigmas.tolist()

    def finish(self, latents: Tensor, first: int, face: Tensor, text: Tensor, control: Tensor) -> Tensor:
        """Latents (z, T', h, w) at the `first` noise level, denoised by Euler steps."""
        for sigma, following in zip(self.sigmas[first:-1], self.sigmas[first + 1 :], strict=True):
            with self.branch.condition(face[None, None], 1.0):
                (velocity,) = self.transformer(
                    hidden_states=latents[None],
                    timestep=torch.tensor([sigma * TIMESTEPS]),
                    encoder_hidden_states=text[None],
                    control_hidden_states=control[None],
                    return_dict=False,
                )
            latents = latents + (following - sigma) * velocity[0]
        return latents


def main() -> None:
    """Print a line for each level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    project, backend, judge = params.load(Path("params.yaml")), DlibBackend(FACES), LandmarkJudge(installed_predictor())
    judges = Judges(backend, judge, POSE, project.evaluate.every, project.wan)
    denoiser = Denoiser(project.wan, project.render.settings)
    seen: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        for name in NAMES[: given.people]:
            home = Path(folder) / folder_name(name)
            photograph_sitter(home, backend, judge, project.faces)
            who = read_sitter(home)
            clip = make_clip(who.face, who.name, given.seed, project.wan, project.poses, POSE)
            texts = Path(folder) / "prompts.safetensors"
            encode_prompts(MODEL, project.wan, {"clip": clip.prompt}, texts)
            face, text = torch.from_numpy(who.embedding.vector), load_file(texts)["clip"]
            for label, frames in versions(denoiser, clip.truth, clip.control, face, text, given.seed):
                away = np.linalg.norm(judges.look(frames).faces - who.embedding.raw, axis=1)
                found = np.isfinite(away)
                seen.setdefault(label, []).append((found.mean(), away[found].mean() if found.any() else np.nan))
    for label, values in seen.items():
        detected, distance = np.nanmean(values, axis=0)
        print(f"{label:24} faces found {detected:.3f}, distance {distance:.3f}")


def versions(
    denoiser: Denoiser, truth: Frames, control: Frames, face: Tensor, text: Tensor, seed: int
) -> Iterator[tuple[str, Frames]]:
    """The drawn person, through the VAE, and denoised from each level on."""
    latents, channels = denoiser.encoder.video(truth), denoiser.encoder.control(control)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))
    yield "as drawn", truth
    yield "through the VAE", denoiser.encoder.decode(latents)
    for first, sigma in reversed(list(enumerate(denoiser.sigmas[:-1]))):
        noisy = (1 - sigma) * latents + sigma * noise
        yield f"from noise level {sigma:.3f}", denoiser.encoder.decode(denoiser.finish(noisy, first, face, text, channels))


if __name__ == "__main__":
    main()
