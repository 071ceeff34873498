#!/usr/bin/env bash
# A whole Slurm on this machine, of Debian's packages slurmctld, slurmd, slurm-client and munge, all of it in one
# directory: keys, sockets, state and logs. It shares nothing with a Slurm that is here already.
#
#     bash tests/slurm/slurm.sh start DIR    then SLURM_CONF=DIR/slurm.conf for sbatch, squeue and the others
#     bash tests/slurm/slurm.sh stop DIR
#
# Where it cannot start it says why on standard output and ends with 77.
set -euo pipefail

skip() {
    echo "$1"
    stop
    exit 77
}

stop() {
    local name pid
    for name in slurmd slurmctld munged; do
        pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true
    done
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 30000)); (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

start() {
    [ "$(id -u)" = 0 ] || skip "slurmd is started by root alone"
    local needed
    for needed in munged slurmctld slurmd sbatch squeue; do
        command -v "$needed" >/dev/null || PATH=$PATH:/usr/sbin command -v "$needed" >/dev/null ||
            skip "$needed is not there (Debian: apt-get install slurmctld slurmd slurm-client munge)"
    done
    PATH=$PATH:/usr/sbin
    mkdir -p "$dir/state" "$dir/spool"
    (umask 077 && head -c 128 /dev/urandom > "$dir/munge.key")
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
        --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" >/dev/null 2>&1 ||
        skip "munged does not start: $(tail -n 1 "$dir/munged.log" 2>/dev/null)"
    cat > "$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=5
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$dir/slurm.conf
    slurmctld -f "$SLURM_CONF" >/dev/null 2>&1 || skip "slurmctld does not start: $(tail -n 1 "$dir/slurmctld.log" 2>/dev/null)"
    slurmd -f "$SLURM_CONF" >/dev/null 2>&1 || skip "slurmd does not start: $(tail -n 1 "$dir/slurmd.log" 2>/dev/null)"
    for _ in $(seq 150); do
        [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && return
        sleep 0.2
    done
    skip "its node does not come up: $(tail -n 1 "$dir/slurmd.log" 2>/dev/null)"
}

dir=$(realpath -m "$2")
"$1"
