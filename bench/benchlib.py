"""What the fastai side of every task shares: options, seeds, a line of JSON for each epoch, and one at the end.

A task is a file fastai_<task>.py beside this one; README.md tells what it does and prints.
"""
import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
# Only our lines go to standard output; progress bars and notices go where errors go.
_out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import fastprogress.fastprogress as progress  # noqa: E402

progress.NO_BAR = True
progress.WRITER_FN = lambda *a, **k: None
import numpy as np  # noqa: E402
import torch  # noqa: E402
from fastai.basic_train import LearnerCallback  # noqa: E402

summary = {}


def options(**defaults):
    """The command line: data, and the options of every task with the task's own defaults."""
    p = argparse.ArgumentParser()
    p.add_argument("data")
    p.add_argument("--arch", default=defaults.get("arch", ""))
    for name, value in dict(seed=1, items=0, size=0, bs=64, epochs=1, workers=2).items():
        p.add_argument("--" + name, type=int, default=defaults.get(name, value))
    p.add_argument("--lr", type=float, default=defaults.get("lr", 1e-3))
    p.add_argument("--loader", action="store_true", help="measure the loader alone first")
    return p.parse_args()


def seed(n):
    random.seed(n)
    np.random.seed(n)
    torch.manual_seed(n)


def line(**row):
    print(json.dumps(row), file=_out, flush=True)


def _cpu():
    t = os.times()  # with the loader's processes, once they have ended
    return t[0] + t[1] + t[2] + t[3]


class Report(LearnerCallback):
    """Prints time, processor time, losses and metrics of an epoch."""

    _order = 1000

    def __init__(self, learn, phase=""):
        super().__init__(learn)
        self.phase = phase

    def on_epoch_begin(self, **kw):
        self.t, self.c = time.perf_counter(), _cpu()

    def on_epoch_end(self, epoch, smooth_loss, last_metrics, **kw):
        names = [getattr(m, "func", m).__name__ for m in self.learn.metrics]
        row = dict(epoch=epoch, seconds=round(time.perf_counter() - self.t, 3), cpu_seconds=round(_cpu() - self.c, 2),
                   train_loss=float(smooth_loss), valid_loss=float(last_metrics[0]))
        row.update((n, float(v)) for n, v in zip(names, last_metrics[1:]))
        if self.phase:
            row["phase"] = self.phase
        line(**row)


def loader(a, data):
    """Measures how many items a second the training loader alone gives over an epoch, if that was asked for."""
    if a.loader:
        t, n = time.perf_counter(), 0
        for x, _ in data.train_dl:
            n += x.shape[0]
        summary["loader_items_per_second"] = round(n / (time.perf_counter() - t), 1)


def fit(learn, epochs, lr, phase="", **options):
    """One cycle, with a line for each epoch; options are fit_one_cycle's."""
    learn.path = type(learn.path)(tempfile.mkdtemp())
    learn.fit_one_cycle(epochs, lr, callbacks=[Report(learn, phase)], **options)


def finish():
    """Prints the last line. The peak is this process's alone, without the loader's."""
    line(**summary, library="fastai 1.0.61, torch " + torch.__version__, threads=torch.get_num_threads(),
         peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    sys.exit(0)
