# Weights: fetched once, checked by size and sha256, never fetched again while they are there.

POSE_MODEL = "models/pose/pose_landmarker_full.task"
FACE_FOLDER = (
    "models/faces/dlib"
    if PARAMS.faces.backend == "dlib"
    else f"models/faces/{PARAMS.faces.insightface_model}"
)
FACE_MODEL = f"{FACE_FOLDER}/manifest.json"
WAN_FOLDER = f"models/{PARAMS.model}"
WAN_MODEL = f"{WAN_FOLDER}/manifest.json"
LORA_FILES = brought_or_made(
    (l.path(name) for name, l in PARAMS.render.loras.items() if not l.repo),
    (l.path(name) for name, l in PARAMS.render.loras.items() if l.repo),
)


rule fetch_pose_model:
    output:
        POSE_MODEL,
    log:
        "logs/fetch_pose_model.log",
    benchmark:
        "logs/fetch_pose_model.tsv"
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    message:
        "Fetching the pose model"
    script:
        "../scripts/fetch_pose_model.py"


rule fetch_face_model:
    output:
        "models/faces/{pack}/manifest.json",
    log:
        "logs/fetch_face_model/{pack}.log",
    benchmark:
        "logs/fetch_face_model/{pack}.tsv"
    priority: 100
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    message:
        "Fetching the face recogniser {wildcards.pack}"
    script:
        "../scripts/fetch_face_model.py"


rule place_tiny_model:
    input:
        ancient("assets/tiny/meta.json"),  # holds the weights' digests
        stamp=stamp(
            "models",
            "place_tiny_model",
            {},
            files=lambda w: ["assets/tiny/meta.json"],
        ),
    output:
        "models/tiny/manifest.json",
    log:
        "logs/place_tiny_model.log",
    benchmark:
        "logs/place_tiny_model.tsv"
    conda:
        "../environment.yml"
    message:
        "Putting the tiny Wan2.1-VACE in place"
    script:
        "../scripts/place_tiny_model.py"


rule fetch_wan_model:
    input:
        stamp=stamp("models", "fetch_wan_model", wan_source, code=False),
    output:
        "models/{model}/manifest.json",
    log:
        "logs/fetch_wan_model/{model}.log",
    benchmark:
        "logs/fetch_wan_model/{model}.tsv"
    wildcard_constraints:
        model="|".join(n for n, m in PARAMS.models.items() if m.repo or m.folder)
        or "(?!)",
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    params:
        model=wan_source,
    message:
        "Fetching {wildcards.model}"
    script:
        "../scripts/fetch_wan_model.py"


rule fetch_lora:
    input:
        stamp=stamp("models", "fetch_lora", lora_source, code=False),
    output:
        "models/loras/{lora}.safetensors",
    log:
        "logs/fetch_lora/{lora}.log",
    benchmark:
        "logs/fetch_lora/{lora}.tsv"
    wildcard_constraints:
        lora="|".join(n for n, lora in PARAMS.render.loras.items() if lora.repo)
        or "(?!)",
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    params:
        lora=lora_source,
    message:
        "Fetching the LoRA {wildcards.lora}"
    script:
        "../scripts/fetch_lora.py"
