"""Trains the planet task with fastai and prints one JSON line per epoch, then a summary line.

The work is the same as `fastnb bench planet`: a ResNet without pretrained weights on the first N rows of
train_v2.csv, the lesson's transforms and metrics, one cycle over all layers.
"""
import argparse
import json
import os
import random
import resource
import tempfile
import time
import warnings
from functools import partial

warnings.filterwarnings("ignore")
import fastprogress.fastprogress as progress  # noqa: E402

progress.NO_BAR = True
progress.WRITER_FN = lambda *a, **k: None
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from fastai.basic_train import LearnerCallback  # noqa: E402
from fastai.vision import (ImageList, accuracy_thresh, cnn_learner, fbeta, get_transforms,  # noqa: E402
                           imagenet_stats, models)

p = argparse.ArgumentParser()
p.add_argument("data")
p.add_argument("--seed", type=int, default=1)
p.add_argument("--items", type=int, default=600)
p.add_argument("--size", type=int, default=64)
p.add_argument("--bs", type=int, default=16)
p.add_argument("--epochs", type=int, default=6)
p.add_argument("--lr", type=float, default=3e-3)
p.add_argument("--arch", default="resnet34")
p.add_argument("--workers", type=int, default=2)
p.add_argument("--loader", action="store_true", help="measure the loader alone first")
a = p.parse_args()


def seed(n):
    random.seed(n)
    np.random.seed(n)
    torch.manual_seed(n)


def cpu():
    t = os.times()
    return t[0] + t[1] + t[2] + t[3]


class Report(LearnerCallback):
    _order = 1000

    def on_epoch_begin(self, **kw):
        self.t, self.c = time.perf_counter(), cpu()

    def on_epoch_end(self, epoch, smooth_loss, last_metrics, **kw):
        row = dict(epoch=epoch, seconds=round(time.perf_counter() - self.t, 3), cpu_seconds=round(cpu() - self.c, 2),
                   train_loss=float(smooth_loss), valid_loss=float(last_metrics[0]),
                   accuracy_thresh=float(last_metrics[1]), fbeta=float(last_metrics[2]))
        print(json.dumps(row), flush=True)


df = pd.read_csv(os.path.join(a.data, "train_v2.csv"))[: a.items]
tfms = get_transforms(flip_vert=True, max_lighting=0.1, max_zoom=1.05, max_warp=0.0)
np.random.seed(42)  # the lesson's split, whatever the seed of the run
src = ImageList.from_df(df, a.data, folder="train-jpg", suffix=".jpg").split_by_rand_pct(0.2).label_from_df(label_delim=" ")
data = src.transform(tfms, size=a.size).databunch(bs=a.bs, num_workers=a.workers).normalize(imagenet_stats)
summary = {}
if a.loader:
    t, n = time.perf_counter(), 0
    for x, _ in data.train_dl:
        n += x.shape[0]
    summary["loader_items_per_second"] = round(n / (time.perf_counter() - t), 1)
seed(a.seed)
metrics = [partial(accuracy_thresh, thresh=0.2), partial(fbeta, thresh=0.2)]
learn = cnn_learner(data, getattr(models, a.arch), pretrained=False, metrics=metrics, path=tempfile.mkdtemp(), silent=True)
learn.fit_one_cycle(a.epochs, a.lr, callbacks=[Report(learn)])
summary.update(library="fastai 1.0.61, torch " + torch.__version__, threads=torch.get_num_threads(),
               peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(json.dumps(summary), flush=True)
