"""Where everything lies: a template for each kind of file, shared by rules, prune, forget and the table in the docs.

`{identity}` is a person, `{who}` a person, a blend or a cast (`facedance.config.cast`), the other wildcards are called after what
they name. No part of a path holds two of them, and what the program keeps for itself begins with a dot, as no name does. So a
path tells whose it is, whatever people and videos are called.
"""

from collections.abc import Iterable

from facedance.names import CONTROL_SHARD, SAFE

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

WILDCARDS = {
    "identity": NAME,
    "who": rf"{NAME}(?:~{NAME})*",
    "video": SAFE,
    "clip": SAFE,
    "variant": r"[a-z][A-Za-z0-9._~-]*",
    "shard": rf"\d{{4}}|{CONTROL_SHARD}",
    "part": r"\d{4}",
}
"""What names look like, as regular expressions. Other wildcards stand for anything without a slash, `{path}` for anything."""

# What the user brings, or the sample makes.
PHOTO = "data/photos/{identity}/{photo}"
VIDEO = "data/videos/{video}.mp4"
CONTROL_VIDEO = "data/control/{video}.mp4"
PORTRAIT = "data/people/{path}"
KEYPOINTS = "data/keypoints2d/{sequence}.pkl"
IGNORE_LIST = "data/aist/ignore_list.txt"
GROUND_TRUTH = "data/ground_truth/{video}.parquet"
SAMPLE_PHOTOS = "data/photos/{identity}/.sample/photos.json"
SAMPLE_VIDEO = "data/videos/.sample/{video}.json"
SAMPLE_KEYPOINTS = "data/keypoints2d/.sample/{sequence}.json"

# What is known of the content of these files.
PHOTO_DIGESTS = ".cache/digests/data/photos/{identity}/{path}"
RENDER_DIGESTS = ".cache/digests/results/render/{who}/{clip}/{path}"
OTHER_DIGESTS = ".cache/digests/{path}"

# Weights.
POSE_MODEL = "models/pose/pose_landmarker_full.task"
FACE_MODEL = "models/faces/{pack}/manifest.json"
WAN_MODEL = "models/{model}/manifest.json"
LORA = "models/loras/{lora}.safetensors"
FACE_BRANCH = "models/{model}/face_branch/model.safetensors"
FACE_BRANCH_SIZES = "models/{model}/face_branch/config.json"
FACE_BRANCH_CARD = "models/{model}/face_branch/card.json"

# Photos -> faces.
EMBEDDING = "results/faces/{identity}/embedding.safetensors"
PHOTO_EMBEDDINGS = "results/faces/{identity}/photos.safetensors"
PHOTO_LIST = "results/faces/{identity}/photos.csv"
REFERENCE = "results/faces/{identity}/reference.png"
CONTACT_SHEET = "results/faces/{identity}/crops.png"
PROPORTIONS = "results/faces/{identity}/proportions.json"

# Videos -> clips.
CLIP = "results/clips/{clip}.mp4"
CLIP_VIEW = "results/clips/.views/{clip}.mp4"
CLIP_PATH = "results/clips/.paths/{clip}.json"
CLIP_RECORD = "results/clips/.items/{video}.json"
CLIP_LIST = "results/clips/shards/{shard}.csv"
ALL_CLIPS = "results/clips/clips.csv"

# Clips -> poses.
CONTROL = "results/poses/{clip}.mp4"
CONTROL_RECORD = "results/poses/.items/{clip}.json"
CONTROL_LIST = "results/poses/shards/{shard}.csv"
CLIP_LANDMARKS = "results/poses/.items/{clip}.parquet"
LANDMARKS = "results/poses/landmarks/{shard}.parquet"

# Clips -> dancers.
DANCER = "results/dancers/{clip}.png"
DANCER_RECORD = "results/dancers/.items/{clip}.json"
DANCER_BOXES = "results/dancers/boxes/{shard}.parquet"
DANCER_EMBEDDINGS = "results/dancers/embeddings/{shard}.safetensors"
ALL_DANCERS = "results/dancers/dancers.safetensors"

# Photos, clips, poses -> a page to look at before the training.
CHECK = "results/check/index.html"
CHECK_MEDIA = "results/check/media/{path}"

# All of these -> latents.
PROMPTS = "results/latents/prompts.safetensors"
LATENTS = "results/latents/clips/{clip}.safetensors"
LATENTS_RECORD = "results/latents/clips/.items/{clip}.json"
LATENTS_LIST = "results/latents/shards/{shard}.csv"
PHOTO_LATENTS = "results/latents/photos/{identity}.safetensors"
HEAD_LATENTS = "results/latents/heads/{shard}.safetensors"
HEAD_LIST = "results/latents/heads/{shard}.csv"
PORTRAIT_LATENTS = "results/latents/people/{part}.safetensors"
PORTRAIT_LIST = "results/latents/people/{part}.csv"

# Portraits of many people -> a face branch of the model's own.
PEOPLE = "results/face_branch/people.csv"
PORTRAIT_TEXTS = "results/face_branch/texts.safetensors"
BRANCH_LOSSES = "results/face_branch/metrics.csv"
BRANCH_CHECKPOINTS = ".cache/face_branch/{path}"

