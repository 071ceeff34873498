"""Answers of PyTorch for defences that look at samples, weights or draws (src/fl/post/tests/torch.rs), in float64.
Run with PyTorch 2.5: python posts.py > posts.json

A network of tanh features, W2 tanh(W1 x + b1) + b2, three samples, cross-entropy. Everything that a defence draws is
given: the other side puts the same numbers in the place of its own. Written from the rules, not from any published code."""

import itertools
import json
import math
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)

PIXELS, FEATURES, CLASSES, SAMPLES, WIDTH = 6, 5, 3, 3, 4
NAMES = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
SHAPES = [(FEATURES, PIXELS), (FEATURES,), (CLASSES, FEATURES), (CLASSES,)]
weights = [0.7 * torch.randn(shape) for shape in SHAPES]
x = torch.randn(SAMPLES, PIXELS)
labels = torch.tensor([2, 0, 1])


def flat(tensors):
    return torch.cat([tensor.reshape(-1) for tensor in tensors]).tolist()


def features(w, x):
    return torch.tanh(F.linear(x, w[0], w[1]))


def loss(w, x, labels):
    return F.cross_entropy(F.linear(features(w, x), w[2], w[3]), labels)


def gradient(w, x, labels, of=loss):
    w = [tensor.clone().requires_grad_() for tensor in w]
    return torch.autograd.grad(of(w, x, labels), w)


g = gradient(weights, x, labels)
each = [gradient(weights, x[i : i + 1], labels[i : i + 1]) for i in range(SAMPLES)]


def soteria(share):
    """Zeros in the columns of dW2 with the largest sum over the samples of |r_f| / |dr_f/dx|."""
    ratios = torch.zeros(FEATURES)
    for i in range(SAMPLES):
        of = torch.autograd.functional.jacobian(lambda one: features(weights, one[None])[0], x[i])
        ratios += features(weights, x[i : i + 1])[0].abs() / of.norm(dim=1)
    cut = torch.argsort(ratios, descending=True)[: int(share * FEATURES)]
    sent = [tensor.clone() for tensor in g]
    sent[2][:, cut] = 0
    return {"share": share, "sent": flat(sent)}


def dp_sgd(norm, z):
    """(1/B) (sum_i clip_C(g_i) + z C noise)."""
    noise = [torch.randn(shape) for shape in SHAPES]
    total = [torch.zeros(shape) for shape in SHAPES]
    for one in each:
        length = math.sqrt(sum(float((tensor**2).sum()) for tensor in one))
        total = [t + min(1.0, norm / length) * tensor for t, tensor in zip(total, one)]
    sent = [(t + z * norm * n) / SAMPLES for t, n in zip(total, noise)]
    lengths = [math.sqrt(sum(float((t**2).sum()) for t in one)) for one in each]
    return {"norm": norm, "z": z, "lengths": lengths, "noise": flat(noise), "sent": flat(sent)}


def outpost(pruned, noised, scale):
    """The smallest of each tensor cut, then noise where the mean square over the first axis is largest of all."""
    noise = [torch.randn(shape) for shape in SHAPES]
    spread = [min(float(tensor.var()), 1.0) for tensor in weights]
    fisher = [(tensor**2).mean(dim=0).reshape(-1) for tensor in g]
    threshold = torch.quantile(torch.cat(fisher), 1 - noised)
    sent = []
    for tensor, n, f, s in zip(g, noise, fisher, spread):
        kept = torch.where(tensor.abs() < torch.quantile(tensor.abs().reshape(-1), pruned), 0, tensor)
        where = (f >= threshold).reshape(tensor.shape[1:]).expand(tensor.shape)
        sent.append(torch.where(where, kept + scale * s * n, kept))
    return {"pruned": pruned, "noised": noised, "scale": scale, "noise": flat(noise), "sent": flat(sent)}


