#!/usr/bin/env bash
# gialab's searches beside breaching's, on problems written by `gialab capture`, with equal evaluations, on one thread:
# PSNR in dB, the median with the least and the most of five pairs of seed and picture. Prints a row of a table for each case.
#
#     PYTHON=venv/bin/python bash benches/quality.sh [WORD]...     only the cases whose label has one of the words
#
# The python needs torch, torchvision, safetensors and breaching 0.1.2 (benches/quality.py). Pair k has the seed k and the
# pictures moved on by k.
set -euo pipefail
cd "$(dirname "$0")/.."
gialab=${GIALAB:-target/release/gialab}
python=${PYTHON:-python3}
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT

# Label; preset; first and last picture, settings of the victim; settings of gialab's attack; breaching's attack and settings.
cases='
DLG, LeNet, 1, one start; dlg-lenet; 0 0; attack.trials=1 attack.stop_below=0; deepleakage optim.max_iterations=300
DLG, LeNet, 4, one start; dlg-lenet; 0 3; attack.trials=1 attack.stop_below=0; deepleakage optim.max_iterations=300
DLG, LeNet, 8, one start; dlg-lenet; 0 7; attack.trials=1 attack.stop_below=0; deepleakage optim.max_iterations=300
iDLG, LeNet, 1, one start; idlg-lenet; 0 0; attack.trials=1 attack.stop_below=0; deepleakage attack_type=optimization label_strategy=iDLG optim.max_iterations=300
IG, LeNet, 1, TV 0.01; ig-lenet; 1 1; attack.iterations=1000; invertinggradients optim.max_iterations=1000 regularization.total_variation.scale=0.01
IG, LeNet, 4, TV 0.01; ig-lenet; 1 4; attack.iterations=1000; invertinggradients optim.max_iterations=1000 regularization.total_variation.scale=0.01
IG, LeNet, 8, TV 0.01; ig-lenet; 1 8 victim.classes=17; attack.iterations=1000; invertinggradients optim.max_iterations=1000 regularization.total_variation.scale=0.01
IG, LeNet, 1, TV 0.2; ig-lenet; 1 1; attack.iterations=1000 attack.prior.tv=0.2; invertinggradients optim.max_iterations=1000
IG, ConvNet64, 1, TV 0.0001; ig-convnet64; 0 0; attack.iterations=200; invertinggradients optim.max_iterations=200 regularization.total_variation.scale=0.0001
IG, ConvNet64, 4, TV 0.0001; ig-convnet64; 0 3; attack.iterations=100; invertinggradients optim.max_iterations=100 regularization.total_variation.scale=0.0001
IG, ConvNet64, 8, TV 0.0001; ig-convnet64; 0 7 victim.classes=17; attack.iterations=50; invertinggradients optim.max_iterations=50 regularization.total_variation.scale=0.0001
IG, ResNet-18, 1, TV 0.01; ig-resnet18; 0 0; attack.iterations=200; invertinggradients optim.max_iterations=200 regularization.total_variation.scale=0.01
IG, ResNet-18, 4, TV 0.01; ig-resnet18; 0 3; attack.iterations=200; invertinggradients optim.max_iterations=200 regularization.total_variation.scale=0.01
IG, ResNet-18, 8, TV 0.01; ig-resnet18; 0 7 victim.classes=17; attack.iterations=100; invertinggradients optim.max_iterations=100 regularization.total_variation.scale=0.01
GradInversion, ConvNet64, 1, one member, public statistics; gradinversion; 0 0; attack.members=1 attack.prior.group=0 attack.iterations=200 knowledge.statistics=running; seethroughgradients optim.max_iterations=200
'

# Of five numbers the median, the least and the most.
of_five() { cut -d' ' -f"$1" "$store/said" | sort -g | awk '{v[NR] = $1} END {printf "%.1f (%.1f to %.1f)", v[3], v[1], v[5]}'; }
median() { cut -d' ' -f"$1" "$store/said" | sort -g | sed -n 3p; }

printf '| attack, network, B | evaluations, gialab | breaching | PSNR dB, gialab | breaching |\n|---|---|---|---|---|\n'
while IFS=';' read -r label preset victim ours public; do
    [ -n "$label" ] || continue
    if [ $# -gt 0 ] && ! grep -qE "$(IFS='|'; echo "$*")" <<<"$label"; then continue; fi
    read -r first last victim <<<"$victim"
    rm -rf "$store"/*
    for k in 0 1 2 3 4; do
        problem=$store/problems/$k
        settings=()
        for setting in $victim; do settings+=(--set "$setting"); done
        "$gialab" capture $preset --out "$problem" --data-dir "$problem/runs" --set run.seed=$k \
            --set "victim.indices=[$(seq -s, $((first + k)) $((last + k)))]" "${settings[@]}" > /dev/null
        settings=()
        for setting in $ours; do settings+=(--set "$setting"); done
        "$gialab" run "$problem/preset.toml" --threads 1 --data-dir "$problem/runs" "${settings[@]}" --json 2> /dev/null |
            tail -n 1 | grep -o '"evaluations":[0-9]*' | cut -d: -f2 >> "$store/evaluations"
    done
    "$python" benches/quality.py "$store/problems" $public 2> "$store/error" | paste -d' ' - "$store/evaluations" > "$store/said"
    sed "s/^/# $label: /" "$store/said" >&2
    echo "| $label | $(median 4) | $(median 3) | $(of_five 1) | $(of_five 2) |"
done <<<"$cases"
