# Photos of a person -> who of them is usable, and one identity embedding.


rule embed_faces:
    input:
        photos=lambda w: photos_of(w.identity),
        model=FACE_MODEL,
        stamp=stamp(
            "faces",
            "embed_faces",
            lambda w: {
                **part("faces"),
                "consent": PARAMS.identities[w.identity].consent,
            },
            items=lambda w: photos_of(w.identity),
        ),
    output:
        "results/faces/{identity}/embedding.safetensors",
        "results/faces/{identity}/photos.safetensors",
        report(
            "results/faces/{identity}/photos.csv",
            caption="captions/photos.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "photos used and not used"},
        ),
        report(
            "results/faces/{identity}/reference.png",
            caption="captions/reference.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "reference"},
        ),
        report(
            "results/faces/{identity}/crops.png",
            caption="captions/crops.rst",
            category="faces",
            labels={"person": "{identity}", "shows": "faces used"},
        ),
    log:
        "logs/embed_faces/{identity}.log",
    benchmark:
        "logs/embed_faces/{identity}.tsv"
    priority: 100
    conda:
        "../environment.yml"
    params:
        faces=part("faces")["faces"],
        consent=lambda w: PARAMS.identities[w.identity].consent,
    message:
        "Looking at the photos of {wildcards.identity}"
    script:
        "../scripts/embed_faces.py"
