"""Tags of satellite tiles: a ResNet without pretrained weights on the first rows of train_v2.csv, the lesson's
transforms and metrics, one cycle over all layers: the same work as `fastnb bench planet`.
"""
import os
from functools import partial

import benchlib
import numpy as np
import pandas as pd
from fastai.vision import ImageList, accuracy_thresh, cnn_learner, fbeta, get_transforms, imagenet_stats, models

if __name__ == "__main__":
    a = benchlib.options(arch="resnet34", items=600, size=64, bs=16, epochs=6, lr=3e-3)
    df = pd.read_csv(os.path.join(a.data, "train_v2.csv"))
    if a.items:
        df = df[: a.items]
    tfms = get_transforms(flip_vert=True, max_lighting=0.1, max_zoom=1.05, max_warp=0.0)
    np.random.seed(42)  # the lesson's split, whatever the seed of the run
    src = ImageList.from_df(df, a.data, folder="train-jpg", suffix=".jpg").split_by_rand_pct(0.2).label_from_df(label_delim=" ")
    data = src.transform(tfms, size=a.size).databunch(bs=a.bs, num_workers=a.workers).normalize(imagenet_stats)
    benchlib.loader(a, data)
    benchlib.seed(a.seed)
    metrics = [partial(accuracy_thresh, thresh=0.2), partial(fbeta, thresh=0.2)]
    learn = cnn_learner(data, getattr(models, a.arch), pretrained=False, metrics=metrics, silent=True)
    benchlib.fit(learn, a.epochs, a.lr)
    benchlib.finish()
