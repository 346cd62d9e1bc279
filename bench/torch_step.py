"""PyTorch's side of `make bench-torch`: the work of cmd/fastnb/bench_step.go in plain PyTorch, by the same commands.

    python torch_step.py NAME WEIGHTS [--layout nchw|channels_last] [--bf16] [--double]

WEIGHTS are the start values that our side wrote: module names here are ours, so that they load strictly.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import struct
import sys
import time

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

GENERATED = 40


def read_safetensors(path):
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    out = {}
    for name, d in head.items():
        if name != "__metadata__":
            a, b = d["data_offsets"]
            out[name] = torch.from_numpy(np.frombuffer(data[a:b], np.float32).reshape(d["shape"]).copy())
    return out


def conv(i, o, k, s=1):
    return nn.Conv2d(i, o, k, s, k // 2, bias=False)


class Block(nn.Module):
    """A residual block; the last batch norm is followed by the sum and the ReLU."""

    def __init__(self, i, width, stride, bottleneck):
        super().__init__()
        o = 4 * width if bottleneck else width
        convs = [conv(i, width, 1), conv(width, width, 3, stride), conv(width, o, 1)] if bottleneck else [conv(i, width, 3, stride), conv(width, width, 3)]
        self.n, self.out = len(convs), o
        for k, c in enumerate(convs, 1):
            setattr(self, f"conv{k}", c)
            setattr(self, f"bn{k}", nn.BatchNorm2d(c.out_channels))
        if stride != 1 or i != o:
            self.downsample = nn.Sequential(conv(i, o, 1, stride), nn.BatchNorm2d(o))
        else:
            self.downsample = None

    def forward(self, x):
        short = x if self.downsample is None else self.downsample(x)
        for k in range(1, self.n + 1):
            x = getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(x))
            if k < self.n:
                x = F.relu(x, inplace=True)
        return F.relu(x + short, inplace=True)


def body(bottleneck, blocks):
    layers = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    i = 64
    for s, n in enumerate(blocks):
        stage = []
        for j in range(n):
            b = Block(i, 64 << s, 2 if s and not j else 1, bottleneck)
            i = b.out
            stage.append(b)
        layers.append(nn.Sequential(*stage))
    return nn.Sequential(*layers), i


class ConcatPool(nn.Module):
    def forward(self, x):
        return torch.cat([F.adaptive_max_pool2d(x, 1), F.adaptive_avg_pool2d(x, 1)], 1)


def cnn(bottleneck, blocks=(3, 4, 6, 3)):
    b, n = body(bottleneck, blocks)
    head = nn.Sequential(ConcatPool(), nn.Flatten(), nn.BatchNorm1d(2 * n), nn.Linear(2 * n, 512), nn.ReLU(inplace=True), nn.BatchNorm1d(512), nn.Linear(512, 17))
    return nn.Sequential(b, head)


def conv_layer(i, o, k=3, act=True):
    return nn.Sequential(nn.Conv2d(i, o, k, 1, k // 2), *([nn.ReLU(inplace=True)] if act else []))


class Shuffle(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = conv_layer(i, 4 * o, 1, act=False)

    def forward(self, x):
        return F.relu(F.pixel_shuffle(self.conv(x), 2), inplace=True)


class UnetBlock(nn.Module):
    def __init__(self, up, skip, halve):
        super().__init__()
        i = up // 2 + skip
        self.out = i // 2 if halve else i
        self.shuf, self.bn = Shuffle(up, up // 2), nn.BatchNorm2d(skip)
        self.conv1, self.conv2 = conv_layer(i, self.out), conv_layer(self.out, self.out)

    def forward(self, x, skip):
        x = self.shuf(x)
        if x.shape[2:] != skip.shape[2:]:
            x = F.interpolate(x, skip.shape[2:], mode="nearest")
        return self.conv2(self.conv1(F.relu(torch.cat([x, self.bn(skip)], 1), inplace=True)))


class Res(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layers = nn.ModuleList([conv_layer(n, n), conv_layer(n, n)])

    def forward(self, x):
        return x + self.layers[1](self.layers[0](x))


class Unet(nn.Module):
    """fastai's DynamicUnet over a ResNet34 with its defaults."""

    SKIPS = (6, 5, 4, 2)  # children of the body before which maps get smaller, from the deepest

    def __init__(self, classes=32, blocks=(3, 4, 6, 3)):
        super().__init__()
        b, n = body(False, blocks)
        layers = [b, nn.BatchNorm2d(n), nn.ReLU(inplace=True), nn.Sequential(conv_layer(n, 2 * n), conv_layer(2 * n, n))]
        for k, c in enumerate((256, 128, 64, 64)):
            layers.append(UnetBlock(n, c, halve=k == 3))
            n = layers[-1].out
        layers += [Shuffle(n, n), nn.Identity(), Res(n + 3), conv_layer(n + 3, classes, 1, act=False)]
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        picture, taps = x, []
        for layer in self.layers[0]:
            x = layer(x)
            taps.append(x)
        x = self.layers[3](F.relu(self.layers[1](x)))
        for layer, skip in zip(self.layers[4:8], self.SKIPS):
            x = layer(x, taps[skip])
        x = self.layers[8](x)
        if x.shape[2:] != picture.shape[2:]:
            x = F.interpolate(x, picture.shape[2:], mode="nearest")
        return self.layers[11](self.layers[10](torch.cat([x, picture], 1)))


