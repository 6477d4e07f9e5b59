# What the model reads, computed once: VAE latents of clips, control videos and photos, and text embeddings.


rule encode_prompts:
    input:
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_prompts",
            {"prompts": PARAMS.prompts, "dtype": PARAMS.wan.dtype},
        ),
    output:
        "results/latents/prompts.safetensors",
    log:
        "logs/encode_prompts.log",
    benchmark:
        "logs/encode_prompts.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        prompts=PARAMS.prompts,
        dtype=PARAMS.wan.dtype,
    message:
        "Encoding the prompts"
    script:
        "../scripts/encode_prompts.py"


rule encode_clips:
    input:
        clips="results/clips/shards/{shard}.csv",
        poses="results/poses/shards/{shard}.csv",
        dancers="results/dancers/embeddings/{shard}.safetensors",
        model=WAN_MODEL,
        stamp=stamp("latents", "encode_clips", part("wan")),
    output:
        "results/latents/shards/{shard}.csv",
    log:
        "logs/encode_clips/{shard}.log",
    benchmark:
        "logs/encode_clips/{shard}.tsv"
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
    message:
        "Encoding clips, shard {wildcards.shard}"
    script:
        "../scripts/encode_clips.py"


rule encode_controls:
    input:
        controls=f"results/poses/shards/{names.CONTROL_SHARD}.csv",
        model=WAN_MODEL,
        stamp=stamp("latents", "encode_controls", part("wan")),
    output:
        f"results/latents/shards/{names.CONTROL_SHARD}.csv",
    log:
        "logs/encode_controls.log",
    benchmark:
        "logs/encode_controls.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
    message:
        "Encoding ready-made control videos"
    script:
        "../scripts/encode_controls.py"


rule encode_photos:
    input:
        photos_csv="results/faces/{identity}/photos.csv",
        photos=lambda w: photos_of(w.identity),
        reference="results/faces/{identity}/reference.png",
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_photos",
            part("wan", "poses", "faces"),
            files=lambda w: photos_of(w.identity),
        ),
    output:
        "results/latents/photos/{identity}.safetensors",
    log:
        "logs/encode_photos/{identity}.log",
    benchmark:
        "logs/encode_photos/{identity}.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan", "poses", "faces"),
    message:
        "Encoding the photos of {wildcards.identity}"
    script:
        "../scripts/encode_photos.py"
