"""Tokenizes film reviews with fastai: the same work as `fastnb bench tokenizer`.

Each epoch makes the tokens of the texts of texts.csv, all rules included; --workers are the processes.
"""
import os
import time

from benchlib import _cpu, finish, line, options

import pandas as pd
from fastai.text.transform import Tokenizer

a = options(epochs=5)
texts = pd.read_csv(os.path.join(a.data, "texts.csv"))["text"].tolist()
if a.items:
    texts = texts[: a.items]
for epoch in range(a.epochs):
    t, c = time.perf_counter(), _cpu()
    n = sum(len(x) for x in Tokenizer(n_cpus=a.workers).process_all(texts))
    s = time.perf_counter() - t
    line(epoch=epoch, seconds=s, cpu_seconds=_cpu() - c, tokens=n, tokens_per_second=n / s)
finish()
