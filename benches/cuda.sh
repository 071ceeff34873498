#!/usr/bin/env bash
# What an NVIDIA device does, on a machine that needs neither cargo nor a network. The kit is made where cargo is, carried,
# and used in two commands of less than ten minutes each:
#
#     bash benches/cuda.sh --kit [FOLDER]             make it (./cuda-kit); TORCH_BASELINE=SCRIPT takes PyTorch's side along
#     bash FOLDER/cuda.sh --run [OUT] [PYTHON]        does it work, is it right, how fast is it
#     bash FOLDER/cuda.sh --grow [OUT] [PYTHON]       how time grows, 64 bit, photographs through a ResNet-50
#
# Into OUT (./cuda-results): table.md, written anew after every step; log.txt, measured.jsonl, torch.jsonl and busy.csv. With a
# PYTHON that has torch, PyTorch is timed on the same workloads, eager and compiled. A step that fails, or takes longer than
# its share, is named in the table and stops nothing. `--dry` before --run or --grow does what needs no device.
#
# Environment: SECONDS_IN_ALL (570), ONLY (steps, as "agreement torch"), GIALAB and AGREEMENT (a program and a test binary
# instead of the kit's), BACKEND (cuda), WORKLOADS, WORK (for runs and compiled kernels), LOOK_IN (folders in which driver,
# NVRTC and headers are looked for, instead of the usual ones).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

complain() {
    echo "cuda.sh: $*" >&2
    exit 1
}

# --- The kit

LIMIT_MIB=60

