"""What successive halving would have kept of trials that ran to their end: see halving.sh."""

import itertools
import json
import math
import statistics
import sys

RUNGS = [1 / 8, 1 / 4, 1 / 2]


def trials(log):
    """Matching losses by iteration, final matching loss and PSNR of every trial."""
    found = {}
    for line in open(log):
        event = json.loads(line)
        if event["event"] == "progress":
            points = found.setdefault(event["trial"], {"points": []})["points"]
            points += [(p["i"], p["m"]) for p in event["points"] if p["m"] is not None]
        elif event["event"] == "trial-finished":
            found[event["trial"]].update(end=event["matching"], psnr=event["metrics"]["psnr"]["mean"])
    return list(found.values())


def chosen(some):
    return min(some, key=lambda trial: trial["end"])["psnr"]


def halved(some):
    """PSNR of what is left, and its cost in whole trials."""
    length = max(i for trial in some for i, _ in trial["points"])
    best = lambda trial, share: min((m for i, m in trial["points"] if i <= share * length), default=float("inf"))
    cost, before = 0.0, 0.0
    for rung in RUNGS:
        cost += len(some) * (rung - before)
        before = rung
        some = sorted(some, key=lambda trial: best(trial, rung))[: max(1, len(some) // 2)]
    return chosen(some), cost + len(some) * (1 - before)


preset, logs = sys.argv[1], sys.argv[2:]
rows = []
for log in logs:
    some = trials(log)
    kept, cost = halved(some)
    equal = lambda count: statistics.mean(chosen(part) for part in itertools.combinations(some, count))
    share = cost - math.floor(cost)
    whole = (1 - share) * equal(math.floor(cost)) + share * equal(math.ceil(cost))
    rows.append((chosen(some), kept, whole, statistics.mean(t["psnr"] for t in some)))
columns = list(zip(*rows))
columns.append(tuple(kept - equal for _, kept, equal, _ in rows))
cells = [f"{statistics.median(column):.1f} ({min(column):.1f} to {max(column):.1f})" for column in columns]
print(f"| {preset} | " + " | ".join(cells) + " |")
