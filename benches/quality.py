"""What public code makes of problems, beside what gialab made of them, by one measure.

    python quality.py FOLDER CONFIG [KEY=VALUE | trials=N | enough=LOSS]...

FOLDER holds problems that `gialab capture` wrote, each with the directory of gialab's run under runs/. Each is given to
breaching's attack of the name CONFIG, with its own settings but for those named, on one thread. Prints a line for each:
PSNR in dB of gialab's reconstruction and of breaching's, and the evaluations of the matching loss behind the latter.

Needs torch, torchvision, safetensors, breaching.
"""

import contextlib
import io
import pathlib
import sys
import tomllib

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.optimize import linear_sum_assignment
from torch import nn


class LeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(12, 12, 5, stride=2, padding=2)
        self.conv3 = nn.Conv2d(12, 12, 5, stride=1, padding=2)
        self.fc = nn.Linear(768, classes)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = torch.sigmoid(conv(x))
        return self.fc(x.flatten(1))


def convnet64(classes):
    layers, before = nn.Sequential(), 3
    for i, width in enumerate([64, 128, 128, 256, 256, 256, 256, 256]):
        layers.add_module(f"conv{i}", nn.Conv2d(before, width, 3, padding=1))
        layers.add_module(f"bn{i}", nn.BatchNorm2d(width))
        layers.add_module(f"relu{i}", nn.ReLU())
        if i in (5, 7):
            layers.add_module(f"pool{i}", nn.MaxPool2d(3))
        before = width
    layers.add_module("flatten", nn.Flatten())
    layers.add_module("linear", nn.Linear(2304, classes))
    return layers


def resnet18(classes):
    import torchvision

    model = torchvision.models.resnet18(num_classes=classes)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


MODELS = {"lenet": LeNet, "convnet64": convnet64, "resnet18": resnet18}


class Problem:
    def __init__(self, folder):
        self.config = tomllib.loads((folder / "preset.toml").read_text())
        self.update, weights, self.truth = (
            load_file(folder / f"{name}.safetensors") for name in ("update", "weights", "batch")
        )
        victim = self.config["victim"]
        self.classes, self.normalise = victim["classes"], victim["normalise"]
        self.model = MODELS[victim["model"]](self.classes)
        missing = self.model.load_state_dict(weights, strict=False).missing_keys
        assert all(key.endswith("num_batches_tracked") for key in missing), missing
        self.model.eval()
        self.check()

    def check(self):
        """The model here is the model there: the gradient of the batch is the update."""
        loss = nn.functional.cross_entropy(self.model(self.truth["inputs"]), self.truth["labels"])
        gradients = torch.autograd.grad(loss, list(self.model.parameters()))
        for (name, _), own in zip(self.model.named_parameters(), gradients):
            error = (own - self.update[name]).norm() / self.update[name].norm()
            assert error < 1e-2, f"{name} differs by {error:.1e}"

    def pixels(self, inputs):
        """What the model sees, as pictures."""
        if self.normalise:
            mean, std = (torch.tensor(self.normalise[key])[:, None, None] for key in ("mean", "std"))
            inputs = inputs * std + mean
        return inputs

    def psnr(self, images):
        """The mean over the samples, in the order that fits best, of pictures in 8 bits, as files hold them."""
        images = (images.clamp(0, 1) * 255).round() / 255
        error = (images[:, None] - self.truth["images"][None]).square().mean(dim=(2, 3, 4))
        rows, columns = linear_sum_assignment(error)
        return float((-10 * error[rows, columns].clamp_min(1e-10).log10()).mean())


def attack(problem, name, settings):
    """Pictures and evaluations of as many starts as are asked for, or until one is good enough."""
    import breaching
    from omegaconf import OmegaConf

    own = dict(setting.split("=") for setting in settings if setting.split("=")[0] in ("trials", "enough"))
    overrides = [setting for setting in settings if setting.split("=")[0] not in ("trials", "enough")]
    config = breaching.get_attack_config(name, overrides)
    metadata = {"shape": list(problem.truth["inputs"].shape[1:]), "modality": "vision", "task": "classification"}
    metadata |= {"classes": problem.classes} | (problem.normalise or {})
    payload = [{
        "parameters": [parameter.detach() for parameter in problem.model.parameters()],
        "buffers": list(problem.model.buffers()),
        "metadata": OmegaConf.create(metadata),
    }]
    labels = problem.truth["labels"] if problem.config["knowledge"]["labels"] else None
    shared = [{
        "gradients": [problem.update[name] for name, _ in problem.model.named_parameters()],
        "buffers": None,
        "metadata": {"num_data_points": len(problem.truth["labels"]), "labels": labels, "local_hyperparams": None},
    }]
    attacker = breaching.attacks.prepare_attack(problem.model, nn.CrossEntropyLoss(), config)
    spent = []
    attacker.objective.register_forward_hook(lambda *_: spent.append(None))
    torch.manual_seed(problem.config["run"]["seed"])
    best, picture = float("inf"), None
    for _ in range(int(own.get("trials", 1))):
        found, stats = attacker.reconstruct(payload, shared, {})
        reached = min(stats["Trial_0_Val"], default=float("inf"))
        if picture is None or reached < best:
            best, picture = reached, found["data"]
        if best < float(own.get("enough", 0)):
            break
    return problem.pixels(picture), len(spent)


def read(problem, path):
    """The pictures of a file whose tiles lie row by row."""
    picture = torch.from_numpy(numpy.array(Image.open(path).convert("RGB"))).permute(2, 0, 1) / 255
    count, _, height, width = problem.truth["images"].shape
    return picture.unfold(1, height, height).unfold(2, width, width).permute(1, 2, 0, 3, 4).flatten(0, 1)[:count]


if __name__ == "__main__":
    torch.set_num_threads(1)
    _, folder, name, *settings = sys.argv
    for each in sorted(pathlib.Path(folder).iterdir()):
        problem = Problem(each)
        (picture,) = each.glob("runs/**/round-0-reconstruction.png")
        with contextlib.redirect_stdout(io.StringIO()):
            images, evaluations = attack(problem, name, settings)
        print(f"{problem.psnr(read(problem, picture)):.3f} {problem.psnr(images):.3f} {evaluations}", flush=True)
