# Videos -> clips of the model's length, frame rate and shape, with their music.

IGNORE_LIST = brought_or_made(filter(None, [PARAMS.clips.ignore_list]))


rule cut_clips:
    input:
        videos=paths_of_shard,
        ignore_list=IGNORE_LIST,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "clips",
            "cut_clips",
            part("clips", "wan"),
            files=lambda w: [*paths_of_shard(w), *IGNORE_LIST],
        ),
    output:
        layout.CLIP_LIST,
    log:
        layout.log("cut_clips"),
    benchmark:
        layout.timing("cut_clips")
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: 16
    params:
        **part("clips", "wan"),
        folder=folder_of(layout.CLIP),
    message:
        "Cutting clips, shard {wildcards.shard}"
    script:
        "../scripts/cut_clips.py"


rule list_clips:
    input:
        manifests=expand(layout.CLIP_LIST, shard=SHARDS),
        stamp=stamp(
            "clips",
            "list_clips",
            {"controls": bool(all_controls())},
            items=lambda w: SHARDS,
        ),
    output:
        report(
            layout.ALL_CLIPS,
            caption="captions/clips.rst",
            category="clips",
            labels={"shows": "clips and rejected videos"},
        ),
    log:
        layout.log("list_clips"),
    benchmark:
        layout.timing("list_clips")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        controls=bool(all_controls()),
    message:
        "Listing the clips"
    script:
        "../scripts/list_clips.py"
