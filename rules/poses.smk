# Clips -> landmarks and control videos. Ready-made control videos join here.

from facedance.clips.aist import sequence_name

KEYPOINTS = {  # sequence -> path
    Path(path).stem: path
    for path in (all_keypoints() if PARAMS.poses.use_keypoints2d else [])
}


def keypoints_of_shard(wildcards):
    """AIST++'s keypoints of the shard's videos, of those for which there are any."""
    sequences = {sequence_name(name) for name in VIDEOS_OF_SHARD[wildcards.shard]}
    return [KEYPOINTS[name] for name in sorted(sequences & KEYPOINTS.keys())]


rule extract_poses:
    input:
        clips="results/clips/shards/{shard}.csv",
        keypoints=keypoints_of_shard,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "poses", "extract_poses", part("poses", "wan"), files=keypoints_of_shard
        ),
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
            "poses", "prepare_controls", part("wan"), files=lambda w: all_controls()
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