kit() {
    local folder=${1:-cuda-kit} root built staged size
    set -e
    root=$(cd "$here/.." && pwd)
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    cd "$root"
    cargo build --release --features cuda --bin gialab
    built=$(cargo test --release --features cuda --lib --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)
    [ -x "$built" ] || complain "cargo names no test binary"
    staged=$(mktemp -d)
    mkdir -p "$staged/bin" "$staged/tests/golden/models"
    cp target/release/gialab "$staged/bin/gialab"
    cp "$built" "$staged/bin/agreement"
    strip "$staged"/bin/*
    cp tests/golden/models/manifest.json "$staged/tests/golden/models/"
    [ -z "${TORCH_BASELINE:-}" ] || cp "$TORCH_BASELINE" "$staged/torch_baseline.py"
    { git describe --always --dirty 2>/dev/null || echo unknown; } > "$staged/VERSION"
    tar -C "$staged" -c . | xz -9 -T0 > "$folder/kit.tar.xz"
    rm -r "$staged"
    cp "$here/cuda.sh" "$folder/cuda.sh"
    size=$(du -cb "$folder/kit.tar.xz" "$folder/cuda.sh" | tail -1 | cut -f1)
    echo "$folder: $(awk -v b="$size" 'BEGIN { printf "%.1f", b / 1048576 }') MiB in all"
    [ "$size" -le $((LIMIT_MIB << 20)) ] || complain "that is more than the $LIMIT_MIB MiB that can be carried"
}

# Where program, test binary and what the tests read are: beside this script, unpacked where they came packed.
unpack() {
    if [ -f "$here/kit.tar.xz" ]; then
        kit=$here/unpacked
        if [ ! -f "$kit/VERSION" ] || [ "$here/kit.tar.xz" -nt "$kit/VERSION" ]; then
            rm -rf "$kit" && mkdir -p "$kit" || complain "$here cannot be written to; copy the kit elsewhere"
            if command -v xz > /dev/null; then
                tar -C "$kit" -xJf "$here/kit.tar.xz"
            else
                "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' \
                    "$here/kit.tar.xz" "$kit"
            fi || complain "kit.tar.xz does not unpack; it needs xz or a python3"
            touch "$kit/VERSION"
        fi
    else
        kit=$(cd "$here/.." && pwd)
    fi
    gialab=${GIALAB:-$kit/bin/gialab}
    agreement=${AGREEMENT:-$kit/bin/agreement}
    [ -x "$gialab" ] || complain "no program at $gialab; make a kit with --kit, or name one as GIALAB"
    torch=${TORCH_BASELINE:-$kit/torch_baseline.py}
}

# --- Driver, compiler, headers

# Folders in which CUDA may be, the likeliest first.
roots() {
    local nvcc site
    if [ -n "${LOOK_IN:-}" ]; then
        tr : '\n' <<< "$LOOK_IN"
    else
        printf '%s\n' "${CUDA_PATH:-}" "${CUDA_HOME:-}"
        nvcc=$(command -v nvcc) && dirname "$(dirname "$(readlink -f "$nvcc")")"
        printf '%s\n' /usr/local/cuda /usr/local/cuda-* /opt/cuda "${CONDA_PREFIX:-}" \
            "${CONDA_PREFIX:-/nowhere}/targets/x86_64-linux" /usr
    fi
    wheels
}

# What pip has installed: a folder for each library (CUDA 12), or one for all (CUDA 13).
wheels() {
    if [ -n "${LOOK_IN:-}" ]; then
        tr : '\n' <<< "$LOOK_IN"
    else
        "$python" -c 'import sys; print("\n".join(p for p in sys.path if p))' 2> /dev/null
    fi | while read -r site; do
        [ ! -d "$site/nvidia" ] || printf '%s\n' "$site"/nvidia/*
    done
}

libraries() { printf '%s\n' "$1/lib64" "$1/lib" "$1/lib/x86_64-linux-gnu" "$1/targets/x86_64-linux/lib" "$1"; }

# The folder of libcuda.so.1; nothing where the loader finds it by itself would be wrong, so it is always named.
driver() {
    local folder
    {
        [ -n "${LOOK_IN:-}" ] || {
            tr : '\n' <<< "${LD_LIBRARY_PATH:-}"
            { ldconfig -p 2> /dev/null || /sbin/ldconfig -p 2> /dev/null; } |
                sed -n 's|.*libcuda\.so\.1 .*=> \(.*\)/libcuda\.so\.1$|\1|p'
            printf '%s\n' /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/local/nvidia/lib64 /usr/lib/wsl/lib
        }
        roots | while read -r root; do libraries "$root"; done
    } | while read -r folder; do
        if [ -n "$folder" ] && [ -e "$folder/libcuda.so.1" ]; then
            echo "$folder"
            break
        fi
    done
}

# VERSION FILE of every NVRTC: its version is in the name of the library that lies beside it.
compilers() {
    local root folder file builtins
    roots | while read -r root; do
        [ -n "$root" ] || continue
        libraries "$root" | while read -r folder; do
            for file in "$folder"/libnvrtc.so.[0-9]* "$folder"/libnvrtc.so; do
                [ -e "$file" ] || continue
                builtins=$(printf '%s\n' "$folder"/libnvrtc-builtins.so.[0-9]*.[0-9]* | tail -1)
                builtins=$(sed -n 's/.*builtins\.so\.\([0-9]*\.[0-9]*\).*/\1/p' <<< "$builtins")
                echo "${builtins:-0.0} $file"
                break
            done
        done
    done
}

# Version of the headers under a root, as 13.0.
headers() {
    local number
    number=$(sed -n 's/^#define CUDART_VERSION *\([0-9]*\).*/\1/p' "$1/include/cuda_runtime_api.h" 2> /dev/null | head -1)
    [ -z "$number" ] || echo "$((number / 1000)).$((number % 1000 / 10))"
}

is_complete() {
    [ -e "$1/include/cuda_runtime.h" ] && [ -e "$1/include/crt/mma.h" ] &&
        { [ -e "$1/include/nv/target" ] || [ -e "$1/include/cccl/nv/target" ]; }
}

number() { awk -F. '{ print 100 * $1 + $2 }' <<< "${1:-0.0}"; }

