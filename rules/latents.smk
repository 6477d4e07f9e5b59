# What the model reads, computed once: VAE latents of clips, control videos and photos, and text embeddings.


rule encode_prompts:
    input:
        # The text encoder is heavy: nobody waits for it whose videos are of no use.
        clips=ancient(layout.ALL_CLIPS),
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_prompts",
            {"texts": all_texts(PARAMS), "dtype": PARAMS.wan.dtype},
        ),
    output:
        layout.PROMPTS,
    log:
        layout.log("encode_prompts"),
    benchmark:
        layout.timing("encode_prompts")
    priority: 100  # it refuses videos of no use, and other work with the model can wait
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
        texts=all_texts(PARAMS),
        controls=bool(CONTROLS.files),
    message:
        "Encoding the prompts"
    script:
        "../scripts/encode_prompts.py"


rule encode_clips:
    input:
        clips=layout.CLIP_LIST,
        poses=layout.CONTROL_LIST,
        dancers=layout.DANCER_EMBEDDINGS,
        model=WAN_MODEL,
        stamp=stamp("latents", "encode_clips", part("wan"), items=learned_in_shard),
    output:
        layout.LATENTS_LIST,
    log:
        layout.log("encode_clips"),
    benchmark:
        layout.timing("encode_clips")
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
        clips_folder=folder_of(layout.CLIP),
        poses_folder=folder_of(layout.CONTROL),
        references_folder=folder_of(layout.DANCER),
        folder=folder_of(layout.LATENTS),
        learned=learned_in_shard,
    message:
        "Encoding clips, shard {wildcards.shard}"
    script:
        "../scripts/encode_clips.py"


rule encode_controls:
    input:
        controls=layout.CONTROL_LIST.format(shard=names.CONTROL_SHARD),
        model=WAN_MODEL,
        stamp=stamp("latents", "encode_controls", part("wan")),
    output:
        layout.LATENTS_LIST.format(shard=names.CONTROL_SHARD),
    log:
        layout.log("encode_controls"),
    benchmark:
        layout.timing("encode_controls")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan"),
        controls_folder=folder_of(layout.CONTROL),
        folder=folder_of(layout.LATENTS),
    message:
        "Encoding ready-made control videos"
    script:
        "../scripts/encode_controls.py"


rule encode_photos:
    input:
        photos_csv=layout.PHOTO_LIST,
        reference=layout.REFERENCE,
        embedding=layout.EMBEDDING,  # only to know that the photos are enough
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_photos",
            {**part("wan", "poses", "faces"), "shares": [*PARAMS.train.face_shares]},
            items=lambda w: photos_of(w.identity),
            files=lambda w: photos_of(w.identity).values(),
        ),
    output:
        layout.PHOTO_LATENTS,
    log:
        layout.log("encode_photos"),
    benchmark:
        layout.timing("encode_photos")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("wan", "poses", "faces"),
        shares=[*PARAMS.train.face_shares],
        photos=lambda w: photos_of(w.identity),
    message:
        "Encoding the photos of {wildcards.identity}"
    script:
        "../scripts/encode_photos.py"


rule encode_heads:
    input:
        embeddings=layout.DANCER_EMBEDDINGS,  # with the pictures' digests
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_heads",
            {**part("poses", "faces"), "wan": STILL},
            items=heads_to_learn,
        ),
    output:
        table=layout.HEAD_LIST,
        latents=layout.HEAD_LATENTS,
    log:
        layout.log("encode_heads"),
    benchmark:
        layout.timing("encode_heads")
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("poses", "faces"),
        wan=STILL,
        videos=heads_to_learn,
        folder=folder_of(layout.DANCER),
    message:
        "Encoding the dancers' heads, shard {wildcards.shard}"
    script:
        "../scripts/encode_heads.py"


rule encode_portraits:
    input:
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        model=WAN_MODEL,
        stamp=stamp(
            "latents",
            "encode_portraits",
            {
                **part("poses", "faces"),
                "wan": STILL,
                "licensed": bool(PARAMS.face_branch.licence.strip()),
            },
            items=portraits_of,
            files=lambda w: portraits_of(w).values(),
        ),
    output:
        table=layout.PORTRAIT_LIST,
        latents=layout.PORTRAIT_LATENTS,
    log:
        layout.log("encode_portraits"),
    benchmark:
        layout.timing("encode_portraits")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **part("poses", "faces"),
        wan=STILL,
        portraits=portraits_of,
        licence=PARAMS.face_branch.licence,
    message:
        "Looking at portraits, part {wildcards.part}"
    script:
        "../scripts/encode_portraits.py"
