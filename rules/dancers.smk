# Clips -> the dancers' own faces: where they are, and an embedding for each clip. Training on a clip conditions on the
# face that is in it, which is what teaches the model to follow an embedding.


rule embed_dancers:
    input:
        clips=layout.CONTROL_LIST,
        cuts=layout.CLIP_LIST,
        landmarks=layout.LANDMARKS,
        face_model=FACE_MODEL,
        stamp=stamp("dancers", "embed_dancers", part("dancers", "faces")),
    output:
        boxes=layout.DANCER_BOXES,
        embeddings=layout.DANCER_EMBEDDINGS,
    log:
        layout.log("embed_dancers"),
    benchmark:
        layout.timing("embed_dancers")
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    resources:
        gpu=FACE_GPUS,
    params:
        **part("dancers", "faces"),
        videos=videos_of_shard,  # what they show is in the digests of the clips
        clips_folder=folder_of(layout.CLIP),
        folder=folder_of(layout.DANCER),
    message:
        "Finding the dancers' faces, shard {wildcards.shard}"
    script:
        "../scripts/embed_dancers.py"


rule gather_dancers:
    input:
        embeddings=expand(layout.DANCER_EMBEDDINGS, shard=SHARDS),
        stamp=stamp("dancers", "gather_dancers", {}, items=lambda w: SHARDS),
    output:
        layout.ALL_DANCERS,
    log:
        layout.log("gather_dancers"),
    benchmark:
        layout.timing("gather_dancers")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Gathering the dancers' faces of all shards"
    script:
        "../scripts/gather_dancers.py"
