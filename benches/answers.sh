#!/usr/bin/env bash
# Which iterate of a search is its answer (attack.answer): the PSNR in dB of four rules on the same 20 searches. The
# rules differ in what they take, not in what is searched, so a row differs by the rule alone. Prints the table of
# docs/quality.md.
#
#     bash benches/answers.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/lab.sh

# Label; preset; settings. The seed is the row's number unless the row has its own. Nets that are sure of themselves, whose loss starts near zero,
# short searches, both optimisers, local steps, batches, tables.
problems='
trained LeNet, photo 0; trained-victim; victim.indices=[0]
trained LeNet, photo 3; trained-victim; victim.indices=[3]
trained LeNet, 60 iterations; trained-victim; attack.iterations=60
sigmoid, seed 12; activation; victim.options.activation=sigmoid run.seed=12
trained ResNet, train mode; batch-norm; attack.iterations=100
trained ResNet, eval mode, 60 iterations; batch-norm; attack.iterations=60 victim.mode=eval
trained ResNet, eval mode, one; batch-norm; attack.iterations=60 victim.mode=eval victim.indices=[0]
untrained ResNet-20; architecture; victim.model=resnet20 attack.iterations=100
untrained LeNet-5; architecture
ReLU; activation
sigmoid; activation; victim.options.activation=sigmoid
sigmoid, photo 4; activation; victim.options.activation=sigmoid victim.indices=[4]
sigmoid, photo 9, 200 iterations; activation; victim.options.activation=sigmoid victim.indices=[9] attack.iterations=200
LeNet, cosine; ig-lenet
batch of four; batch-size
four of one kind; batch-size; victim.sample.classes=same
local steps; local-steps
MLP; ig-mlp
L-BFGS with labels; dlg-digits
L-BFGS, row of a table; table-row
'

run() { # rule preset settings...: PSNR and the iteration
    local rule=$1 preset=$2 set_=(); shift 2
    for setting in "$@"; do set_+=(--set "$setting"); done
    "$gialab" run "$preset" --data-dir "$store" --set "run.seed=$seed" --set "attack.answer=$rule" "${set_[@]}" --json 2>/dev/null |
        tail -n 1 | python3 -c '
import json, sys
result = json.load(sys.stdin)["rounds"][0]
print("%.1f" % result["metrics"]["psnr"]["mean"], result["iteration"])'
}

printf '| search | best | after warm-up | last quarter | last |\n|---|---|---|---|---|\n'
seed=0
while IFS=';' read -r label preset settings; do
    preset=${preset// /}
    [ -n "$label" ] || continue
    row="| $label |"
    for rule in best after-warm-up last-quarter last; do
        # shellcheck disable=SC2086
        read -r psnr iteration <<<"$(run $rule "$preset" $settings)"
        row+=" $psnr @ $iteration |"
    done
    echo "$row"
    seed=$((seed + 1))
done <<<"$problems"
