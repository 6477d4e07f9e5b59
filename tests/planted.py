"""The files of a project, spelled out: for each path the names that it is for, by what they name."""

import re
from collections.abc import Iterator

from facedance import layout

NASTY = tuple(
    dict.fromkeys(
        [
            *("subject_042", "ann", "ann.2024", "ann.0001", "0001", "control", "control-x", "stamps", "manifests", "default"),
            *("a--b", "params", "items", "x.safetensors", "ann_000", "no", "host-77.part"),
            *(part for path in layout.TEMPLATES.values() for part in path.split("/") if re.fullmatch(layout.NAME, part)),
        ]
    )
)
"""Allowed names of people and blends that look like something else, all folders and files of the layout among them."""

Names = dict[str, str]


OF_PEOPLE = ("make_sample_photos", "embed_faces", "embed_identity", "measure_proportions", "encode_photos", "train_adapter")
"""Rules with a job for each identity."""


def of_person(name: str) -> Iterator[tuple[str, Names]]:
    """What there is of one identity."""
    for path in (
        *(f"results/faces/{name}/{file}" for file in ("embedding.safetensors", "photos.safetensors", "photos.csv")),
        *(
            f"results/faces/{name}/{file}"
            for file in ("reference.png", "crops.png", "proportions.json", ".photos.host-77.part.csv")
        ),
        f"results/latents/photos/{name}.safetensors",
        f"results/latents/photos/.{name}.host-77.part.safetensors",
        *(f"results/train/{name}/{file}" for file in ("adapter.safetensors", "meta.json", "metrics.csv", "validation.csv")),
        *(f"results/train/{name}/{file}" for file in ("lora.kohya.safetensors", "validation/step_4.mp4")),
        *(f".cache/training/{name}/0123456789abcdef/step_0000004.{suffix}" for suffix in ("safetensors", "json")),
        f".cache/digests/data/photos/{name}/.known.jsonl",
        f"data/.stamps/make_sample_photos/{name}.json",
        *(f"results/faces/.stamps/{rule}/{name}.json" for rule in ("embed_faces", "embed_identity", "measure_proportions")),
        f"results/latents/.stamps/encode_photos/{name}.json",
        *(f"results/train/.stamps/train_adapter/{file}.json" for file in (name, f".{name}.host-77.part")),
        f"results/train/.stamps/export_lora/{name}/kohya.json",
        *(f"logs/{rule}/{name}.log" for rule in OF_PEOPLE),
        *(f"logs/{rule}/{name}.tsv" for rule in OF_PEOPLE),
        *(f"logs/export_lora/{name}/kohya.{suffix}" for suffix in ("log", "tsv")),
    ):
        yield path, {"identity": name}


def of_renders(who: str, shard: str) -> Iterator[tuple[str, Names]]:
    """What there is of a person's or blend's renders in a shard."""
    for path in (
        *(f"results/render/{who}/{file}.csv" for file in (shard, f".{shard}.host-77.part")),
        f"results/render/.stamps/render_shard/{who}/{shard}.json",
        *(f"results/evaluate/{kind}/{who}/{shard}.csv" for kind in ("shards", "seconds")),
        f"results/evaluate/.stamps/score_renders/{who}/{shard}.json",
        *(f"logs/{rule}/{who}/{shard}.{suffix}" for rule in ("render_shard", "score_renders") for suffix in ("log", "tsv")),
    ):
        yield path, {"who": who, "shard": shard}
    for file in ("scores.csv", "scores.json", "index.html", "media/videos/a.mp4"):
        yield f"results/score/{who}/others/{file}", {"who": who}


def of_render(who: str, clip: str, variant: str) -> Iterator[tuple[str, Names]]:
    """What there is of one render."""
    for path in (
        *(f"results/render/{who}/{clip}/{variant}.{suffix}" for suffix in ("mp4", "json")),
        f"results/render/{who}/{clip}/.{variant}.host-77.part.mp4",
        f"results/render/.items/{who}/{clip}/{variant}.json",
        f"results/render/.windows/{who}/{clip}/{variant}/0f3c/0000.safetensors",
        f".cache/digests/results/render/{who}/{clip}/.known.jsonl",
        f"results/render/.stamps/render_clip/{who}/{clip}/{variant}.json",
        f"results/evaluate/observations/{who}/{clip}/{variant}.safetensors",
        f"results/evaluate/observations/.items/{who}/{clip}/{variant}.json",
        *(f"logs/render_clip/{who}/{clip}/{variant}.{suffix}" for suffix in ("log", "tsv")),
    ):
        yield path, {"who": who, "clip": clip}


def of_clip(clip: str) -> Iterator[tuple[str, Names]]:
    """What there is of a clip or of a ready-made control video."""
    for path in (
        *(f"results/clips/{file}.mp4" for file in (clip, f".{clip}.host-77.part")),
        f"results/clips/.views/{clip}.mp4",
        f"results/clips/.paths/{clip}.json",
        f"results/poses/{clip}.mp4",
        *(f"results/poses/.items/{clip}.{suffix}" for suffix in ("json", "parquet")),
        f"results/dancers/{clip}.png",
        f"results/dancers/.items/{clip}.json",
        f"results/latents/clips/{clip}.safetensors",
        f"results/latents/clips/.items/{clip}.json",
    ):
        yield path, {"clip": clip}