# Chooses one NVRTC, no newer than the driver if there is one, and headers of the same generation, and leads the program to
# them. What is missing is said in one sentence.
find_cuda() {
    local folder version file root known best=
    folder=$(driver)
    [ -n "$folder" ] || { lacks="no NVIDIA driver: libcuda.so.1 is in no folder that was looked in" && return 1; }
    known=$(nvidia-smi 2> /dev/null | sed -n 's/.*CUDA Version: *\([0-9.]*\).*/\1/p' | head -1)
    while read -r version file; do
        if [ -z "$best" ] || { [ -n "$known" ] && [ "$(number "${best%% *}")" -gt "$(number "$known")" ] &&
            [ "$(number "$version")" -le "$(number "$known")" ]; }; then
            best="$version $file"
        fi
    done < <(compilers)
    [ -n "$best" ] || { lacks="no run-time compiler: libnvrtc.so is in no CUDA toolkit and no nvidia package of ${python:-python3}" && return 1; }
    version=${best%% *} file=${best#* }
    local found= partial=
    while read -r root; do
        [ -n "$root" ] && [ -n "$(headers "$root")" ] || continue
        [ "$(headers "$root" | cut -d. -f1)" = "${version%%.*}" ] || [ "$version" = 0.0 ] || continue
        partial=${partial:-$root}
        is_complete "$root" && found=$root && break
    done < <(roots)
    if [ -z "$found" ] && [ -n "$partial" ]; then
        # Of wheels each brings a part.
        found=$work/cuda
        rm -rf "$found" && mkdir -p "$found/include"
        for root in "$partial" $(wheels); do
            [ ! -d "$root/include" ] || cp -rsn "$(cd "$root/include" && pwd)/." "$found/include/" 2> /dev/null
        done
    fi
    [ -n "$found" ] || { lacks="no CUDA headers for NVRTC $version: cuda_runtime.h is in no CUDA toolkit and no nvidia package of ${python:-python3}" && return 1; }
    mkdir -p "$work/lib"
    ln -sf "$(readlink -f "$file")" "$work/lib/libnvrtc.so"
    export CUDA_PATH=$found
    export LD_LIBRARY_PATH=$work/lib:$(dirname "$(readlink -f "$file")"):$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    cuda="driver in $folder (CUDA ${known:-unknown}), NVRTC $version in $(dirname "$file"), headers $(headers "$found") in $found"
    is_complete "$found" || cuda="$cuda, without crt/mma.h or nv/target: kernels for matrix units will not compile"
    if [ -n "$known" ] && [ "$(number "$version")" -gt "$(number "$known")" ]; then
        cuda="$cuda; NVRTC is newer than the driver, which may refuse what it compiles"
    fi
}

# --- Steps: each prints what the table says of it as its last line

WORKLOADS=${WORKLOADS:-dlg-lenet-b1 dlg-lenet-b8 ig-lenet-b1 ig-resnet20-b1 ig-convnet64-b1 ig-convnet64-b4 ig-resnet18-b1 ig-resnet18-b4 ig-resnet18-b16}
FEW="ig-lenet-b1 ig-resnet20-b1 ig-convnet64-b1 ig-resnet18-b1"
BACKEND=${BACKEND:-cuda}

# One workload in a process of its own; its line goes to measured.jsonl under the name of the pass.
measure() {
    local pass=$1 workload=$2 line
    shift 2
    line=$("$gialab" bench --inside --workload "$workload" "$@") || return 1
    sed "s/^{/{\"pass\":\"$pass\",/" <<< "$line" | tee -a "$out/measured.jsonl"
}

pass() {
    local name=$1 backend=$2 workload failed=0 done=0
    for workload in $WORKLOADS; do
        if measure "$name" "$workload" --backend "$backend"; then done=$((done + 1)); else failed=$((failed + 1)); fi
    done
    echo "$done workloads measured, $failed failed"
    [ "$failed" = 0 ]
}

step_doctor() {
    "$gialab" doctor < /dev/null
}

step_first() { pass first "$BACKEND"; }
step_second() { pass second "$BACKEND"; }
step_cpu() { pass cpu flex; }

step_agreement() {
    [ -x "$agreement" ] || { echo "no test binary at $agreement" && return 1; }
    CARGO_MANIFEST_DIR=$kit "$agreement" golden::cuda::cuda_ --nocapture --test-threads=1
}

step_preset() {
    local code
    "$gialab" run dlg-lenet --backend "$BACKEND" --require 'psnr>=40' | tee "$work/preset"
    code=${PIPESTATUS[0]}
    awk '/PSNR dB/ { getline; print "PSNR " $7 " dB; at least 40 are asked for"; exit }' "$work/preset"
    return "$code"
}

# Killed in the middle, a run goes on from its checkpoint to its end.
step_resume() {
    local run at pid=0
    run=$("$gialab" run ig-lenet --backend "$BACKEND" --detach --set attack.iterations=8000 \
        --set run.checkpoint_seconds=0.5) || return 1
    at=$GIALAB_DATA_DIR/runs/$run
    until [ -e "$at/checkpoint.safetensors" ]; do sleep 0.1; done
    pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$at/manifest.json")
    kill -9 "$pid" || { echo "the run had ended before it could be killed" && return 1; }
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
    "$gialab" resume "$run" || return 1
    grep -q '"resumed"' "$at/events.jsonl" || { echo "it began anew" && return 1; }
    echo "killed and resumed to its end"
}

step_compare() {
    local few=()
    for workload in $FEW; do few+=(--workload "$workload"); done
    "$gialab" bench --compare --evaluations 10 "${few[@]}"
}

# How busy the device is while the largest workload runs.
step_busy() {
    local watcher measured=0
    command -v nvidia-smi > /dev/null || { echo "n/a: no nvidia-smi" && return 1; }
    nvidia-smi --query-gpu=utilization.gpu,memory.used,temperature.gpu --format=csv,noheader,nounits -lms 200 \
        > "$out/busy.csv" &
    watcher=$!
    "$gialab" bench --inside --workload ig-resnet18-b16 --backend "$BACKEND" --evaluations 200 || measured=1
    kill "$watcher"
    [ "$measured" = 0 ] || return 1
    awk -F', *' '{ n++; s += $1; if ($1 > u) u = $1; if ($2 > m) m = $2; if ($3 > t) t = $3 }
        END { if (n) printf "busy %.0f %% of the time in the mean, %d %% at most; %d MiB, %d degrees at most\n", s / n, u, m, t
              else { print "nvidia-smi says nothing"; exit 1 } }' "$out/busy.csv"
}

# Launches of kernels in one evaluation: what 40 have more than 20.
step_launches() {
    local nsys calls=() count
    nsys=$(command -v nsys || ls /usr/local/cuda/bin/nsys /opt/nvidia/nsight-systems/*/bin/nsys 2> /dev/null | tail -1)
    [ -n "$nsys" ] || { echo "n/a: no nsys" && return 1; }
    for count in 20 40; do
        "$nsys" profile -t cuda --sample=none --cpuctxsw=none -f true -o "$work/launches-$count" \
            "$gialab" bench --inside --workload ig-resnet20-b1 --backend "$BACKEND" --evaluations $count || return 1
        calls+=("$("$nsys" stats -q --force-export=true -r cuda_api_sum --format csv "$work/launches-$count.nsys-rep" |
            awk -F, '/cuLaunchKernel/ { n += $3 } END { print n + 0 }')")
    done
    [ "${calls[1]}" -gt "${calls[0]}" ] || { echo "n/a: nsys saw no launches" && return 1; }
    awk -v a="${calls[0]}" -v b="${calls[1]}" 'BEGIN { printf "%.0f launches in an evaluation of ig-resnet20-b1\n", (b - a) / 20 }'
}

pytorch() {
    local workload done=0 line
    "$python" -c 'import torch' || { echo "n/a: $python has no torch" && return 1; }
    [ -f "$torch" ] || { echo "n/a: no script of PyTorch's side (TORCH_BASELINE)" && return 1; }
    for workload in $WORKLOADS; do
        if line=$(timeout --foreground 60 "$python" "$torch" --workload "$workload" --iterations 40 --device cuda "$@"); then
            tail -1 <<< "$line" | tee -a "$out/torch.jsonl"
            done=$((done + 1))
        fi
    done
    echo "$done workloads measured"
    [ "$done" -gt 0 ]
}

step_torch() { pytorch; }
step_compiled() { pytorch --compile; }

step_wide() {
    local workload failed=0
    for workload in $FEW; do measure "64 bit" "$workload" --backend "$BACKEND" --precision f64 || failed=1; done
    return $failed
}

step_large() {
    measure first ig-resnet50-b8-224px --backend "$BACKEND" --evaluations 10 || return 1
    measure second ig-resnet50-b8-224px --backend "$BACKEND" --evaluations 10
}

step_growth() { "$gialab" bench --backend "$BACKEND" --scale; }

# --- One after the other, and what came of them

# The steps of a command with the seconds that each may take.
RUN="doctor:20 first:180 agreement:240 preset:120 resume:90 second:80 busy:45 cpu:60 torch:60 compiled:90 launches:60 compare:60"
GROW="large:240 wide:90 growth:240"

names=() outcomes=() times=() words=()

step() {
    local name=$1 limit=$2 begun=$SECONDS left code outcome said
    left=$((all - SECONDS))
    names+=("$name")
    if [ "$left" -lt 5 ]; then
        outcomes+=("not reached") times+=("") words+=("ONLY=$name does it") && table
        return
    fi
    if [ -n "$dry" ] && [ "$name" != doctor ]; then
        outcomes+=("dry") times+=("") words+=("needs a device") && table
        return
    fi
    [ "$limit" -le "$left" ] || limit=$left
    printf '\n== %s, at most %s s\n' "$name" "$limit" | tee -a "$out/log.txt"
    timeout -k 5 "$limit" bash "$here/cuda.sh" --step "$name" 2>&1 | tee -a "$out/log.txt" > "$work/said"
    code=${PIPESTATUS[0]}
    cat "$work/said"
    said=$(sed -n '/[^ ]/h; ${g;p}' "$work/said" | tr '|' '/' | cut -c1-120)
    if grep -q '^test result' "$work/said"; then said=$(grep '^test result' "$work/said" | tail -1); fi
    case $code in
        0) outcome=ok ;;
        124 | 137) outcome="stopped at its limit" ;;
        *) outcome="failed ($code)" ;;
    esac
    outcomes+=("$outcome") times+=($((SECONDS - begun))) words+=("$said")
    end_runs
    table
}

# Workers outlive whoever started them; what a step that was stopped left computing is ended.
end_runs() {
    local manifest
    for manifest in "$GIALAB_DATA_DIR"/runs/*/manifest.json; do
        if grep -q '"status": *"\(running\|queued\)"' "$manifest" 2> /dev/null; then
            "$gialab" stop "$(basename "$(dirname "$manifest")")" < /dev/null >> "$out/log.txt" 2>&1
        fi
    done
}

# The value of a key in a line of JSON, as it stands there.
TABLE='
function value(line, key) {
    if (!match(line, "\"" key "\":(\"[^\"]*\"|[-+.0-9a-zA-Z]*)")) return ""
    line = substr(line, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
    gsub("\"", "", line)
    return line
}
function ms(number) { return number == "" ? "n/a" : sprintf("%.2f", number) }
FILENAME ~ /measured/ { key = value($0, "pass") }
FILENAME ~ /torch/ { key = value($0, "compiled") == "true" ? "compiled" : "eager" }
{
    name = value($0, "workload")
    if (!(name in seen)) { seen[name] = 1; order[++count] = name }
    time[name, key] = value($0, "ms_per_evaluation")
    if (key == "first") { cold[name] = value($0, "ms_first"); error[name] = value($0, "error") }
}
END {
    if (!count) { print "No workload was measured."; exit }
    print "Milliseconds of an evaluation, medians; `error` is that of the first gradient against 64 bit.\n"
    print "| workload | very first | first pass | second pass | CPU | PyTorch | compiled | 64 bit | error |"
    print "|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; i++) {
        n = order[i]
        printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", n, ms(cold[n]), ms(time[n, "first"]),
            ms(time[n, "second"]), ms(time[n, "cpu"]), ms(time[n, "eager"]), ms(time[n, "compiled"]),
            ms(time[n, "64 bit"]), (error[n] == "" || error[n] == "null") ? "n/a" : sprintf("%.0e", error[n])
    }
}'

table() {
    local at
    {
        echo "# gialab $(cat "$kit/VERSION" 2> /dev/null || "$gialab" --version | head -1 | cut -d' ' -f2) on $BACKEND"
        echo
        echo "$device"
        echo
        echo "$cuda"
        echo
        echo "| step | outcome | seconds | what it says |"
        echo "|---|---|---|---|"
        for at in "${!names[@]}"; do
            echo "| ${names[at]} | ${outcomes[at]} | ${times[at]} | ${words[at]} |"
        done
        echo
        touch "$out/measured.jsonl" "$out/torch.jsonl"
        awk "$TABLE" "$out/measured.jsonl" "$out/torch.jsonl"
    } > "$out/table.md.new"
    mv "$out/table.md.new" "$out/table.md"
}

steps() {
    local entry
    unpack
    mkdir -p "$out" || complain "$out cannot be written to"
    out=$(cd "$out" && pwd)
    # Not into a checkout.
    work=${WORK:-$([ -f "$here/kit.tar.xz" ] && echo "$here/work" || mktemp -d)}
    mkdir -p "$work" || complain "$work cannot be written to; name another folder as WORK"
    # What was compiled stays for --grow; --run shows what the first time costs.
    [ "$1" != "$RUN" ] || [ -n "${ONLY:-}" ] || rm -rf "$work/cache"
    rm -rf "$work/data"
    export GIALAB_DATA_DIR=$work/data XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state
    export out work kit gialab agreement torch python BACKEND WORKLOADS
    cuda= lacks=
    if [ "$BACKEND" = cuda ] && ! find_cuda; then
        [ -n "$dry" ] || complain "$lacks; --dry does what needs no device"
        cuda="Dry: $lacks."
    fi
    device=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2> /dev/null)
    device=${device:-no device answers nvidia-smi}
    echo "$device; ${cuda:-$BACKEND}" | tee -a "$out/log.txt"
    for entry in $1; do
        case " ${ONLY:-${entry%%:*}} " in *" ${entry%%:*} "*) step "${entry%%:*}" "${entry#*:}" ;; esac
    done
    echo
    cat "$out/table.md"
    case " ${outcomes[*]} " in *failed* | *stopped* | *reached*) exit 3 ;; esac
}

all=${SECONDS_IN_ALL:-570}
dry=
[ "${1:-}" != --dry ] || { dry=yes && shift; }
mode=${1:-}
case $mode in
    --kit) kit "${2:-}" ;;
    --step) "step_$2" ;;
    --run | --grow)
        out=${2:-cuda-results} python=${3:-$(command -v python3 || true)}
        if [ "$mode" = --run ]; then steps "$RUN"; else steps "$GROW"; fi
        ;;
    *) complain "use --kit [FOLDER], --run [OUT] [PYTHON] or --grow [OUT] [PYTHON]; the head of this file says more" ;;
esac