class LM(nn.Module):
    """An AWD-LSTM without its dropouts, its decoder tied to its table; the state goes on from batch to batch."""

    def __init__(self, words, emb, hid, batch_first):
        super().__init__()
        self.encoder = nn.Embedding(words, emb, padding_idx=1)
        sizes = [emb, hid, hid, emb]
        self.rnns = nn.ModuleList(nn.LSTM(i, o) for i, o in zip(sizes, sizes[1:]))
        self.bias = nn.Parameter(torch.zeros(words))
        self.state = None

    def load(self, ts):
        names = {"0.encoder.weight": self.encoder.weight, "1.decoder.bias": self.bias}
        for k, r in enumerate(self.rnns):
            names[f"0.rnns.{k}.weight_hh_l0_raw"] = r.weight_hh_l0
            for n in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
                names[f"0.rnns.{k}.module.{n}"] = getattr(r, n)
        assert set(ts) == set(names), set(ts) ^ set(names)
        with torch.no_grad():
            for n, p in names.items():
                p.copy_(ts[n])

    def forward(self, x):
        y = self.encoder(x).transpose(0, 1)
        if self.state is None or self.state[0][0].shape[1] != x.shape[0]:
            self.state = [None] * len(self.rnns)
        for k, r in enumerate(self.rnns):
            y, s = r(y, self.state[k])
            self.state[k] = tuple(t.detach() for t in s)
        return F.linear(y.transpose(0, 1), self.encoder.weight, self.bias)


def text(words, emb, hid):
    return dict(kind="train", net=lambda: LM(words, emb, hid, False), bs=48, size=(70, 0), classes=words)


def cnn_work(bottleneck, kind, bs, px):
    return dict(kind=kind, net=lambda: cnn(bottleneck), bs=bs, size=(px, px), classes=17)


WORKS = {
    "resnet34-128-bs16": cnn_work(False, "train", 16, 128),
    "resnet34-128-bs64": cnn_work(False, "train", 64, 128),
    "resnet34-64-bs16": cnn_work(False, "train", 16, 64),
    "resnet50-128-bs16": cnn_work(True, "train", 16, 128),
    "unet34-90x120-bs8": dict(kind="train", net=Unet, bs=8, size=(90, 120), classes=32, per_map=True),
    "awdlstm-3k": text(3000, 200, 400),
    "awdlstm-10k": text(10000, 400, 1152),
    "awdlstm-30k": text(30000, 400, 1152),
    "awdlstm-60k": text(60000, 400, 1152),
    "infer-bs1": cnn_work(False, "infer", 1, 128),
    "infer-bs64": cnn_work(False, "infer", 64, 128),
    "planet-epoch": cnn_work(False, "epoch", 16, 128),
    "generate-bs1": dict(text(30000, 400, 1152), kind="generate", bs=1, size=(1, 0)),
}


TILES, WORKERS = 128, 2


class Tiles(torch.utils.data.Dataset):
    """The JPEGs that our side drew, with what torchvision's transforms of such names do by Pillow: Resize, RandomHorizontalFlip,
    RandomVerticalFlip, RandomRotation(10), a zoom of up to 1.05, ColorJitter(.1, .1), ToTensor and Normalize."""

    def __init__(self, folder, px, classes):
        self.files = sorted(os.path.join(folder, f) for f in os.listdir(folder))[:TILES]
        assert len(self.files) == TILES, (folder, len(self.files))
        self.px, self.classes = px, classes
        self.mean = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        from PIL import Image, ImageEnhance

        with Image.open(self.files[i]) as f:
            x = f.convert("RGB")
        x = x.resize((self.px, self.px), Image.BILINEAR)
        if random.random() < 0.5:
            x = x.transpose(Image.FLIP_LEFT_RIGHT)
        if random.random() < 0.5:
            x = x.transpose(Image.FLIP_TOP_BOTTOM)
        if random.random() < 0.75:
            x = x.rotate(random.uniform(-10, 10), Image.BILINEAR)
        if random.random() < 0.75:
            cut = self.px * (1 - 1 / random.uniform(1, 1.05)) / 2
            x = x.resize(x.size, Image.BILINEAR, box=(cut, cut, self.px - cut, self.px - cut))
        if random.random() < 0.75:
            x = ImageEnhance.Brightness(x).enhance(random.uniform(0.9, 1.1))
            x = ImageEnhance.Contrast(x).enhance(random.uniform(0.9, 1.1))
        x = torch.from_numpy(np.array(x)).permute(2, 0, 1).contiguous().float().div_(255)
        return x.sub_(self.mean).div_(self.std), i * 31 % self.classes


