"""What the tiny model, which has seen square pictures only, makes of other shapes: people and dances that are held out.

usage: python -m lab.settings.shapes [--people 1] [--seeds 2]    (after `snakemake models`)

Prints a row for each shape and distance of the camera: faces found by dlib, their distance to the person, PCK of the pose. The
face branch and the reference, no LoRA; the control is drawn from the true joints. A clip takes some ten seconds of a core.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from facedance.config import params
from facedance.config.params import Params
from facedance.evaluate import pose
from facedance.evaluate.judge import LandmarkJudge, installed_predictor
from facedance.evaluate.sight import surest_face, track_dancer
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embedding import distance
from facedance.faces.photos import read_picture
from facedance.latents.encode import encode_prompts
from facedance.poses.draw import draw_pose
from facedance.poses.skeleton import COCO, COCO_IN_MEDIAPIPE, to_openpose
from facedance.sample.dancer import Camera, Dancer, draw, empty_room
from facedance.sample.head import Head
from facedance.sample.traits import generator
from facedance.video.frames import resized
from facedance.video.pictures import Frames
from facedance.wan.encoder import LatentEncoder
from facedance.wan.load import choose_device
from facedance.wan.pipeline import ControlLatents, load_pipeline, render_frames
from facedance.wan.pretrained_face import FACE_BRANCH, load_face_branch
from lab.identity.cast import NAMES, WORLD_SEED, folder_name
from lab.identity.clips import driver_of
from lab.identity.sitters import Sitter, photograph_sitter, read_sitter
from lab.world.scene import performed
from lab.world.split import HELDOUT_MOVES
from lab.world.words import describe

MODEL, FACES, POSE = Path("models/tiny"), Path("models/faces/dlib"), Path("models/pose/pose_landmarker_full.task")
FOLDER = Path("lab/results/shapes")
SHAPES = (((128, 128), 1.0), ((112, 144), 0.9), ((96, 160), 0.8), ((96, 144), 0.95))
"""Sizes of a render, and the camera's zoom."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    project, backend, judge = params.load(Path("params.yaml")), DlibBackend(FACES), LandmarkJudge(installed_predictor())
    pipeline = load_pipeline(MODEL, project.wan, project.render.memory, project.render.speed)
    branch = load_face_branch(MODEL / FACE_BRANCH, backend.dimension)
    assert branch is not None
    branch.to(choose_device()).eval().requires_grad_(False)
    branch.attach(pipeline.transformer)
    rows = []
    for name in NAMES[: given.people]:
        folder = FOLDER / folder_name(name)
        if not (folder / "embedding.safetensors").exists():
            photograph_sitter(folder, backend, judge, project.faces)
        who = read_sitter(folder)
        for seed in range(given.seeds):
            place = f"shape {who.name}/{seed}"
            driver = driver_of(place)
            prompts = _prompts(project, describe(driver))
            for size, zoom in SHAPES:
                control, joints = _danced(place, driver, size, zoom, project)
                encoder = LatentEncoder(pipeline.vae, *size)
                head = encoder.reference(read_picture(who.folder / "reference.png"))
                frames = render_frames(
                    pipeline,
                    branch,
                    ControlLatents(encoder.control(control), (head,)),
                    face=torch.from_numpy(who.embedding.vector)[None],
                    prompt=prompts["clip"],
                    negative_prompt=prompts["negative"],
                    settings=project.render.settings.model_copy(update={"seed": seed}),
                )
                figures = _seen(resized(frames, project.wan.clip_size(size)), joints, who, backend, project)
                rows.append({"size": f"{size[0]}x{size[1]}", "zoom": zoom, **figures})
                print(pd.DataFrame(rows).groupby(["size", "zoom"], sort=False).mean().round(3).to_string(), flush=True)


def _prompts(project: Params, text: str) -> dict[str, torch.Tensor]:
    texts = {"clip": text, "negative": project.prompts[project.render.settings.negative_prompt]}
    encode_prompts(MODEL, project.wan, texts, FOLDER / "prompts.safetensors")
    return load_file(FOLDER / "prompts.safetensors")


def _danced(place: str, driver: Dancer, size: tuple[int, int], zoom: float, project: Params) -> tuple[Frames, np.ndarray]:
    """Control pictures (T, H, W, 3) of a dance, and its joints (T, 17, 2) in pixels of clips."""
    wan = project.wan
    width, height = wan.clip_size(size)
    camera = Camera(width, height, zoom)
    head, room = Head(driver.face, driver.body.head * camera.scale), empty_room(driver, camera)
    skeleton = performed(driver, HELDOUT_MOVES, np.arange(wan.frames), generator(f"{place} dance", WORLD_SEED))
    joints = np.stack([draw(driver, head, skeleton, frame, camera, room)[1] for frame in range(wan.frames)])
    poses = to_openpose(np.concatenate([joints, np.ones((*joints.shape[:2], 1))], -1).astype(np.float32), COCO)
    drawn = [draw_pose(one, width, height, wan.drawing_side) for one in poses]
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in drawn]), joints


def _seen(frames: Frames, joints: np.ndarray, who: Sitter, backend: DlibBackend, project: Params) -> dict[str, float]:
    """What recogniser and landmarker see in frames (T, H, W, 3) in the size of clips."""
    looked = [(frame, surest_face(frame, backend)) for frame in frames[:: project.evaluate.every]]
    near = [distance(backend.embed(frame, face), who.embedding) for frame, face in looked if face is not None]
    people = np.stack([person for _, person in track_dancer(frames, project.wan.fps, POSE)])
    score = pose.compare(people[:, COCO_IN_MEDIAPIPE, :2], joints, np.ones(joints.shape[:2], bool))
    return {"faces": len(near) / len(looked), "distance": float(np.mean(near)) if near else np.nan, "pck": score.pck or 0.0}


if __name__ == "__main__":
    main()