def of_video(video: str) -> Iterator[tuple[str, Names]]:
    """What there is of a video as a whole."""
    for path in (
        f"results/clips/.items/{video}.json",
        *(f"data/.stamps/{rule}/{video}.json" for rule in ("make_sample_video", "fetch_aist_video")),
        *(f"logs/{rule}/{video}.{suffix}" for rule in ("make_sample_video", "fetch_aist_video") for suffix in ("log", "tsv")),
    ):
        yield path, {"video": video}


def of_shard(shard: str) -> Iterator[tuple[str, Names]]:
    """What there is of a shard."""
    rules = {"cut_clips": "clips", "extract_poses": "poses", "embed_dancers": "dancers", "encode_clips": "latents"}
    rules |= {"encode_heads": "latents"}
    for path in (
        *(f"results/{stage}/shards/{shard}.csv" for stage in ("clips", "poses", "latents")),
        *(f"results/{folder}/{shard}.parquet" for folder in ("poses/landmarks", "dancers/boxes")),
        f"results/dancers/embeddings/{shard}.safetensors",
        *(f"results/latents/heads/{shard}.{suffix}" for suffix in ("csv", "safetensors")),
        *(f"results/{stage}/.stamps/{rule}/{shard}.json" for rule, stage in rules.items()),
        *(f"logs/{rule}/{shard}.{suffix}" for rule in rules for suffix in ("log", "tsv")),
    ):
        yield path, {"shard": shard}


def of_part(part: str) -> Iterator[tuple[str, Names]]:
    """What there is of a part of the portraits in data/people."""
    for path in (
        *(f"results/latents/people/{part}.{suffix}" for suffix in ("csv", "safetensors")),
        f"results/latents/.stamps/encode_portraits/{part}.json",
        *(f"logs/encode_portraits/{part}.{suffix}" for suffix in ("log", "tsv")),
    ):
        yield path, {"part": part}


def of_nobody() -> Iterator[tuple[str, Names]]:
    """What is there whoever is in the project."""
    for path in (
        *("results/clips/clips.csv", "results/clips/.stamps/list_clips.json", "results/dancers/dancers.safetensors"),
        "results/evaluate/pose_accuracy.csv",
        *(f"results/face_branch/{file}" for file in ("people.csv", "texts.safetensors", "metrics.csv")),
        *(f"models/tiny/face_branch/{file}" for file in ("model.safetensors", "config.json", "card.json")),
        *(".cache/face_branch/0123456789abcdef/step_0000004.json", "results/face_branch/.stamps/list_people.json"),
        *("models/pose/pose_landmarker_full.task", "models/faces/dlib/manifest.json", "models/tiny/manifest.json"),
        *(
            ".cache/digests/data/videos/.known.jsonl",
            "models/loras/style.safetensors",
            "models/.stamps/place_tiny_model.json",
            "models/.stamps/fetch_lora/style.json",
        ),
        *("models/.stamps/fetch_wan_model/default.json", "data/.stamps/make_sample_keypoints/gBR_cAll.json"),
        *("data/.stamps/fetch_aist_keypoints/gBR_cAll.json", "data/aist/ignore_list.txt"),
        *("logs/prune.log", "logs/list_clips.log", "logs/list_clips.tsv", "models/.stamps/fetch_face_model/dlib.json"),
        *(f"logs/fetch_{job}.{suffix}" for job in ("face_model/dlib", "wan_model/default") for suffix in ("log", "tsv")),
        *(
            f"logs/{job}.{suffix}"
            for job in ("fetch_lora/style", "make_sample_keypoints/gBR_cAll", "fetch_aist_keypoints/gBR_cAll")
            for suffix in ("log", "tsv")
        ),
    ):
        yield path, {}


def of_everybody() -> Iterator[tuple[str, Names]]:
    """What tells of several people."""
    for path in (
        *("results/evaluate/metrics.csv", "results/evaluate/metrics.json", "results/evaluate/.metrics.host-77.part.csv"),
        "results/evaluate/seconds.csv",
        *("results/report/index.html", "results/report/media/faces/ann/reference.png"),
        "results/report/.stamps/build_report.json",
        *("results/latents/prompts.safetensors", "results/latents/.stamps/encode_prompts.json", "logs/encode_prompts.log"),
        *("results/check/index.html", "results/check/media/faces/ann.png", "results/check/.stamps/build_check.json"),
    ):
        yield path, {}


def brought(people: tuple[str, ...], videos: tuple[str, ...]) -> Iterator[tuple[str, Names]]:
    """What the user or the sample puts into data/."""
    for path in (
        *(f"data/photos/{name}/a.jpg" for name in people),
        *(f"data/videos/{video}.mp4" for video in videos),
        *(f"data/ground_truth/{video}.parquet" for video in videos),
        *("data/people/a.jpg", "data/control/x.mp4", "data/keypoints2d/gBR_cAll.pkl", "data/keypoints2d/.sample/gBR_cAll.json"),
        *(f"data/photos/{name}/.sample/photos.json" for name in people),
        *(f"data/videos/.sample/{video}.json" for video in videos),
    ):
        yield path, {}
