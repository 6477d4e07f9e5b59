# Photos, clips and poses -> a page to look at before hours are spent. It needs no weights of a video model.


rule build_check:
    input:
        clips=layout.ALL_CLIPS,
        poses=expand(layout.CONTROL_LIST, shard=all_shards()),
        landmarks=expand(layout.LANDMARKS, shard=SHARDS),
        photos=expand(layout.PHOTO_LIST, identity=IDENTITIES),
        stamp=stamp(
            "check",
            "build_check",
            lambda w: {
                **PARAMS.model_dump(mode="json"),
                "one_face": learns_one_face(),
            },
        ),
    output:
        layout.CHECK,
    log:
        layout.log("build_check"),
    benchmark:
        layout.timing("build_check")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        all=PARAMS.model_dump(mode="json"),
        controls=bool(CONTROLS.files),
        clips_folder=folder_of(layout.CLIP),
        poses_folder=folder_of(layout.CONTROL),
        one_face=lambda w: learns_one_face(),  # only where it is asked for: it lists data/people
    message:
        "Building the page to look at before the training"
    script:
        "../scripts/build_check.py"
