# Clips -> landmarks and control videos. Ready-made control videos join here.


rule extract_poses:
    input:
        clips=layout.CLIP_LIST,
        keypoints=keypoints_of_shard,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "poses", "extract_poses", part("poses", "wan"), files=keypoints_of_shard
        ),
    output:
        manifest=layout.CONTROL_LIST,
        landmarks=layout.LANDMARKS,
    log:
        layout.log("extract_poses"),
    benchmark:
        layout.timing("extract_poses")
    wildcard_constraints:
        shard=r"\d{4}",
    conda:
        "../environment.yml"
    threads: 16
    params:
        **part("poses", "wan"),
        clips_folder=folder_of(layout.CLIP),
        folder=folder_of(layout.CONTROL),
    message:
        "Extracting poses, shard {wildcards.shard}"
    script:
        "../scripts/extract_poses.py"


rule prepare_controls:
    input:
        stamp=stamp(
            "poses",
            "prepare_controls",
            {
                **part("wan"),
                "whole": PARAMS.clips.whole,
                "unusable": CONTROLS.unusable,
            },
            items=lambda w: CONTROLS.files,
            files=lambda w: CONTROLS.files.values(),
        ),
    output:
        layout.CONTROL_LIST.format(shard=names.CONTROL_SHARD),
    log:
        layout.log("prepare_controls"),
    benchmark:
        layout.timing("prepare_controls")
    conda:
        "../environment.yml"
    params:
        **part("wan"),
        whole=PARAMS.clips.whole,
        videos=lambda w: CONTROLS.files,
        unusable=lambda w: CONTROLS.unusable,
        folder=folder_of(layout.CONTROL),
    message:
        "Preparing ready-made control videos"
    script:
        "../scripts/prepare_controls.py"
