# shellcheck shell=bash
# What the scripts here share: the program, a store of their own that goes with them, and pairs of seed and picture.
gialab=${GIALAB:-target/release/gialab}
[ -x "$gialab" ] || cargo build --release
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT

# The preset's pictures moved on by so many, as a setting; nothing where they are drawn.
moved() {
    local indices data size
    indices=$(grep -m1 '^indices' "presets/$1.toml" | grep -o '\[.*\]' | tr -d '[] ') || return 0
    data=$(grep -m1 '^data' "presets/$1.toml" | cut -d'"' -f2)
    case $data in photos) size=17 ;; breast-cancer) size=569 ;; *) size=500 ;; esac
    echo "victim.indices=[$(tr ',' '\n' <<<"$indices" | awk -v k="$2" -v n=$size '{printf "%s%d", s, ($1 + k) % n; s = ","}')]"
}
