# Videos -> clips of the model's length, frame rate and shape, with their music.


rule cut_clips:
    input:
        videos=paths_of_shard,
        ignore_list=PARAMS.clips.ignore_list or [],
        pose_model=POSE_MODEL,
        stamp=stamp(
            "clips", "cut_clips", {**part("clips", "wan")}, items=paths_of_shard
        ),
    output:
        "results/clips/shards/{shard}.csv",
    log:
        "logs/cut_clips/{shard}.log",
    benchmark:
        "logs/cut_clips/{shard}.tsv"
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: 16
    params:
        **part("clips", "wan"),
    message:
        "Cutting clips, shard {wildcards.shard}"
    script:
        "../scripts/cut_clips.py"


rule list_clips:
    input:
        manifests=expand("results/clips/shards/{shard}.csv", shard=SHARDS),
        stamp=stamp("clips", "list_clips", {}, items=lambda w: SHARDS),
    output:
        report(
            "results/clips/clips.csv",
            caption="captions/clips.rst",
            category="clips",
            labels={"shows": "clips and rejected videos"},
        ),
    log:
        "logs/list_clips.log",
    benchmark:
        "logs/list_clips.tsv"
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Listing the clips"
    script:
        "../scripts/list_clips.py"
