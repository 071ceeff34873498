#!/usr/bin/env bash
# The figures of README and presets: PSNR in dB, the median with the least and the most of five pairs of seed and
# picture, and the median of the seconds. Prints a row of a table for each case; what is matched here decides.
#
#     bash benches/figures.sh [WORD]...     only the cases whose label has one of the words
#
# Pair k has the seed k and the preset's pictures moved on by k. Everything else is as the preset says. Of cases that begin with
# "labels right" the figure is their share in %.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/lab.sh

# Label; preset; settings. A round of a federation is counted by its place, the first one unless the label says which.
cases='
dlg-lenet; dlg-lenet
idlg-lenet; idlg-lenet
dlg-digits; dlg-digits
ig-lenet; ig-lenet
ig-mlp; ig-mlp
ig-convnet64; ig-convnet64
ig-resnet18; ig-resnet18
batch-size, four unlike; batch-size
batch-size, one; batch-size; victim.sample.count=1
batch-size, eight unlike; batch-size; victim.sample.count=8
batch-size, four of one kind; batch-size; victim.sample.classes=same
batch-size, eight of any kind; batch-size; victim.sample.count=8 victim.sample.classes=any
resolution, 64x64; resolution
resolution, 16x16; resolution; victim.size=16
resolution, 32x32; resolution; victim.size=32
labels; labels
labels right by iLRG; labels; attack.iterations=1
labels right by the corrected bias; labels; attack.labels={rule="bias-corrected"} attack.iterations=1
labels right by iLRG, sixty-four; labels; victim.sample.count=64 attack.iterations=1
local-steps, known; local-steps
local-steps, not known; local-steps; knowledge.local=none
local-guessed, twelve ways; local-guessed
leakage-by-round, first round; leakage-by-round
leakage-by-round, last round; leakage-by-round
secure-sum; secure-sum
table-row; table-row
architecture, LeNet-5; architecture
architecture, LeNet; architecture; victim.model=lenet
architecture, ResNet-20; architecture; victim.model=resnet20
width, a quarter; width
width, 1; width; victim.options.width=1
width, 4; width; victim.options.width=4
skip-connections, without; skip-connections
skip-connections, with; skip-connections; victim.options.skip=true
activation, ReLU; activation
activation, tanh; activation; victim.options.activation=tanh
activation, GELU; activation; victim.options.activation=gelu
activation, leaky ReLU; activation; victim.options.activation=leaky-relu
activation, sigmoid; activation; victim.options.activation=sigmoid
trained-victim, trained; trained-victim
trained-victim, untrained; trained-victim; victim.weights=
batch-norm, trained, train mode, four; batch-norm
noise, 0.01; noise
noise, none; noise; post=
noise, 0.003; noise; post=[{kind="gaussian-noise",sigma=0.003}]
noise, 0.03; noise; post=[{kind="gaussian-noise",sigma=0.03}]
noise, 0.1; noise; post=[{kind="gaussian-noise",sigma=0.1}]
noise, four rounds together, last round; noise; federation.clients=10 federation.learning_rate=0.1 federation.attack_rounds=[0,1,2,3] knowledge.same_batch=true
noise, the fourth round alone, last round; noise; federation.clients=10 federation.learning_rate=0.1 federation.attack_rounds=[3]
dcs-2; dcs-2
clip, known; clip
clip, estimated; clip; knowledge.post=estimated
clip, ignored; clip; knowledge.post=none
clip, none; clip; post=
clip of layers, known; sparsify; post=[{kind="clip",norm=0.01,of="layer"}]
clip of layers, ignored; sparsify; post=[{kind="clip",norm=0.01,of="layer"}] knowledge.post=none
clip of entries, known; sparsify; post=[{kind="clip",norm=0.001,of="entry"}]
clip of entries, ignored; sparsify; post=[{kind="clip",norm=0.001,of="entry"}] knowledge.post=none
sparsify, known; sparsify
sparsify, estimated; sparsify; knowledge.post=estimated
sparsify, ignored; sparsify; knowledge.post=none
sparsify, none; sparsify; post=
sparsify at random, known; sparsify; post=[{kind="sparsify",share=0.9,choice="random"}]
sparsify at random, ignored; sparsify; post=[{kind="sparsify",share=0.9,choice="random"}] knowledge.post=none
laplace-noise, 0.01; laplace-noise
laplace-noise, 0.001; laplace-noise; post=[{kind="laplace-noise",scale=0.001}]
laplace-noise, 0.1; laplace-noise; post=[{kind="laplace-noise",scale=0.1}]
quantise, 4 levels, known; quantise
quantise, 4 levels, estimated; quantise; knowledge.post=estimated
quantise, 4 levels, ignored; quantise; knowledge.post=none
quantise, 1 level, known; quantise; post=[{kind="quantise",levels=1}]
quantise, 1 level, ignored; quantise; post=[{kind="quantise",levels=1}] knowledge.post=none
quantise, 16 levels, known; quantise; post=[{kind="quantise",levels=16}]
quantise, 16 levels, ignored; quantise; post=[{kind="quantise",levels=16}] knowledge.post=none
quantise, QSGD of 16 levels; quantise; post=[{kind="quantise",levels=16,scale="l2",rounding="stochastic"}]
cast, int8, known; cast
cast, int8, ignored; cast; knowledge.post=none
cast, fp16, known; cast; post=[{kind="cast",format="fp16"}]
cast, fp16, ignored; cast; post=[{kind="cast",format="fp16"}] knowledge.post=none
cast, bf16, known; cast; post=[{kind="cast",format="bf16"}]
cast, bf16, ignored; cast; post=[{kind="cast",format="bf16"}] knowledge.post=none
sign, scaled, known; sign
sign, scaled, ignored; sign; knowledge.post=none
sign, raw, known; sign; post=[{kind="sign",scaled=false}]
sign, raw, ignored; sign; post=[{kind="sign",scaled=false}] knowledge.post=none
drop-layers, last, known; drop-layers
drop-layers, last, ignored; drop-layers; knowledge.post=none
drop-layers, first, known; drop-layers; post=[{kind="drop-layers",layers="first"}]
drop-layers, first, ignored; drop-layers; post=[{kind="drop-layers",layers="first"}] knowledge.post=none
mixup, four unlike; mixup
mixup, none; mixup; post=
mixup, two; mixup; post=[{kind="mixup",samples=2}]
instahide, four unlike; instahide
ats, two policies; ats
ats, the first alone; ats; post=[{kind="ats",policy="3-1-7"}]
ats, the second alone; ats; post=[{kind="ats",policy="43-18-18"}]
ats, none; ats; post=
precode, known; precode
precode, ignored; precode; knowledge.post=none
precode, none; precode; post=
dropout, 0.25, known; dropout
dropout, 0.25, ignored; dropout; knowledge.post=none
dropout, 0.5, known; dropout; post=[{kind="dropout",rate=0.5}]
dropout, 0.5, ignored; dropout; post=[{kind="dropout",rate=0.5}] knowledge.post=none
graddefense, 0.01; graddefense
graddefense, 0.001; graddefense; post=[{kind="graddefense",sigma=0.001}]
graddefense, 0.1; graddefense; post=[{kind="graddefense",sigma=0.1}]
graddefense, 0.01 on all slices; graddefense; post=[{kind="graddefense",sigma=0.01,noised=10}]
dp-sgd, 1; dp-sgd
dp-sgd, 0.1; dp-sgd; post=[{kind="dp-sgd",norm=1.0,noise_multiplier=0.1}]
dp-sgd, 0.01; dp-sgd; post=[{kind="dp-sgd",norm=1.0,noise_multiplier=0.01}]
dp-sgd, 0.001; dp-sgd; post=[{kind="dp-sgd",norm=1.0,noise_multiplier=0.001}]
soteria, 0.8, known; soteria
soteria, 0.8, ignored; soteria; knowledge.post=none
soteria, 0.4, known; soteria; post=[{kind="soteria",share=0.4}]
soteria, 0.4, ignored; soteria; post=[{kind="soteria",share=0.4}] knowledge.post=none
outpost, known; outpost
outpost, ignored; outpost; knowledge.post=none
censor; censor
noise-only; noise-only
fc-inversion, four; fc-inversion
fc-inversion, one; fc-inversion; victim.sample.count=1
fc-inversion, sixteen; fc-inversion; victim.sample.count=16
logit; logit
logit, noise 0.0001; logit; post=[{kind="gaussian-noise",sigma=0.0001}]
r-gap; r-gap
r-gap, as published with sigmoids and biases; r-gap; victim.options=
copa; copa
copa, equations alone; copa; attack.kind=r-gap
copa, pixels; copa; attack.variable=pixels
copa, twice as wide; copa; victim.options.width=0.5
april; april
april, 64 bit; april; run.precision=f64
cpa; cpa
cpa, sixteen; cpa; victim.indices=[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]
spear; spear
spear, sixteen; spear; victim.indices=[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]
trap-weights; trap-weights
trap-weights, 0.7; trap-weights; attack.factor=0.7
trap-weights, 0.9; trap-weights; attack.factor=0.9
loki; loki
loki, 512 bins; loki; attack.bins=512
scale-mia; scale-mia
scale-mia, sixty-four; scale-mia; victim.sample.count=64
scale-mia, one client of eight; scale-mia; federation.clients=1 federation.secure_aggregation=1 victim.sample.count=8
fishing, one photo of sixteen; fishing
fishing, all sixteen from the honest model; fishing; attack.kind=inverting-gradients knowledge.manipulate=false
fishing, one crop of sixty-four; fishing; victim.data=crops32 victim.indices= victim.sample={count=64} victim.classes=100
fishing, one crop of a hundred; fishing; victim.data=crops32 victim.indices= victim.sample={count=100} victim.classes=100
fishing for each of sixteen; fishing-each
fishing for each of sixteen, fifteen queries; fishing-each; attack.queries=15
fishing for each of sixty-four garments; fishing-each; victim.data=fashion28 victim.size= victim.classes= victim.sample={count=64,classes="any"} attack.queries=400
imprint, linear; imprint
imprint, sparse; imprint; attack.variant=sparse
imprint, 16 bins; imprint; attack.bins=16
imprint, sixty-four crops, 128 bins; imprint; victim.data=crops32 victim.indices= victim.sample={count=64} victim.classes=100
imprint, sixty-four crops, 1000 bins; imprint; victim.data=crops32 victim.indices= victim.sample={count=64} victim.classes=100 attack.bins=1000
cpl, patterned; cpl
cpl, normal start; cpl; attack.start=normal
cpl, without loss; cpl; attack.prior.loss=0
tableak, four; tableak
tableak, pixels; tableak; attack.variable=pixels attack.members=1 attack.box=true
gradinversion, exact; gradinversion
gradinversion, running; gradinversion; knowledge.statistics=running
gradinversion, no statistics; gradinversion; attack.prior.bn=0
sapag; sapag
sapag, photos; sapag; victim.data=photos
sapag, photos, sigmoid LeNet; sapag; victim.data=photos victim.options.activation=sigmoid victim.options.initialisation=uniform
dimitrov, epochs by themselves; dimitrov
dimitrov, distance of the paper; dimitrov; attack.distance={kind="l2",layers="exp"} attack.optimiser={kind="adam",lr=0.1}
dimitrov, one sample for all epochs; dimitrov; attack.kind=inverting-gradients attack.prior=
ig-modern; ig-modern
huang, strong; huang
huang, realistic; huang; knowledge.statistics=running attack.prior.bn=0.001 attack.prior.tv=0.05 attack.labels={rule="yin"} knowledge.labels=false
sme, surrogate; sme
sme, taken for one gradient; sme; attack.kind=inverting-gradients attack.prior.tv=0.005
sme, all steps known; sme; attack.kind=inverting-gradients attack.prior.tv=0.005 knowledge.local=known
sme, all steps known, 25 iterations; sme; attack.kind=inverting-gradients attack.prior.tv=0.005 knowledge.local=known attack.iterations=25
sme, all steps known, 50 iterations; sme; attack.kind=inverting-gradients attack.prior.tv=0.005 knowledge.local=known attack.iterations=50
sme, all steps known, 100 iterations; sme; attack.kind=inverting-gradients attack.prior.tv=0.005 knowledge.local=known attack.iterations=100
rog, half the side; rog
rog, pixels; rog; attack.variable=pixels
gias; gias
gias, on noise; gias
gias, pixels; gias; attack.kind=inverting-gradients attack.iterations=500
gias, of a sparsified update; gias; post=[{kind="sparsify",share=0.9}]
gias, of a sparsified update, ignored; gias; post=[{kind="sparsify",share=0.9}] knowledge.post=none
gias, pixels of a sparsified update; gias; attack.kind=inverting-gradients attack.iterations=500 post=[{kind="sparsify",share=0.9}]
gias, pixels of a sparsified update, ignored; gias; attack.kind=inverting-gradients attack.iterations=500 post=[{kind="sparsify",share=0.9}] knowledge.post=none
gias, pixels of a sparsified update, ignored, masked; gias; attack.kind=inverting-gradients attack.iterations=500 attack.distance=masked-cosine post=[{kind="sparsify",share=0.9}] knowledge.post=none
ggl; ggl
ggl, on noise; ggl
ggl, of a sparsified update; ggl; post=[{kind="sparsify",share=0.9}]
ggl, pixels of a sparsified update; ggl; attack.kind=inverting-gradients attack.labels={rule="idlg"} attack.iterations=1000 post=[{kind="sparsify",share=0.9}]
ggl, pixels of a sparsified update, ignored; ggl; attack.kind=inverting-gradients attack.labels={rule="idlg"} attack.iterations=1000 post=[{kind="sparsify",share=0.9}] knowledge.post=none
ggl, of a sparsified update, ignored; ggl; post=[{kind="sparsify",share=0.9}] knowledge.post=none
ggl, adam; ggl; attack.optimiser={kind="adam",lr=0.1}
ggl, pixels; ggl; attack.kind=inverting-gradients attack.labels={rule="idlg"} attack.iterations=1000
gifd; gifd
gifd, on noise; gifd
gifd, of a sparsified update; gifd; post=[{kind="sparsify",share=0.9}]
gifd, of a sparsified update, ignored; gifd; post=[{kind="sparsify",share=0.9}] knowledge.post=none
ci-net; ci-net
ci-net, on noise; ci-net
ci-net, pixels; ci-net; attack.kind=inverting-gradients attack.iterations=500
fedleak; fedleak
fedleak, on noise; fedleak
fedleak, with the absolute term; fedleak; attack.distance={kind="masked-cosine",mask="top-k-whole",keep=0.5,alpha=0.1}
fedleak, ReLU; fedleak; victim.options.activation=relu
'

