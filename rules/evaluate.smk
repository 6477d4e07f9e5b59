# Renders -> who a face recogniser sees in them, and how well they follow the dance.


rule score_renders:
    input:
        manifest="results/render/manifests/{identity}/{shard}.csv",
        landmarks=lambda w: (
            []
            if w.shard == names.CONTROL_SHARD
            else [f"results/poses/landmarks/{w.shard}.parquet"]
        ),
        dancers="results/dancers/dancers.safetensors",
        embeddings=expand("results/faces/{name}/embedding.safetensors", name=IDENTITIES),
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "evaluate",
            "score_renders",
            {
                **part("evaluate", "wan"),
                "blends": {
                    n: b.model_dump(mode="json")
                    for n, b in PARAMS.render.blends.items()
                },
                "backend": [PARAMS.faces.backend, PARAMS.faces.insightface_model],
            },
            items=lambda w: IDENTITIES,
        ),
    output:
        "results/evaluate/shards/{identity}/{shard}.csv",
    log:
        "logs/score_renders/{identity}.{shard}.log",
    benchmark:
        "logs/score_renders/{identity}.{shard}.tsv"
    conda:
        "../environment.yml"
    params:
        **part("evaluate", "wan"),
        blends={n: b.model_dump(mode="json") for n, b in PARAMS.render.blends.items()},
        backend=PARAMS.faces.backend,
    message:
        "Scoring the renders of {wildcards.identity}, shard {wildcards.shard}"
    script:
        "../scripts/score_renders.py"


rule measure_pose_accuracy:
    input:
        ground_truth=expand("data/ground_truth/{video}.parquet", video=SAMPLE_VIDEOS),
        videos=expand("data/videos/{video}.mp4", video=SAMPLE_VIDEOS),
        clips="results/clips/clips.csv",
        landmarks=expand("results/poses/landmarks/{shard}.parquet", shard=SHARDS),
        manifests=expand("results/poses/shards/{shard}.csv", shard=SHARDS),
        stamp=stamp("evaluate", "measure_pose_accuracy", {}, items=lambda w: SHARDS),
    output:
        "results/evaluate/pose_accuracy.csv",
    log:
        "logs/measure_pose_accuracy.log",
    benchmark:
        "logs/measure_pose_accuracy.tsv"
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Measuring pose extraction against the sample's known joints"
    script:
        "../scripts/measure_pose_accuracy.py"


rule summarise:
    input:
        scores=[
            m.replace("render/manifests", "evaluate/shards")
            for m in render_manifests()
        ],
        accuracy="results/evaluate/pose_accuracy.csv",
        stamp=stamp("evaluate", "summarise", {}, items=lambda w: render_manifests()),
    output:
        csv="results/evaluate/metrics.csv",
        json="results/evaluate/metrics.json",
    log:
        "logs/summarise.log",
    benchmark:
        "logs/summarise.tsv"
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Summarising the scores"
    script:
        "../scripts/summarise.py"
