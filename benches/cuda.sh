#!/usr/bin/env bash
# Everything about CUDA in one command, on a machine with an NVIDIA driver: agreement with the CPU and with 64 bit, times
# on all backends, growth, how busy the device is, a batch of photographs. Into the folder given, or ./cuda-results.
#
#     bash benches/cuda.sh [FOLDER] [PYTHON]
#
# With a PYTHON that has torch and the environment variable TORCH_BASELINE set to a script that takes --workload,
# --iterations, --device and --compile and prints one JSON line, PyTorch is timed on the same workloads, eager and
# compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-cuda-results}
python=${2:-}
mkdir -p "$out"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv | tee "$out/device.csv"
cargo build --release --features cuda
gialab=target/release/gialab
"$gialab" doctor | tee "$out/doctor.txt"
cargo test --release --features cuda --lib cuda -- --nocapture | tee "$out/agreement.txt"
# Twice: the second shows what the caches of the first save.
for pass in first second; do
    "$gialab" bench --backend cuda --json > "$out/bench-$pass.json"
done
"$gialab" bench --compare | tee "$out/compare.txt"
"$gialab" bench --backend cuda --scale | tee "$out/scale.txt"
[ -z "$python" ] || "$python" benches/plot.py "$out/scale.txt" > "$out/scale.svg"
# How busy the device is while the largest workload runs.
nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader -lms 200 > "$out/busy.csv" &
watcher=$!
"$gialab" bench --backend cuda --workload ig-resnet18-b16 --evaluations 200 | tee "$out/busy.txt"
kill "$watcher"
# Whether photographs fit.
"$gialab" bench --backend cuda --workload ig-resnet50-b8-224px --evaluations 10 | tee "$out/large.txt"
if [ -n "$python" ] && [ -n "${TORCH_BASELINE:-}" ]; then
    for workload in ig-lenet-b1 ig-resnet20-b1 ig-convnet64-b1 ig-resnet18-b1 ig-resnet18-b4 ig-resnet18-b16; do
        for compile in "" --compile; do
            "$python" "$TORCH_BASELINE" --workload "$workload" --iterations 60 --device cuda $compile
        done
    done | tee "$out/torch.jsonl"
fi