printf '| case | PSNR dB, median (range) of five | s |\n|---|---|---|\n'
while IFS=';' read -r label preset settings; do
    preset=${preset// /}
    [ -n "$label" ] || continue
    if [ $# -gt 0 ] && ! grep -qiE "$(IFS='|'; echo "$*")" <<<"$label"; then continue; fi
    for k in 0 1 2 3 4; do
        set_=()
        for setting in $(moved "$preset" $k) $settings; do set_+=(--set "$setting"); done
        begin=$(date +%s.%N)
        last=$("$gialab" run "$preset" --data-dir "$store" --seed $k "${set_[@]}" --json 2>"$store/error" | tail -n 1) ||
            { sed 's/^/# /' "$store/error" >&2; continue; }
        seconds=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN {print b - a}')
        all=$(grep -o '"psnr":{"mean":[-0-9.e]*' <<<"$last" | cut -d: -f3)
        case $label in
            *"last round") psnr=$(tail -n 1 <<<"$all") ;;
            "labels right"*) psnr=$(grep -o '"label_accuracy":[0-9.]*' <<<"$last" | head -n 1 | awk -F: '{print 100 * $2}') ;;
            *"on noise") psnr=$(grep -o '"noise":[-0-9.e]*' <<<"$last" | head -n 1 | cut -d: -f2) ;;
            *) psnr=$(head -n 1 <<<"$all") ;;
        esac
        echo "$psnr $seconds"
    done > "$store/pairs"
    sort -g "$store/pairs" | awk '{print $1}' > "$store/psnr"
    sort -gk2 "$store/pairs" | awk '{print $2}' > "$store/seconds"
    if [ "$(wc -l < "$store/psnr")" -ne 5 ]; then
        echo "| $label | $(wc -l < "$store/psnr") of five pairs only | |"
        continue
    fi
    awk -v label="$label" -v seconds="$(sed -n 3p "$store/seconds")" \
        '{v[NR] = $1} END {printf "| %s | %.1f (%.1f to %.1f) | %.1f |\n", label, v[3], v[1], v[5], seconds}' "$store/psnr"
done <<<"$cases"
