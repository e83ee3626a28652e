#!/usr/bin/env bash
# The two calls for a GPU that is lent for a quarter of an hour, each less than ten minutes:
#
#     bash tests/benchmarks/gpu.sh first  PHOTOS VGG OUT     # SRResNet-MSE, 4 minutes, from the shipped weights
#     bash tests/benchmarks/gpu.sh second PHOTOS VGG OUT     # SRGAN-VGG54, 6 minutes, from the first one's
#
# PHOTOS is a folder (300 photos are 50 MiB), VGG a safetensors file, OUT where the results go: generator, record,
# log and previews, each below 16 MB; checkpoints stay behind. The first call also times the typical program's
# step beside ours (training.json). `DEVICE=cpu UPDATES=4 CROP=32` tries it without a GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."

call="$1" photos="$2" vgg="$3" out="$4"
common=(--data "$photos" --vgg-weights "$vgg" --device "${DEVICE:-cuda}" --crop "${CROP:-96}")
if [ -n "${UPDATES:-}" ]; then common+=(--updates "$UPDATES"); fi
work="${WORK:-/tmp/srgan-gpu}"
mkdir -p "$work" "$out"
case "$call" in
  first)
    start="${START:-srgan_lib/weights/srresnet-mse.safetensors}"
    python3 tests/benchmarks/gpu.py srresnet-mse "$work" --initial "$start" --seconds "${SECONDS_1:-240}" "${common[@]}"
    if [ -z "${UPDATES:-}" ]; then
      python3 tests/benchmarks/training.py --vgg-weights "$vgg" --out "$out/training.json"
    fi
    stage=srresnet-mse
    ;;
  second)
    start="${START:-$work/srresnet-mse/srresnet-mse.safetensors}"
    python3 tests/benchmarks/gpu.py srgan-vgg54 "$work" --initial "$start" --seconds "${SECONDS_2:-360}" "${common[@]}"
    stage=srgan-vgg54
    ;;
  *)
    echo "$call: first or second" >&2
    exit 2
    ;;
esac
cp "$work/$stage/$stage.safetensors" "$work/$stage/record.json" "$work/$stage/log.jsonl" "$out/"
tar -C "$work/$stage" -cf "$out/previews.tar" --ignore-failed-read previews 2>/dev/null || true