def censor(trials, step):
    """Of directions orthogonal to g in every tensor and there as long the one that lowers the loss most."""
    drawn, directions, losses = [], [], []
    for _ in range(trials):
        r = [torch.randn(shape) for shape in SHAPES]
        across = [b - a * (a * b).sum() / (a * a).sum() for a, b in zip(g, r)]
        across = [b * a.norm() / b.norm() for a, b in zip(g, across)]
        drawn.append(flat(r))
        directions.append(across)
        losses.append(float(loss([w - step * d for w, d in zip(weights, across)], x, labels)))
    best = min(range(trials), key=losses.__getitem__)
    lower = losses[best] < float(loss(weights, x, labels))
    return {
        "step": step,
        "drawn": drawn,
        "directions": [flat(across) for across in directions],
        "losses": losses,
        "sent": flat(directions[best] if lower else g),
    }


def precode(beta):
    """z = m + softplus(s) e and beta KL(N(m, softplus(s)^2) || N(0, 1)) in bits, in front of the classifier."""
    shapes = [(2 * WIDTH, FEATURES), (2 * WIDTH,), (FEATURES, WIDTH), (FEATURES,)]
    inner = [0.7 * torch.randn(shape) for shape in shapes]
    noise = torch.randn(SAMPLES, WIDTH)

    def of(i):
        def loss(w, x, labels):
            (w1, b1, w2, b2), (we, be, wd, bd) = w[:4], w[4:]
            mean, s = F.linear(features(w, x), we, be).chunk(2, dim=1)
            spread = F.softplus(s)
            bits = 0.5 * (mean**2 + spread**2 - 1 - 2 * spread.log()).sum() / math.log(2)
            scores = F.linear(F.linear(mean + spread * noise[i], wd, bd), w2, b2)
            return F.cross_entropy(scores, labels) + beta * bits

        return loss

    sums = None
    for i in range(SAMPLES):
        one = gradient(weights + inner, x[i : i + 1], labels[i : i + 1], of(i))
        sums = one if sums is None else [a + b for a, b in zip(sums, one)]
    first, second, inside = sums[:2], sums[2:4], sums[4:]
    # In the order of the network: the bottleneck stands before the classifier.
    sent = [tensor / SAMPLES for tensor in [*first, *inside, *second]]
    return {"beta": beta, "width": WIDTH, "inner": flat(inner), "noise": noise.tolist(), "sent": flat(sent)}


