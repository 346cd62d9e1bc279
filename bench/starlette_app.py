"""The model of bench-serve behind Starlette and PyTorch, as the lesson's starter is made: the picture comes in, is decoded by
Pillow, shrunk and normalised, goes through the network, and probabilities come out. MODEL names the export, BATCHED=1
answers in a pool of threads, so that the network works while another picture is decoded.

uvicorn starlette_app:app
"""
import io
import os
import sys

import numpy as np
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torch_step import ConcatPool, body, read_safetensors  # noqa: E402

SIZE, CLASSES = 128, ["black", "grizzly", "teddys"]
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def load(path):
    layers, n = body(False, (3, 4, 6, 3))
    head = nn.Sequential(ConcatPool(), nn.Flatten(), nn.BatchNorm1d(2 * n), nn.Dropout(0.25), nn.Linear(2 * n, 512), nn.ReLU(inplace=True),
                         nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, len(CLASSES)))
    net = nn.Sequential(layers, head)
    missing, unknown = net.load_state_dict(read_safetensors(path), strict=False)
    assert not unknown and all(m.endswith("num_batches_tracked") for m in missing), (missing, unknown)
    net = net.eval()
    return net.to(memory_format=torch.channels_last) if os.environ.get("LAYOUT") == "channels_last" else net


torch.set_num_threads(int(os.environ.get("THREADS", os.cpu_count())))
model = load(os.environ["MODEL"])


def answer(content):
    img = Image.open(io.BytesIO(content)).convert("RGB")
    w, h = img.size
    short = SIZE / min(w, h)
    img = img.resize((max(SIZE, round(w * short)), max(SIZE, round(h * short))), Image.BILINEAR)
    left, top = (img.width - SIZE) // 2, (img.height - SIZE) // 2
    x = np.asarray(img.crop((left, top, left + SIZE, top + SIZE)))
    x = (torch.from_numpy(x.copy()).permute(2, 0, 1).float() / 255 - MEAN) / STD
    with torch.inference_mode():
        p = model(x[None])[0].softmax(0).tolist()
    best = max(range(len(p)), key=p.__getitem__)
    return {"result": CLASSES[best], "probabilities": sorted(({"class": c, "p": v} for c, v in zip(CLASSES, p)), key=lambda d: -d["p"])}


async def predict(request):
    content = await request.body()
    return JSONResponse(await run_in_threadpool(answer, content) if os.environ.get("BATCHED") else answer(content))


app = Starlette(routes=[Route("/api/predict", predict, methods=["POST"])])
