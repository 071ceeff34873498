"""PyTorch's own rounding in 32 bit on two networks, as the relative l2 error of a client's update beside 64 bit from the same
32-bit weights and pixels: medians and worst of 20 seeds. Prints the units of src/model/cpu/tests.rs."""

import copy
import statistics

import torch
from torch import nn

torch.set_num_threads(1)


class Block(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o)
        self.c2, self.b2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.short = nn.Sequential()
        if s != 1 or i != o:
            self.short = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.b2(self.c2(torch.relu(self.b1(self.c1(x)))))
        return torch.relu(y + self.short(x))


def resnet20():
    layers, width = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for out, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            layers.append(Block(width, out, stride if block == 0 else 1))
            width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def convnet64():
    layers, width = [], 3
    for n, out in enumerate((64, 128, 128, 256, 256, 256, 256, 256)):
        layers += [nn.Conv2d(width, out, 3, 1, 1), nn.BatchNorm2d(out), nn.ReLU()]
        if n in (5, 7):
            layers.append(nn.MaxPool2d(3))
        width = out
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))


def update(net, x, y, steps, lr):
    net = copy.deepcopy(net)
    before = [p.detach().clone() for p in net.parameters()]
    if steps == 0:
        return [g.detach() for g in torch.autograd.grad(nn.functional.cross_entropy(net(x), y), list(net.parameters()))]
    sgd = torch.optim.SGD(net.parameters(), lr=lr)
    each = len(y) // steps
    for k in range(steps):
        sgd.zero_grad()
        nn.functional.cross_entropy(net(x[k * each:(k + 1) * each]), y[k * each:(k + 1) * each]).backward()
        sgd.step()
    return [p.detach() - b for p, b in zip(net.parameters(), before)]


for name, make, train, batch, steps, lr in (
    ("resnet20, FedAvg, train mode, one step", resnet20, True, 8, 1, 0.01),
    ("resnet20, FedAvg, train mode, two steps", resnet20, True, 8, 2, 0.01),
    ("convnet64, eval mode", convnet64, False, 1, 0, 0.0),
):
    errors = []
    for seed in range(20):
        torch.manual_seed(seed)
        net, x = make(), torch.randn(batch, 3, 32, 32)
        net(x)
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.reset_running_stats()
        net.train(train)
        y = torch.arange(batch) % 10
        narrow = update(net, x, y, steps, lr)
        wide = update(copy.deepcopy(net).double(), x.double(), y, steps, lr)
        norm = lambda values: sum(float((v.double() ** 2).sum()) for v in values) ** 0.5
        errors.append(norm([a.double() - b for a, b in zip(narrow, wide)]) / norm(wide))
    off = sum(e > 10 * statistics.median(errors) for e in errors)
    print(f"{name}: {off} of 20 off, median {statistics.median(errors):.2g}, worst {max(errors):.2g}", flush=True)
