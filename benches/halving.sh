#!/usr/bin/env bash
# Whether ending hopeless trials early pays: eight trials of five pairs of seed and picture of each preset run to their end,
# and what successive halving would have kept of them (the better half by matching loss at 1/8, 1/4 and 1/2 of the iterations)
# is compared with as many whole trials as that costs. Prints a row for each preset: PSNR in dB, median and range.
#
#     bash benches/halving.sh [PRESET]...
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/lab.sh
presets=("$@")
[ $# -gt 0 ] || presets=(ig-lenet trained-victim batch-size local-steps activation)
for preset in "${presets[@]}"; do
    for seed in 0 1 2 3 4; do
        set_=()
        for setting in $(moved "$preset" $seed); do set_+=(--set "$setting"); done
        "$gialab" run "$preset" "${set_[@]}" --data-dir "$store/$seed" --seed "$seed" --trials 8 \
            --set attack.stop_below=0 --set run.snapshot_every=100000 >/dev/null 2>&1
    done
    python3 benches/halving.py "$preset" "$store"/?/runs/*-"$preset"/events.jsonl
    rm -rf "${store:?}"/?
done