# Latents -> adapters.
ADAPTER = "results/train/{identity}/adapter.safetensors"
ADAPTER_FACTS = "results/train/{identity}/meta.json"
LOSSES = "results/train/{identity}/metrics.csv"
LIKENESS = "results/train/{identity}/validation.csv"
VALIDATION = "results/train/{identity}/validation/{step}.mp4"
EXPORTED_LORA = "results/train/{identity}/lora.{format}.safetensors"
CHECKPOINTS = ".cache/training/{identity}/{path}"

# Adapters and latents -> renders.
RENDER = "results/render/{who}/{clip}/{variant}.mp4"
RENDER_FACTS = "results/render/{who}/{clip}/{variant}.json"
RENDER_RECORD = "results/render/.items/{who}/{clip}/{variant}.json"
RENDER_WINDOWS = "results/render/.windows/{who}/{clip}/{variant}/{path}"
RENDER_LIST = "results/render/{who}/{shard}.csv"

# Renders -> scores.
OBSERVATION = "results/evaluate/observations/{who}/{clip}/{variant}.safetensors"
OBSERVATION_RECORD = "results/evaluate/observations/.items/{who}/{clip}/{variant}.json"
SCORES = "results/evaluate/shards/{who}/{shard}.csv"
SECONDS = "results/evaluate/seconds/{who}/{shard}.csv"
ALL_SCORES = "results/evaluate/metrics.csv"
ALL_SECONDS = "results/evaluate/seconds.csv"
MEAN_SCORES = "results/evaluate/metrics.json"
POSE_ACCURACY = "results/evaluate/pose_accuracy.csv"

# Videos of others -> scores of them: `facedance score`.
SCORED = "results/score/{who}/{folder}/scores.csv"
SCORED_FACTS = "results/score/{who}/{folder}/scores.json"
SCORED_PAGE = "results/score/{who}/{folder}/index.html"
SCORED_MEDIA = "results/score/{who}/{folder}/media/{path}"

# Everything -> the page.
REPORT = "results/report/index.html"
REPORT_MEDIA = "results/report/media/{path}"

TEMPLATES = {
    name: value
    for name, value in globals().copy().items()
    if isinstance(value, str) and value.startswith(("data/", "models/", "results/", ".cache/"))
}
"""All of the above, by name."""

OF_SEVERAL_PEOPLE = (ALL_SCORES, ALL_SECONDS, MEAN_SCORES, "results/check", "results/report")
"""What tells of everybody at once, so that it has to go with each of them."""

OF_TRIGGER_WORDS = (PROMPTS, "results/latents/.stamps/encode_prompts.json", "logs/encode_prompts.log")
"""What tells of those who have a trigger word, so that it has to go with each of them."""

JOBS = {
    "make_sample_photos": ("identity",),
    "make_sample_video": ("video",),
    "make_sample_keypoints": ("sequence",),
    "fetch_aist_video": ("video",),
    "fetch_aist_keypoints": ("sequence",),
    "fetch_face_model": ("pack",),
    "fetch_wan_model": ("model",),
    "fetch_lora": ("lora",),
    "embed_faces": ("identity",),
    "embed_identity": ("identity",),
    "measure_proportions": ("identity",),
    "cut_clips": ("shard",),
    "extract_poses": ("shard",),
    "embed_dancers": ("shard",),
    "encode_clips": ("shard",),
    "encode_photos": ("identity",),
    "encode_heads": ("shard",),
    "encode_portraits": ("part",),
    "train_adapter": ("identity",),
    "export_lora": ("identity", "format"),
    "render_shard": ("who", "shard"),
    "render_clip": ("who", "clip", "variant"),
    "score_renders": ("who", "shard"),
}
"""The wildcards of each rule's jobs. A rule that is not listed has a single job."""

STAMPS = ("data/.stamps", "models/.stamps", "results/{stage}/.stamps")
"""Folders of the stamps."""


def of_job(folder: str, rule: str, names: Iterable[str], suffix: str) -> str:
    """Path of a job's file: `<folder>/<rule>/<name>/<name><suffix>`, with the values of the job's wildcards for names."""
    return "/".join([folder, rule, *names]) + suffix


def log(rule: str) -> str:
    """Template of what the jobs of a rule said."""
    return of_job("logs", rule, _wildcards(rule), ".log")


def timing(rule: str) -> str:
    """Template of how long the jobs of a rule took, and how much memory."""
    return of_job("logs", rule, _wildcards(rule), ".tsv")


def stamps(rule: str) -> list[str]:
    """Templates of the stamps of a rule's jobs."""
    return [of_job(folder, rule, _wildcards(rule), ".json") for folder in STAMPS]


def folder(template: str) -> str:
    """The folder in which the first wildcard of a template begins: `results/render` of RENDER."""
    return template.partition("{")[0].rpartition("/")[0]


def _wildcards(rule: str) -> list[str]:
    return [f"{{{wildcard}}}" for wildcard in JOBS.get(rule, ())]
