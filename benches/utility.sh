#!/usr/bin/env bash
# What the post-processing of each preset costs: accuracy lost in points, the median with the least and the most of five
# pairs of trainings, one with and one without it, from the same seeds. Prints a row of a table for each.
#
#     bash benches/utility.sh [PRESET]...     those presets only
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/lab.sh

presets=("$@")
if [ $# -eq 0 ]; then mapfile -t presets < <(grep -l '^\[\[post\]\]' presets/*.toml | xargs -n1 basename -s .toml); fi

printf '| preset | accuracy without, %% | lost, points | bytes of an update |\n|---|---|---|---|\n'
for preset in "${presets[@]}"; do
    "$gialab" utility "$preset" --data-dir "$store" --seeds 5 --rounds 100 > "$store/said" 2>/dev/null || continue
    row() { sed -n "s/^  $1 *//p" "$store/said"; }
    without=$(row without | sed 's/   .*//')
    printf '| `%s` | %s | %s | %s |\n' "$preset" "$without" "$(row drop | sed 's/ points.*//')" "$(row bytes | sed 's/ an update instead of/ of/')"
done
