# Clips -> the dancers' own faces: where they are, and an embedding for each clip. Training on a clip conditions on the
# face that is in it, which is what teaches the model to follow an embedding.


rule embed_dancers:
    input:
        clips="results/poses/shards/{shard}.csv",
        landmarks="results/poses/landmarks/{shard}.parquet",
        face_model=FACE_MODEL,
        stamp=stamp("dancers", "embed_dancers", part("dancers", "faces")),
    output:
        boxes="results/dancers/boxes/{shard}.parquet",
        embeddings="results/dancers/embeddings/{shard}.safetensors",
    log:
        "logs/embed_dancers/{shard}.log",
    benchmark:
        "logs/embed_dancers/{shard}.tsv"
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    params:
        **part("dancers", "faces"),
    message:
        "Finding the dancers' faces, shard {wildcards.shard}"
    script:
        "../scripts/embed_dancers.py"


rule gather_dancers:
    input:
        embeddings=expand(
            "results/dancers/embeddings/{shard}.safetensors", shard=SHARDS
        ),
        stamp=stamp("dancers", "gather_dancers", {}, items=lambda w: SHARDS),
    output:
        "results/dancers/dancers.safetensors",
    log:
        "logs/gather_dancers.log",
    benchmark:
        "logs/gather_dancers.tsv"
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Gathering the dancers' faces of all shards"
    script:
        "../scripts/gather_dancers.py"
