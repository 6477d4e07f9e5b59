# Videos -> clips of the model's length, frame rate and shape, with their music.


rule cut_clips:
    input:
        made=made_of_shard,
        ignore_list=[layout.IGNORE_LIST] if PARAMS.aist.ignore_list else [],
        pose_model=POSE_MODEL,
        stamp=stamp(
            "clips",
            "cut_clips",
            part("clips", "wan"),
            items=lambda w: VIDEOS_OF_SHARD[w.shard],
            files=lambda w: [
                *videos_of_shard(w).values(),
                *filter(None, [IGNORE_LIST]),
            ],
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
        **part("wan"),
        clips={**part("clips")["clips"], "ignore_list": IGNORE_LIST},
        videos=videos_of_shard,
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
            {"unusable": BROUGHT.unusable},
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
        unusable=lambda w: BROUGHT.unusable,
    message:
        "Listing the clips"
    script:
        "../scripts/list_clips.py"
