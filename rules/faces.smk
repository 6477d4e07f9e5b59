# Photos of a person -> who of them is usable, and one identity embedding.


rule embed_faces:
    input:
        photos=lambda w: photos_of(w.identity),
        face_model=FACE_MODEL,
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
        "results/faces/{identity}/photos.csv",
        "results/faces/{identity}/reference.png",
        "results/faces/{identity}/crops.png",
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
