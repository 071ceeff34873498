#!/usr/bin/env bash
# What the post-processing of each preset costs: accuracy lost in points, the median with the least and the most of five
# pairs of trainings, one with and one without it, from the same seeds. Prints a row of a table for each.
#
#     bash benches/utility.sh [PRESET]...     those presets only
#
# Where a client works long for every sample, it takes two of its samples a round: `soteria` and `dcs-2`, with and without.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/lab.sh

presets=("$@")
if [ $# -eq 0 ]; then mapfile -t presets < <(grep -l '^\[\[post\]\]' presets/*.toml | xargs -n1 basename -s .toml); fi

printf '| preset | accuracy without, %% | lost, points | bytes of an update |\n|---|---|---|---|\n'
for preset in "${presets[@]}"; do
    settings=()
    case $preset in soteria | dcs-2) settings=(--set federation.local_batch=2) ;; esac
    "$gialab" utility "$preset" "${settings[@]}" --data-dir "$store" --seeds 5 --rounds 100 > "$store/said" 2>/dev/null || continue
    row() { sed -n "s/^  $1 *//p" "$store/said"; }
    without=$(row without | sed 's/   .*//')
    printf '| `%s` | %s | %s | %s |\n' "$preset" "$without" "$(row drop | sed 's/ points.*//')" "$(row bytes | sed 's/ an update instead of/ of/')"
done
