"""Film reviews: a language model from scratch on rows of texts.csv, then, if asked for, a classifier on its
encoder: the same work as `fastnb bench imdb`.
"""
import sys
import tempfile
import time
from pathlib import Path

import benchlib
import pandas as pd
import torch
import torch.nn.functional as F
from fastai.basic_train import LearnerCallback
from fastai.text import (AWD_LSTM, NumericalizeProcessor, TextList, TokenizeProcessor, Tokenizer, awd_lstm_clas_config,
                         awd_lstm_lm_config, language_model_learner, text_classifier_learner)
from torch import nn

OWN = {"bptt": 70, "emb": 200, "hid": 400, "layers": 3, "vocab": 60000, "min-freq": 2, "clas-epochs": 0, "all-epochs": 0, "clas-bs": 0,
       "gradual": False, "clas-lr": 1e-2, "spread": 2.6**4, "wd": .01, "drop-lm": .3, "drop-clas": .5}


def own():
    """Takes this task's own options out of the command line."""
    got, rest = dict(OWN), sys.argv[:1]
    args = iter(sys.argv[1:])
    for a in args:
        name, _, value = a[2:].partition("=")
        if a == "--gradual":
            got[name] = True
        elif a.startswith("--") and name in OWN:
            got[name] = type(OWN[name])(value or next(args))
        else:
            rest.append(a)
    sys.argv = rest
    return got


class Tokens(LearnerCallback):
    """Counts words and the seconds of training batches."""

    def __init__(self, learn, name):
        super().__init__(learn)
        self.name, self.n, self.seconds = name, 0, 0.

    def on_batch_begin(self, last_input, **kw):
        self.t, self.count = time.perf_counter(), last_input.numel()

    def on_batch_end(self, train, **kw):
        if train:
            self.n += self.count
            self.seconds += time.perf_counter() - self.t

    def on_train_end(self, **kw):
        benchlib.summary[self.name] = round(self.n / self.seconds, 1)


def plain_torch(lm, o, lr, batches=30, warm=3):
    """Words of training a second of a plain PyTorch loop: the same sizes, but no dropout and no penalty."""
    words, sizes = len(lm.vocab.itos), [o["emb"]] + [o["hid"]] * (o["layers"] - 1) + [o["emb"]]
    table = nn.Embedding(words, o["emb"], padding_idx=1)
    nn.init.uniform_(table.weight, -.1, .1)
    rnns = nn.ModuleList(nn.LSTM(a, b, batch_first=True) for a, b in zip(sizes, sizes[1:]))
    bias = nn.Parameter(torch.zeros(words))
    opt = torch.optim.AdamW([*table.parameters(), *rnns.parameters(), bias], lr=lr, betas=(.8, .99), weight_decay=.01)
    states, n, seconds = [None] * len(rnns), 0, 0.
    for i, (x, y) in enumerate(lm.train_dl):
        if i == warm + batches:
            break
        start = time.perf_counter()
        h = table(x)
        for k, rnn in enumerate(rnns):
            h, state = rnn(h, states[k])
            states[k] = tuple(s.detach() for s in state)
        loss = F.cross_entropy(F.linear(h, table.weight, bias).flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        if i >= warm:
            n += x.numel()
            seconds += time.perf_counter() - start
    return round(n / seconds, 1)


if __name__ == "__main__":
    o = own()
    a = benchlib.options(items=600, bs=48, epochs=2, lr=5e-3)
    df = pd.read_csv(Path(a.data) / "texts.csv")
    if 0 < a.items < len(df):  # at equal distances: a table may have its labels one after the other
        df = df.iloc[[i * len(df) // a.items for i in range(a.items)]].reset_index(drop=True)
    tmp = tempfile.mkdtemp()

    def config(c):
        return {**c, "emb_sz": o["emb"], "n_hid": o["hid"], "n_layers": o["layers"]}

    def processors(**kw):
        return [TokenizeProcessor(tokenizer=Tokenizer(n_cpus=2)), NumericalizeProcessor(**kw)]

    lm = TextList.from_df(df, tmp, cols="text", processor=processors(max_vocab=o["vocab"], min_freq=o["min-freq"]))
    lm = lm.split_by_rand_pct(.1, seed=42).label_for_lm().databunch(bs=a.bs, bptt=o["bptt"], num_workers=0)
    benchlib.summary["vocab"] = len(lm.vocab.itos)
    benchlib.loader(a, lm)
    benchlib.seed(a.seed)
    learn = language_model_learner(lm, AWD_LSTM, config=config(awd_lstm_lm_config), drop_mult=o["drop-lm"],
                                   pretrained=False, path=tmp, silent=True)
    learn.unfreeze()
    report = benchlib.Report(learn, "language model")
    if a.epochs:  # else the classifier starts from nothing
        learn.fit_one_cycle(a.epochs, a.lr, moms=(.8, .7), wd=o["wd"], callbacks=[report, Tokens(learn, "lm_tokens_per_second")])
        benchlib.summary["torch_lm_tokens_per_second"] = plain_torch(lm, o, a.lr)
    if o["clas-epochs"]:
        learn.save_encoder("enc")
        df = df[df["label"].isin(["negative", "positive"])]
        clas = TextList.from_df(df, tmp, cols="text", vocab=lm.vocab, processor=processors(vocab=lm.vocab))
        clas = clas.split_from_df(col="is_valid").label_from_df(cols="label").databunch(bs=o["clas-bs"] or a.bs, num_workers=0)
        benchlib.summary["clas_texts"] = len(clas.train_ds)
        c = text_classifier_learner(clas, AWD_LSTM, config=config(awd_lstm_clas_config), drop_mult=o["drop-clas"],
                                    pretrained=False, path=tmp, silent=True)
        c.load_encoder("enc")
        rates = slice(o["clas-lr"] / o["spread"], o["clas-lr"])
        phases = [("head", "head", -1), ("last two", "last_two", -2), ("last three", "last_three", -3), ("all layers", "clas", 0)]
        for phase, name, group in phases if o["gradual"] else phases[::3]:
            c.freeze_to(group)
            epochs = o["all-epochs"] if group == 0 and o["all-epochs"] else o["clas-epochs"]
            c.fit_one_cycle(epochs, rates, moms=(.8, .7), wd=o["wd"],
                            callbacks=[benchlib.Report(c, phase), Tokens(c, name + "_tokens_per_second")])
    benchlib.finish()
