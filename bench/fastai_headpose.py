"""Centres of heads: a ResNet without pretrained weights, the last person held out, one cycle over all layers: the
same work as `fastnb bench headpose`.
"""
from pathlib import Path

import benchlib
import numpy as np
import torch
from fastai.vision import PointsItemList, cnn_learner, get_transforms, imagenet_stats, models

if __name__ == "__main__":
    a = benchlib.options(arch="resnet34", items=0, size=120, bs=32, epochs=4, lr=3e-3)
    path = Path(a.data)

    def cal(folder):
        own = folder / "rgb.cal"
        return np.genfromtxt(own if own.exists() else path / "01" / "rgb.cal", skip_footer=6)

    cals = {d: cal(d) for d in path.iterdir() if d.is_dir()}

    def centre(f):
        c, k = np.genfromtxt(str(f)[:-7] + "pose.txt", skip_header=3), cals[f.parent]
        return torch.tensor([c[1] * k[1][1] / c[2] + k[1][2], c[0] * k[0][0] / c[2] + k[0][2]])

    benchlib.seed(42)
    items = PointsItemList.from_folder(path)
    items.items = np.array(sorted(items.items)[: a.items or None])
    held = max(d.name for d in cals)
    src = items.split_by_valid_func(lambda f: f.parent.name == held).label_from_func(centre)
    data = src.transform(get_transforms(), tfm_y=True, size=(a.size, a.size * 4 // 3))
    data = data.databunch(bs=a.bs, num_workers=a.workers).normalize(imagenet_stats)
    benchlib.loader(a, data)
    benchlib.seed(a.seed)
    learn = cnn_learner(data, getattr(models, a.arch), pretrained=False, silent=True)
    benchlib.fit(learn, a.epochs, a.lr)
    benchlib.finish()
