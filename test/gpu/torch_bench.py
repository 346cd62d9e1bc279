"""PyTorch's side of `fastnb bench device`: the same steps on the same card, as PyTorch does them best.

    python torch_bench.py [--device cuda] [--works NAME,NAME] [--precisions f16,bf16,tf32,f32] [--compile MODE]
                          [--steps N] [--seconds S] [--budget S] [--json FILE]

A step is what cmd/fastnb/bench_device.go makes: the batch goes up from pinned memory (pictures as bytes, normalised
there), forward, backward, fused AdamW. Pictures are channels-last; f16 is autocast with a GradScaler, bf16 autocast,
tf32 and f32 are single precision with and without TF32; inference in f16 and bf16 is a model of that kind. cuDNN may
choose its kernels by trying (cudnn.benchmark). Each line of JSON has the names of fastnb's.
"""

import argparse
import json
import os
import statistics
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "bench")]
import torch_step as models  # noqa: E402


class SigmoidRange(nn.Module):
    def forward(self, x):
        return torch.sigmoid(x) * 2.2 - 1.1


def head_pose(blocks):
    b, n = models.body(False, blocks)
    head = nn.Sequential(models.ConcatPool(), nn.Flatten(), nn.BatchNorm1d(2 * n), nn.Linear(2 * n, 512), nn.ReLU(inplace=True), nn.BatchNorm1d(512), nn.Linear(512, 2), SigmoidRange())
    return nn.Sequential(b, head)


class Classifier(nn.Module):
    """A text classifier over an AWD-LSTM without dropouts, read in pieces over whose borders no gradient goes."""

    def __init__(self, words, emb, hid, bptt):
        super().__init__()
        self.bptt = bptt
        self.encoder = nn.Embedding(words, emb, padding_idx=1)
        sizes = [emb, hid, hid, emb]
        self.rnns = nn.ModuleList(nn.LSTM(i, o) for i, o in zip(sizes, sizes[1:]))
        self.head = nn.Sequential(nn.BatchNorm1d(3 * emb), nn.Linear(3 * emb, 50), nn.ReLU(inplace=True), nn.BatchNorm1d(50), nn.Linear(50, 2))

    def forward(self, x):
        state, out = [None] * len(self.rnns), []
        for k in range(0, x.shape[1], self.bptt):
            y = self.encoder(x[:, k : k + self.bptt]).transpose(0, 1)
            for j, r in enumerate(self.rnns):
                y, s = r(y, state[j])
                state[j] = tuple(t.detach() for t in s)
            out.append(y)
        y = torch.cat(out)
        return self.head(torch.cat([y[-1], y.max(0).values, y.mean(0)], 1))


def pictures(net, bs, h, w, classes=17, **more):
    return dict(kind="train", net=net, bs=bs, size=(h, w), classes=classes, **more)


