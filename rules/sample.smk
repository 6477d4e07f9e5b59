# The embedded sample: photos of made-up people and rendered dance videos with known joints.


rule make_sample_photos:
    input:
        stamp=stamp("data", "make_sample_photos", {"seed": PARAMS.sample.seed}),
    output:
        expand("data/photos/{{identity}}/{name}", name=catalogue.PHOTOS),
    log:
        "logs/make_sample_photos/{identity}.log",
    benchmark:
        "logs/make_sample_photos/{identity}.tsv"
    wildcard_constraints:
        identity="|".join(SAMPLE_IDENTITIES) or "(?!)",
    priority: 100
    conda:
        "../environment.yml"
    params:
        seed=PARAMS.sample.seed,
    message:
        "Making sample photos of {wildcards.identity}"
    script:
        "../scripts/make_sample_photos.py"


rule make_sample_video:
    input:
        stamp=stamp("data", "make_sample_video", part("sample")),
    output:
        video="data/videos/{video}.mp4",
        ground_truth="data/ground_truth/{video}.parquet",
    log:
        "logs/make_sample_video/{video}.log",
    benchmark:
        "logs/make_sample_video/{video}.tsv"
    wildcard_constraints:
        video="|".join(SAMPLE_VIDEOS) or "(?!)",
    conda:
        "../environment.yml"
    params:
        sample=part("sample")["sample"],
    message:
        "Rendering the sample dance {wildcards.video}"
    script:
        "../scripts/make_sample_video.py"


rule make_sample_keypoints:
    input:
        ground_truth=lambda w: f"data/ground_truth/{w.sequence.replace('cAll', 'c01')}.parquet",
        stamp=stamp("data", "make_sample_keypoints", part("sample")),
    output:
        "data/keypoints2d/{sequence}.pkl",
    log:
        "logs/make_sample_keypoints/{sequence}.log",
    benchmark:
        "logs/make_sample_keypoints/{sequence}.tsv"
    wildcard_constraints:
        sequence="|".join(SAMPLE_SEQUENCES) or "(?!)",
    conda:
        "../environment.yml"
    params:
        sample=part("sample")["sample"],
    message:
        "Writing AIST++ keypoints of {wildcards.sequence}"
    script:
        "../scripts/make_sample_keypoints.py"
