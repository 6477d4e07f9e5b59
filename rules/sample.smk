# The embedded sample: photos of made-up people and rendered dance videos with known joints.

from facedance.sample import catalogue

# What the dances depend on: whose photos there are is not among it.
SAMPLE_DANCES = some("sample", "seed", "seconds", "width", "height", "fps")


rule make_sample_photos:
    input:
        stamp=stamp("data", "make_sample_photos", {"seed": PARAMS.sample.seed}),
    output:
        update(layout.SAMPLE_PHOTOS),  # tells which photos may be written over
    log:
        layout.log("make_sample_photos"),
    benchmark:
        layout.timing("make_sample_photos")
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
        stamp=stamp("data", "make_sample_video", SAMPLE_DANCES),
    output:
        video=layout.VIDEO,
        ground_truth=layout.GROUND_TRUTH,
        record=layout.SAMPLE_VIDEO,
    log:
        layout.log("make_sample_video"),
    benchmark:
        layout.timing("make_sample_video")
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
        ground_truth=lambda w: layout.GROUND_TRUTH.format(
            video=catalogue.video_of_sequence(w.sequence)
        ),
        stamp=stamp("data", "make_sample_keypoints", SAMPLE_DANCES),
    output:
        keypoints=layout.KEYPOINTS,
        record=layout.SAMPLE_KEYPOINTS,
    log:
        layout.log("make_sample_keypoints"),
    benchmark:
        layout.timing("make_sample_keypoints")
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
