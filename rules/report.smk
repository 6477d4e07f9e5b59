# Everything -> one page that a person looks at.


rule build_report:
    input:
        metrics=layout.ALL_SCORES,
        seconds=layout.ALL_SECONDS,
        accuracy=layout.POSE_ACCURACY,
        clips=layout.ALL_CLIPS,
        poses=expand(layout.CONTROL_LIST, shard=all_shards()),
        photos=expand(layout.PHOTO_LIST, identity=IDENTITIES),
        training=expand(layout.LOSSES, identity=IDENTITIES),
        renders=lambda w: render_lists(),
        weights=[POSE_MODEL],
        model=WAN_MODEL,
        stamp=stamp("report", "build_report", PARAMS.model_dump(mode="json")),
    output:
        report(
            layout.REPORT,
            caption="captions/page.rst",
            category="report",
            labels={"shows": "the page"},
        ),
    log:
        layout.log("build_report"),
    benchmark:
        layout.timing("build_report")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        all=PARAMS.model_dump(mode="json"),
        renders_folder=folder_of(layout.RENDER),
        clips_folder=folder_of(layout.CLIP),
        poses_folder=folder_of(layout.CONTROL),
    message:
        "Building the page"
    script:
        "../scripts/build_report.py"
