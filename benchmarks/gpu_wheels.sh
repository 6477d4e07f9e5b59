#!/bin/sh
# Puts into wheels/ what a machine with a GPU and Python 3.12 but without internet lacks for benchmarks/on_gpu.py, in the versions
# of requirements/common.txt. It is taken to have torch, numpy, pandas, pillow and some build of OpenCV.
#
# usage: benchmarks/gpu_wheels.sh            where there is internet; PYTHON=... names another Python with pip
# there: python3 -m pip install --no-index --no-deps --upgrade --target /tmp/site wheels/*.whl
#        PYTHONPATH=/tmp/site:src python3 benchmarks/on_gpu.py
set -eu
cd "$(dirname "$0")/.."
mkdir -p wheels
for name in accelerate annotated-doc annotated-types anyio certifi charset-normalizer click diffusers dlib-bin \
    filelock fsspec ftfy h11 hf-xet httpcore2 httpx2 huggingface_hub idna importlib_metadata lazy-importer \
    markdown-it-py mdurl ml_dtypes onnx packaging peft protobuf psutil pydantic pydantic_core Pygments PyYAML regex \
    requests rich safetensors shellingham tokenizers tqdm transformers truststore typer typing_extensions typing-inspection \
    urllib3 wcwidth zipp; do
    grep -ix "$name==.*" requirements/common.txt
done >wheels/requirements.txt
rm -f wheels/*.whl
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
    --platform manylinux_2_34_x86_64 --platform manylinux_2_31_x86_64 --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_27_x86_64 --platform manylinux_2_24_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 --platform manylinux1_x86_64 --dest wheels --requirement wheels/requirements.txt
du -ch wheels/*.whl