def dcs(iterations, far, weight):
    """x' from 1 - cos(g', g) + exp(-0.01 |x' - x|) + 0.01 |F(x') - F(x)| / |F(x)|, and what is sent with it."""
    scores = lambda x: F.linear(features(weights, x), weights[2], weights[3])
    w = [tensor.clone().requires_grad_() for tensor in weights]
    own = torch.cat([tensor.reshape(-1) for tensor in g])
    others = (labels + 1 + torch.randint(CLASSES - 1, (SAMPLES,))) % CLASSES
    noise = torch.randn(SAMPLES, PIXELS)
    z = (weight * noise + (1 - weight) * x).requires_grad_()
    adam = torch.optim.Adam([z], lr=0.1)
    at = [int(iterations // share) for share in (2.667, 1.6, 1.142)]
    slower = torch.optim.lr_scheduler.MultiStepLR(adam, milestones=at, gamma=0.1)
    steps = 0
    for _ in range(iterations):
        adam.zero_grad()
        there = torch.autograd.grad(loss(w, z, others), w, create_graph=True)
        there = torch.cat([tensor.reshape(-1) for tensor in there])
        apart = (z - x).norm(dim=1).mean()
        alike = ((scores(z) - scores(x)).norm(dim=1) / scores(x).norm(dim=1)).mean()
        total = 1 - there @ own / (there.norm() * own.norm()) + torch.exp(-0.01 * apart) + 0.01 * alike
        total.backward(inputs=[z])
        adam.step()
        slower.step()
        steps += 1
        if apart > far:
            break
    z = z.detach()
    beside = [weight * a + (1 - weight) * b for a, b in zip(gradient(weights, z, others), gradient(weights, z, labels))]
    sent = torch.cat([((a + b) / 3).reshape(-1) for a, b in zip(g, beside)])
    assert sent @ own > 0
    given = {"iterations": iterations, "far": far, "weight": weight, "others": others.tolist()}
    return given | {"noise": noise.reshape(-1).tolist(), "steps": steps, "sent": sent.tolist()}


def denoise(count, variance):
    """The rows' principal axes whose spread white noise of this variance would have (Marchenko-Pastur) taken out."""
    rows = next(n for n in range(1, count + 1) if count % n == 0 and n >= math.sqrt(6 * count))
    columns, q = count // rows, rows * rows / count
    # Some columns tell something, on top of noise.
    told = torch.outer(torch.randn(rows), torch.randn(columns)) * 3 * math.sqrt(variance)
    mean = told + math.sqrt(variance) * torch.randn(rows, columns)
    spread, axes = torch.linalg.eigh(torch.cov(mean.T))
    low, high = [variance * (1 + sign / math.sqrt(q)) ** 2 for sign in (-1, 1)]
    kept = axes[:, (spread <= low) | (spread >= high)]
    sent = mean @ kept @ kept.T
    return {"variance": variance, "kept": kept.shape[1], "mean": flat([mean]), "sent": flat([sent])}


def dropout(rate):
    """The gradient of the first sample for every mask m of the features h: W2 (m h / (1 - p)) + b2."""
    masks = list(itertools.product((0.0, 1.0), repeat=FEATURES))

    def of(mask):
        kept = torch.tensor(mask) / (1 - rate)
        return lambda w, x, labels: F.cross_entropy(F.linear(kept * features(w, x), w[2], w[3]), labels)

    sent = [flat(gradient(weights, x[:1], labels[:1], of(mask))) for mask in masks]
    return {"rate": rate, "masks": masks, "sent": sent}


def mixture(count, signs):
    """x'_i = s_i sum_j lambda_ij x_(pi_j(i)), the labels alike without signs; cross-entropy against such labels."""
    partners = [list(range(SAMPLES))] + [torch.randperm(SAMPLES).tolist() for _ in range(count - 1)]
    shares = torch.rand(SAMPLES, count)
    shares = shares / shares.sum(dim=1, keepdim=True)
    flipped = torch.rand(SAMPLES, PIXELS) < 0.5 if signs else torch.zeros(SAMPLES, PIXELS, dtype=torch.bool)
    hot = F.one_hot(labels, CLASSES).to(x.dtype)
    mixed = sum(shares[:, j : j + 1] * x[partners[j]] for j in range(count))
    mixed = torch.where(flipped, -mixed, mixed)
    soft = sum(shares[:, j : j + 1] * hot[partners[j]] for j in range(count))
    sent = gradient(weights, mixed, soft)
    draws = {"partners": partners, "shares": shares.tolist(), "flipped": flipped.reshape(-1).tolist()}
    return draws | {"sent": flat(sent)}


print(
    json.dumps(
        {
            "names": NAMES,
            "shapes": SHAPES,
            "weights": flat(weights),
            "x": x.reshape(-1).tolist(),
            "labels": labels.tolist(),
            "g": flat(g),
            "soteria": [soteria(share) for share in (0.2, 0.4, 0.8)],
            "dp-sgd": [dp_sgd(norm, z) for norm, z in ((0.5, 1.1), (1.2, 0.3), (100.0, 0.01))],
            "outpost": [outpost(0.8, 0.4, 0.8), outpost(0.5, 0.9, 0.1)],
            "censor": [censor(6, 1e-4), censor(1, 1e-4), censor(1, 1e-4), censor(1, 1e-4)],
            "denoise": [denoise(600, 0.01), denoise(54, 1e-6)],
            "dcs": [dcs(20, 150.0, 0.7), dcs(40, 2.6, 0.7), dcs(5, 150.0, 0.95)],
            "precode": [precode(1e-3), precode(0.5)],
            "dropout": [dropout(0.25), dropout(0.5)],
            "mixture": [mixture(2, False), mixture(3, False), mixture(2, True), mixture(3, True)],
        },
        indent=1,
    )
)
