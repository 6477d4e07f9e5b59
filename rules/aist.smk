# Videos of the AIST Dance Video Database, AIST++'s keypoints and its ignore list, where params.yaml asks for them and accepts the terms.


rule fetch_aist_video:
    input:
        stamp=stamp(
            "data", "fetch_aist_video", some("aist", "server", "quality"), code=False
        ),
    output:
        layout.VIDEO,
    log:
        layout.log("fetch_aist_video"),
    benchmark:
        layout.timing("fetch_aist_video")
    wildcard_constraints:
        video="|".join(AIST_VIDEOS) or "(?!)",
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    resources:
        downloads=1,
    params:
        folder=f"{PARAMS.aist.server}/{PARAMS.aist.quality}",
    message:
        "Fetching AIST's {wildcards.video}"
    script:
        "../scripts/fetch_aist_video.py"


rule fetch_aist_keypoints:
    input:
        stamp=stamp(
            "data", "fetch_aist_keypoints", some("aist", "annotations"), code=False
        ),
    output:
        layout.KEYPOINTS,
    log:
        layout.log("fetch_aist_keypoints"),
    benchmark:
        layout.timing("fetch_aist_keypoints")
    wildcard_constraints:
        sequence="|".join(AIST_SEQUENCES) or "(?!)",
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    resources:
        downloads=1,
    params:
        annotations=PARAMS.aist.annotations,
    message:
        "Fetching AIST++'s keypoints of {wildcards.sequence}"
    script:
        "../scripts/fetch_aist_keypoints.py"


rule fetch_aist_ignore_list:
    input:
        stamp=stamp(
            "data",
            "fetch_aist_ignore_list",
            some("aist", "annotations"),
            code=False,
        ),
    output:
        layout.IGNORE_LIST,
    log:
        layout.log("fetch_aist_ignore_list"),
    benchmark:
        layout.timing("fetch_aist_ignore_list")
    localrule: True  # a cluster's nodes seldom reach the internet
    conda:
        "../environment.yml"
    resources:
        downloads=1,
    params:
        annotations=PARAMS.aist.annotations,
    message:
        "Fetching AIST++'s ignore list"
    script:
        "../scripts/fetch_aist_ignore_list.py"
