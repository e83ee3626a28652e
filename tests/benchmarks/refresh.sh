#!/usr/bin/env bash
# Everything that depends on the shipped weights, regenerated: records, pages, pictures, the chapters' outputs.
#
#     SRGAN_DATA=../shared bash tests/benchmarks/refresh.sh [MODELS] [GAN_RUN]
#
# MODELS is a folder of what `srgan reproduce` made ready (NAME.safetensors, .json, .md), which is copied to
# srgan_lib/weights first; GAN_RUN is the folder of the SRGAN run whose diary *Training SRGAN* shows. Without
# them only what is stored is made anew. About half an hour on two cores. Nothing is committed.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${SRGAN_DATA:?set SRGAN_DATA to the folder that holds the test sets and VGG19 (see data/README.md)}"

models="${1:-}" run="${2:-}"
if [ -n "$models" ]; then
  cp "$models"/*.safetensors "$models"/*.json "$models"/*.md srgan_lib/weights/
fi
if [ -n "$run" ]; then
  python tests/benchmarks/history.py "$run" --stage "$(basename "$run")"
fi
if [ ! -e data/vgg19-original.safetensors ] && [ -e "$SRGAN_DATA/vgg19/unpack.py" ]; then
  python "$SRGAN_DATA/vgg19/unpack.py" data/vgg19-original.safetensors
fi
python -m srgan_lib report --measure
python tests/benchmarks/perception.py
python book/_tools/make_readme_picture.py --model srgan-vgg54
python book/_tools/write_measured.py
python book/_tools/write_reproduction.py
python book/_tools/write_map.py
python book/_tools/run_notebooks.py
python book/_tools/write_exercises.py
git status --short | grep -E '^ ?M' | head -80
