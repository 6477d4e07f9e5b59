# Clips -> landmarks and control videos. Ready-made control videos join here.


rule extract_poses:
    input:
        clips="results/clips/shards/{shard}.csv",
        keypoints=all_keypoints() if PARAMS.poses.use_keypoints2d else [],
        pose_model=POSE_MODEL,
        stamp=stamp("poses", "extract_poses", part("poses", "wan")),
    output:
        manifest="results/poses/shards/{shard}.csv",
        landmarks="results/poses/landmarks/{shard}.parquet",
    log:
        "logs/extract_poses/{shard}.log",
    benchmark:
        "logs/extract_poses/{shard}.tsv"
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: 16
    params:
        **part("poses", "wan"),
    message:
        "Extracting poses, shard {wildcards.shard}"
    script:
        "../scripts/extract_poses.py"


rule prepare_controls:
    input:
        videos=all_controls(),
        stamp=stamp(
            "poses", "prepare_controls", part("wan"), items=lambda w: all_controls()
        ),
    output:
        f"results/poses/shards/{names.CONTROL_SHARD}.csv",
    log:
        "logs/prepare_controls.log",
    benchmark:
        "logs/prepare_controls.tsv"
    conda:
        "../environment.yml"
    params:
        **part("wan"),
    message:
        "Preparing ready-made control videos"
    script:
        "../scripts/prepare_controls.py"