def small_body():
    layers = []
    for i, o in ((3, 16), (16, 24)):
        layers += [nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def small(out, *last):
    """A head as models.cnn has it on the body of narrow networks."""
    head = [models.ConcatPool(), nn.Flatten(), nn.BatchNorm1d(48), nn.Linear(48, 512), nn.ReLU(inplace=True), nn.BatchNorm1d(512), nn.Linear(512, out)]
    return nn.Sequential(small_body(), nn.Sequential(*head, *last))


class SmallUnet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = small_body()
        self.between = nn.Sequential(nn.BatchNorm2d(24), nn.ReLU(inplace=True), models.conv_layer(24, 48), models.conv_layer(48, 24))
        self.up = models.UnetBlock(24, 16, halve=True)
        n = self.up.out
        self.shuffle, self.res, self.last = models.Shuffle(n, n), models.Res(n + 3), models.conv_layer(n + 3, classes, 1, act=False)

    def forward(self, x):
        skip = self.body[:3](x)
        y = self.up(self.between(self.body[3:](skip)), skip)
        return self.last(self.res(torch.cat([self.shuffle(y), x], 1)))


R34 = (3, 4, 6, 3)
WORKS = {
    "gpu-resnet34-128-bs64": pictures(lambda: models.cnn(False), 64, 128, 128),
    "gpu-resnet50-64-bs64": pictures(lambda: models.cnn(True), 64, 64, 64),
    "gpu-unet34-180x240-bs8": pictures(lambda: models.Unet(32), 8, 180, 240, 32, per_map=True),
    "gpu-headpose-120x160-bs64": pictures(lambda: head_pose(R34), 64, 120, 160, 2, points=True),
    "gpu-awdlstm-60k-bs64": dict(kind="train", net=lambda: models.LM(60000, 400, 1152, False), bs=64, size=(70, 0), classes=60000),
    "gpu-classifier-60k-bs64": dict(kind="train", net=lambda: Classifier(60000, 400, 1152, 70), bs=64, size=(280, 0), classes=60000, answers=2),
    "gpu-infer34-128-bs64": dict(pictures(lambda: models.cnn(False), 64, 128, 128), kind="infer"),
    "gpu-infer34-128-bs1": dict(pictures(lambda: models.cnn(False), 1, 128, 128), kind="infer"),
    "tiny-resnet": pictures(lambda: small(17), 8, 32, 32),
    "tiny-unet": pictures(lambda: SmallUnet(32), 4, 32, 40, 32, per_map=True),
    "tiny-headpose": pictures(lambda: small(2, SigmoidRange()), 8, 32, 40, 2, points=True),
    "tiny-awdlstm": dict(kind="train", net=lambda: models.LM(500, 24, 40, False), bs=4, size=(12, 0), classes=500),
    "tiny-classifier": dict(kind="train", net=lambda: Classifier(500, 24, 40, 12), bs=4, size=(30, 0), classes=500, answers=2),
    "tiny-infer": dict(pictures(lambda: small(17), 8, 32, 32), kind="infer"),
}
HALF = {"f16": torch.float16, "bf16": torch.bfloat16}


class Stepper:
    def __init__(self, name, device, precision, compile_mode):
        self.w, self.device, self.half = WORKS[name], torch.device(device), HALF.get(precision)
        self.cuda = self.device.type == "cuda"
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.manual_seed(1)
        net = self.w["net"]()
        self.text = self.w["size"][1] == 0
        self.train = self.w["kind"] == "train"
        if not self.text:
            net = net.to(memory_format=torch.channels_last)
        net = net.to(self.device).train(self.train)
        if not self.train and self.half:
            net = net.to(self.half)
        self.scaler = None
        if self.train:
            self.opt = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01, fused=True)
            if self.half == torch.float16 and self.cuda:
                self.scaler = torch.amp.GradScaler("cuda", init_scale=1024)
        self.net = torch.compile(net, mode=None if compile_mode == "default" else compile_mode) if compile_mode else net
        self.x, self.y = self.batch()
        if self.cuda:
            self.x, self.y = self.x.pin_memory(), self.y.pin_memory()
        stat = lambda v: torch.tensor(v, device=self.device).view(1, 3, 1, 1) * 255
        self.mean, self.std = stat([0.485, 0.456, 0.406]), stat([0.229, 0.224, 0.225])

    def batch(self):
        n, (h, w), k = self.w["bs"], self.w["size"], self.w["classes"]
        if self.text:
            i = torch.arange(n * h)
            x, y = (i * 31 % (k - 2) + 2).reshape(n, h), (i * 17 % (k - 2) + 2).reshape(n, h)
            return x, torch.arange(n) % 2 if self.w.get("answers") else y
        x = (torch.arange(n * 3 * h * w) * 7919 % 2003 % 256).to(torch.uint8).reshape(n, 3, h, w)
        if self.w.get("points"):
            return x, ((torch.arange(n * k) * 31 % 201).float() / 100 - 1).reshape(n, k)
        shape = (n, h, w) if self.w.get("per_map") else (n,)
        return x, (torch.arange(int(torch.Size(shape).numel())) * 31 % k).reshape(shape)

    def input(self):
        x = self.x.to(self.device, non_blocking=True)
        if self.text:
            return x
        x = ((x.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return x.to(self.half) if not self.train and self.half else x

    def step(self, wait):
        if not self.train:
            with torch.inference_mode():
                out = self.net(self.input())
                if wait:
                    out.float().cpu()
            return 0.0
        x, y = self.input(), self.y.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, self.half or torch.bfloat16, enabled=self.half is not None):
            out = self.net(x)
            if self.w.get("points"):
                loss = F.mse_loss(out.float(), y)
            elif self.text and not self.w.get("answers"):
                loss = F.cross_entropy(out.reshape(-1, out.shape[-1]), y.reshape(-1))
            else:
                loss = F.cross_entropy(out, y)
        if self.scaler:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.opt)
            self.scaler.update()
        else:
            loss.backward()
            self.opt.step()
        self.opt.zero_grad(set_to_none=True)
        return float(loss.detach()) if wait else 0.0

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()


def measure(name, precision, a):
    f = dict(name=name, precision=precision, side="torch" if not a.compile else "torch compile", device=a.device)
    if a.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    s = Stepper(name, a.device, precision, a.compile)
    t = time.perf_counter()
    f["first_loss"] = s.step(True)
    f["compile_s"] = time.perf_counter() - t
    for _ in range(6 if a.device == "cuda" else 1):
        s.step(True)
    s.wait()
    each, free, group = [], [], 10 if a.device == "cuda" else 2
    start = time.perf_counter()
    while len(each) < a.steps and (len(each) < 3 or time.perf_counter() - start < a.seconds):
        t = time.perf_counter()
        s.step(True)
        s.wait()
        each.append((time.perf_counter() - t) * 1e3)
    start = time.perf_counter()
    while len(free) * group < max(a.steps, 3 * group) and (not free or time.perf_counter() - start < a.seconds):
        t = time.perf_counter()
        for _ in range(group):
            s.step(False)
        s.wait()
        free.append((time.perf_counter() - t) * 1e3 / group)
    f.update(steps=len(each), step_ms=statistics.median(each), least_ms=min(each), free_ms=statistics.median(free), last_loss=s.step(True))
    if a.device == "cuda":
        f["peak_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return f


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--device", default="cuda")
    p.add_argument("--works", default=",".join(n for n in WORKS if n.startswith("gpu-")))
    p.add_argument("--precisions", default="f16,bf16,tf32,f32")
    p.add_argument("--compile", default="", help="a mode of torch.compile")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--budget", type=float, default=1e9, help="begin nothing after so many seconds")
    p.add_argument("--json", default="")
    a = p.parse_args()
    begin = time.perf_counter()
    for precision in a.precisions.split(","):
        for name in a.works.split(","):
            if time.perf_counter() - begin > a.budget:
                print(f"torch: no time for {name} {precision}", flush=True)
                continue
            try:
                f = measure(name, precision, a)
            except Exception as e:  # the others are measured all the same
                f = dict(name=name, precision=precision, side="torch compile" if a.compile else "torch", error=f"{type(e).__name__}: {e}"[:400])
            print(json.dumps(f), flush=True)
            if a.json:
                with open(a.json, "a") as out:
                    out.write(json.dumps(f) + "\n")


if __name__ == "__main__":
    main()