class Stepper:
    def __init__(self, name, weights, layout, bf16, double=False):
        self.w, self.bf16, self.double = WORKS[name], bf16, double
        self.net = self.w["net"]()
        ts = read_safetensors(weights)
        if isinstance(self.net, LM):
            self.net.load(ts)
        else:
            missing, unknown = self.net.load_state_dict(ts, strict=False)
            missing = [m for m in missing if not m.endswith("num_batches_tracked")]
            assert not missing and not unknown, (missing, unknown)
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        if not isinstance(self.net, LM):
            self.net = self.net.to(memory_format=self.format)
        if double:
            self.net = self.net.double()
        self.net.train(self.w["kind"] in ("train", "epoch"))
        if self.net.training:
            self.opt = torch.optim.AdamW(self.net.parameters(), lr=1e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01, fused=True)
        self.x, self.y = self.batch(self.w["bs"])
        self.loader = None
        if self.w["kind"] == "epoch":
            tiles = Tiles(os.path.join(os.path.dirname(weights), "tiles", "train-jpg"), self.w["size"][0], self.w["classes"])
            self.loader = torch.utils.data.DataLoader(tiles, self.w["bs"], shuffle=True, drop_last=True, num_workers=WORKERS, persistent_workers=True)

    def workers(self):
        """Processor time of the loader's processes so far, in seconds."""
        used = 0.0
        for p in multiprocessing.active_children():
            with open(f"/proc/{p.pid}/stat") as f:
                used += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return used

    def epoch(self):
        for x, y in self.loader:
            self.once(x.contiguous(memory_format=self.format), y)

    def batch(self, n):
        h, w = self.w["size"]
        k = self.w["classes"]
        if w == 0:
            i = torch.arange(n * h)
            return (i * 31 % (k - 2) + 2).reshape(n, h), (i * 17 % (k - 2) + 2).reshape(n, h)
        i = torch.arange(n * 3 * h * w)
        x = ((i * 7919 % 2003).float() / 1001 - 1).reshape(n, 3, h, w).contiguous(memory_format=self.format)
        shape = (n, h, w) if self.w.get("per_map") else (n,)
        if self.double:
            x = x.double()
        return x, (torch.arange(int(np.prod(shape))) * 31 % k).reshape(shape)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return self.net(x)

    def once(self, x, y):
        if self.w["kind"] == "infer":
            with torch.inference_mode():
                self.forward(x)
            return 0.0
        if self.w["kind"] == "generate":
            with torch.inference_mode():
                word = torch.full((1, 1), 2)
                for _ in range(GENERATED):
                    word = self.forward(word)[:, -1:].argmax(-1)
            return float(word)
        out = self.forward(x)
        if not self.double:
            out = out.float()
        classes = out.shape[-1] if self.w["size"][1] == 0 else out.shape[1]
        if self.w["size"][1] == 0:
            out = out.reshape(-1, classes)
            y = y.reshape(-1)
        loss = F.cross_entropy(out, y)
        loss.backward()
        self.opt.step()
        self.opt.zero_grad(set_to_none=True)
        return float(loss.detach())

    def run(self, n):
        now = lambda: time.process_time() + (self.workers() if self.loader else 0)
        ms, used = [], now()
        for _ in range(n):
            t = time.perf_counter()
            if self.loader:
                self.epoch()
            else:
                self.once(self.x, self.y)
            ms.append((time.perf_counter() - t) * 1e3)
        cpu = (now() - used) / n * 1e3
        return {"ms": ms, "cpu_ms": cpu, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}

    def losses(self, k, n):
        x, y = self.batch(n)
        out = []
        rate = lambda lr: self.net.training and self.opt.param_groups[0].update(lr=lr)
        rate(2e-5)
        for _ in range(k):
            if self.w["kind"] == "infer":
                with torch.inference_mode():
                    s = self.forward(x).double().reshape(-1)
                out.append(float((s * (torch.arange(len(s)) % 7)).sum()))
            else:
                out.append(self.once(x, y))
        rate(1e-3)
        return {"losses": out}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("name", choices=sorted(WORKS))
    p.add_argument("weights")
    p.add_argument("--layout", default="nchw", choices=["nchw", "channels_last"])
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--double", action="store_true", help="in float64: what rounding does to the others' losses")
    p.add_argument("--threads", type=int, default=0)
    a = p.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    s = Stepper(a.name, a.weights, a.layout, a.bf16, a.double)
    print(json.dumps({"ready": "torch " + torch.__version__, "isa": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        words = line.split()
        print(json.dumps(s.run(int(words[1])) if words[0] == "run" else s.losses(int(words[1]), int(words[2]))), flush=True)


if __name__ == "__main__":
    main()
