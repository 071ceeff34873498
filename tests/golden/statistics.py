"""Answers of SciPy for src/study/statistics.rs. Run with SciPy 1.17: python statistics.py > statistics.json"""

import json
import numpy as np
from scipy import stats


def rank(x, y, axis=-1):
    return stats.spearmanr(x, y).statistic


def intervals(x, y, seed):
    rng = np.random.default_rng(seed)
    of = lambda data, f, **more: list(
        stats.bootstrap(data, f, method="percentile", rng=rng, **more).confidence_interval
    )
    return [
        of((y,), np.mean),
        of((y,), np.median),
        of((x, y), rank, paired=True, vectorized=False),
    ]


def case(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    runs = np.array([intervals(x, y, seed) for seed in range(5)])
    apart = (runs.max(axis=0) - runs.min(axis=0)).max(axis=1)
    middle = np.median(runs, axis=0)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "spearman": float(rank(x, y)),
        "median": float(np.median(y)),
        "mean": float(np.mean(y)),
        "mean_interval": middle[0].tolist(),
        "median_interval": middle[1].tolist(),
        "spearman_interval": middle[2].tolist(),
        # Twice as far as five seeds are apart, and what the numbers are rounded to.
        "tolerance": (2 * apart + 1e-9).tolist(),
    }


draw = np.random.default_rng(1)
n = 20
cases = [
    case(np.arange(n), 40 - np.arange(n) + draw.normal(0, 4, n)),
    case(draw.normal(size=n), draw.normal(size=n)),
    # Ties on both sides.
    case(np.repeat([1, 2, 4, 8], 5), np.round(draw.normal(20, 3, n))),
    case(draw.exponential(size=12), draw.exponential(size=12) ** 2),
    case(np.arange(7), [46.1, 44.0, 43.9, 38.2, 30.0, 31.5, 12.0]),
    case(np.arange(30) % 3, (np.arange(30) % 3) * 2.0 + draw.normal(0, 0.5, 30)),
]
print(json.dumps(cases, indent=1))
