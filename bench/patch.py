"""Makes fastai 1.0.61 run on PyTorch 2, where torch.solve is gone (fastai's warps look it up)."""
import importlib.util
import pathlib

f = pathlib.Path(importlib.util.find_spec("fastai").origin).parent / "vision" / "transform.py"
old = "_solve_func = getattr(torch, 'solve', None)"
new = "_solve_func = lambda B, A: (torch.linalg.solve(A, B),)"
text = f.read_text()
if new not in text:
    if old not in text:
        raise SystemExit(f"patch: {f} has no {old!r}")
    f.write_text(text.replace(old, new))
