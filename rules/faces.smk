# Photos of a person -> which of them are usable, and one identity embedding if they are enough.


rule embed_faces:
    input:
        sample=lambda w: sample_photos_of(w.identity),
        face_model=FACE_MODEL,
        stamp=stamp(
            "faces",
            "embed_faces",
            lambda w: {
                **part("faces"),
                "consent": PARAMS.identities[w.identity].consent,
            },
            items=lambda w: photos_of(w.identity),
            files=lambda w: photos_of(w.identity).values(),
        ),
    output:
        layout.PHOTO_EMBEDDINGS,
        report(
            layout.PHOTO_LIST,
            caption="captions/photos.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "photos used and not used"},
        ),
        report(
            layout.REFERENCE,
            caption="captions/reference.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "reference"},
        ),
        report(
            layout.CONTACT_SHEET,
            caption="captions/crops.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "faces used"},
        ),
    log:
        layout.log("embed_faces"),
    benchmark:
        layout.timing("embed_faces")
    priority: 100
    conda:
        "../environment.yml"
    resources:
        gpu=FACE_GPUS,
    params:
        photos=lambda w: photos_of(w.identity),
        faces=part("faces")["faces"],
        consent=lambda w: PARAMS.identities[w.identity].consent,
    message:
        "Looking at the photos of {wildcards.identity}"
    script:
        "../scripts/embed_faces.py"


JOINED_BY = some("faces", "backend", "min_photos", "aggregation")


# The one that refuses, so that the table of who has too few photos is there to look at.
rule embed_identity:
    input:
        table=layout.PHOTO_LIST,
        photos=layout.PHOTO_EMBEDDINGS,
        stamp=stamp(
            "faces",
            "embed_identity",
            lambda w: {
                **JOINED_BY,
                "consent": PARAMS.identities[w.identity].consent,
            },
        ),
    output:
        layout.EMBEDDING,
    log:
        layout.log("embed_identity"),
    benchmark:
        layout.timing("embed_identity")
    priority: 100
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        faces=JOINED_BY,
        consent=lambda w: PARAMS.identities[w.identity].consent,
    message:
        "Joining the photos of {wildcards.identity}"
    script:
        "../scripts/embed_identity.py"


rule measure_proportions:
    input:
        photos_csv=layout.PHOTO_LIST,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "faces",
            "measure_proportions",
            some("poses", "detection_confidence"),
            items=lambda w: photos_of(w.identity),
            files=lambda w: photos_of(w.identity).values(),
        ),
    output:
        layout.PROPORTIONS,
    log:
        layout.log("measure_proportions"),
    benchmark:
        layout.timing("measure_proportions")
    conda:
        "../environment.yml"
    params:
        photos=lambda w: photos_of(w.identity),
        poses=some("poses", "detection_confidence"),
    message:
        "Measuring how {wildcards.identity} is built"
    script:
        "../scripts/measure_proportions.py"
