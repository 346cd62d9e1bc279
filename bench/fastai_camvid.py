"""Classes of the pixels of street scenes: a U-Net without pretrained weights, the lesson's transforms, metric and
weight decay, one cycle over all layers: the same work as `fastnb bench camvid`.
"""
from pathlib import Path

import benchlib
import numpy as np
from fastai.vision import SegmentationItemList, get_transforms, imagenet_stats, models, unet_learner

if __name__ == "__main__":
    a = benchlib.options(arch="resnet34", items=0, size=90, bs=8, epochs=3, lr=1e-3)
    path = Path(a.data)
    codes = np.loadtxt(path / "codes.txt", dtype=str)
    void = list(codes).index("Void")

    def acc_camvid(pred, targ):
        targ = targ.squeeze(1)
        mask = targ != void
        return (pred.argmax(dim=1)[mask] == targ[mask]).float().mean()

    benchlib.seed(42)
    items = SegmentationItemList.from_folder(path / "images")
    items.items = np.array(sorted(items.items)[: a.items or None])
    src = items.split_by_fname_file("../valid.txt").label_from_func(
        lambda f: path / "labels" / f"{f.stem}_P{f.suffix}", classes=codes)
    data = src.transform(get_transforms(), size=(a.size, a.size * 4 // 3), tfm_y=True)
    data = data.databunch(bs=a.bs, num_workers=a.workers).normalize(imagenet_stats)
    benchlib.loader(a, data)
    benchlib.seed(a.seed)
    learn = unet_learner(data, getattr(models, a.arch), pretrained=False, metrics=acc_camvid, wd=1e-2, silent=True)
    benchlib.fit(learn, a.epochs, a.lr, pct_start=0.8)
    benchlib.finish()
