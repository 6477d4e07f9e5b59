# Weights: fetched once, checked by size and sha256, never fetched again while they are there.

POSE_MODEL = layout.POSE_MODEL
FACE_MODEL = layout.FACE_MODEL.format(
    pack="dlib" if PARAMS.faces.backend == "dlib" else PARAMS.faces.insightface_model
)
# Another recogniser, who looks at renders that were chosen by the first: dlib, or ArcFace where its weights are here, which
# are for research only. What it says decides nothing, so that it is no reason to render anew.
FURTHER_FACE_MODEL = layout.FACE_MODEL.format(
    pack=PARAMS.faces.insightface_model if PARAMS.faces.backend == "dlib" else "dlib"
)
HAS_FURTHER = PARAMS.faces.backend != "dlib" or Path(FURTHER_FACE_MODEL).is_file()
FURTHER_FACE_MODELS = [ancient(FURTHER_FACE_MODEL)] if HAS_FURTHER else []
# InsightFace computes on a GPU where the model has one; dlib's wheels know none.
FACE_GPUS = MODEL_GPUS if PARAMS.faces.backend == "insightface" else 0
WAN_MODEL = layout.WAN_MODEL.format(model=PARAMS.model)
LORAS = {
    name: layout.LORA.format(lora=name) if lora.repo else lora.file
    for name, lora in PARAMS.render.loras.items()
}
FETCHED_LORAS = [LORAS[name] for name, lora in PARAMS.render.loras.items() if lora.repo]


rule fetch_pose_model:
    output:
        POSE_MODEL,
    log:
        layout.log("fetch_pose_model"),
    benchmark:
        layout.timing("fetch_pose_model")
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    message:
        "Fetching the pose model"
    script:
        "../scripts/fetch_pose_model.py"


rule fetch_face_model:
    output:
        layout.FACE_MODEL,
    log:
        layout.log("fetch_face_model"),
    benchmark:
        layout.timing("fetch_face_model")
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
        stamp=stamp(
            "models",
            "place_tiny_model",
            {},
            files=lambda w: [of_program("assets/tiny/meta.json")],
        ),
    output:
        layout.WAN_MODEL.format(model="tiny"),
    log:
        layout.log("place_tiny_model"),
    benchmark:
        layout.timing("place_tiny_model")
    conda:
        "../environment.yml"
    params:
        weights=lambda w: of_program("assets/tiny"),  # meta.json there holds their digests
    message:
        "Putting the tiny Wan2.1-VACE in place"
    script:
        "../scripts/place_tiny_model.py"


rule fetch_wan_model:
    input:
        stamp=stamp("models", "fetch_wan_model", wan_source, code=False),
    output:
        layout.WAN_MODEL,
    log:
        layout.log("fetch_wan_model"),
    benchmark:
        layout.timing("fetch_wan_model")
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
        layout.LORA,
    log:
        layout.log("fetch_lora"),
    benchmark:
        layout.timing("fetch_lora")
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
