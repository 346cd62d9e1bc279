"""`make bench-torch`: our steps beside PyTorch's, the sides taking turns in one run.

    python beside.py FASTNB [--only NAME,NAME] [--rounds N] [--json FILE] [--picture FILE] [--lock FILE] [--threads N] [--isa ISA] [--bf16 [--ours-float32]]

Each side is one process for each layout, all on the same start values. They work in turns, a few steps each, in an order
that changes from round to round; PyTorch's figure is that of its better layout. Losses of ResNets are held against PyTorch's
in float64 too: batch norm over few items and Adam's first steps make rounding large, and that says how large. Written for each name: a line of JSON
{name, threads, ours_s, torch_s, ratio, ...}, medians over all steps; ratio = torch_s / ours_s. Standard output has the table.
"""

import argparse
import contextlib
import fcntl
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = [
    "resnet34-128-bs16", "resnet34-128-bs64", "resnet34-64-bs16", "resnet50-128-bs16", "unet34-90x120-bs8", "awdlstm-3k", "awdlstm-10k",
    "awdlstm-30k", "awdlstm-60k", "infer-bs1", "infer-bs64", "generate-bs1", "planet-epoch",
]
# Steps of a turn, about a second's work; the items of the batch on which losses are compared.
TURN = {"infer-bs1": 20, "infer-bs64": 1, "resnet34-64-bs16": 4, "resnet34-128-bs64": 1, "awdlstm-3k": 3, "generate-bs1": 1, "planet-epoch": 1}
SMALL = {"infer-bs1": 1, "generate-bs1": 1, "resnet34-128-bs16": 16, "resnet34-128-bs64": 16, "resnet34-64-bs16": 16, "resnet50-128-bs16": 16, "planet-epoch": 16}
# What holds PyTorch to the instructions that FASTNB_ISA names.
HELD_TO = {
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"},
    "avx512-bf16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},  # without AMX
}


class Side:
    def __init__(self, command, env=None):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **(env or {})))
        self.ms, self.cpu, self.peak, self.more = [], [], 0, {}
        self.ready = self.read()

    def read(self):
        line = self.p.stdout.readline()
        if not line:
            sys.exit(f"bench-torch: {' '.join(self.p.args)} ended (see above)")
        return json.loads(line)

    def ask(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        return self.read()

    def run(self, n, keep=True):
        a = self.ask(f"run {n}")
        if keep:
            self.ms += a["ms"]
            self.cpu.append(a["cpu_ms"])
            self.peak = a["peak_mb"]
            self.more = {k: v for k, v in a.items() if k == "alloc_mb"}

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def measure(name, a, lock):
    name, half = name.removesuffix("-bf16"), a.bf16 or name.endswith("-bf16")
    with tempfile.TemporaryDirectory() as tmp:
        weights = os.path.join(tmp, "weights.safetensors")
        few = {"FASTNB_THREADS": str(a.threads), "OMP_NUM_THREADS": str(a.threads)} if a.threads else {}
        sides = {"ours": Side([a.fastnb, "bench", "step", name, "--weights", weights] + (["--bf16"] if half and not a.ours_float32 else []), few)}
        layouts = ["nchw"] if name.startswith(("awd", "gen")) else ["nchw", "channels_last"]
        extra = ["--bf16"] if half else []
        for l in layouts:
            sides[l] = Side([sys.executable, os.path.join(HERE, "torch_step.py"), name, weights, "--layout", l, *extra], {**a.torch_env, **few})
        losses = {k: s.ask(f"losses 5 {SMALL.get(name, 4)}")["losses"] for k, s in sides.items()}
        apart = lambda a, b: max(abs(x - y) for x, y in zip(a, b)) / max(map(abs, b))
        far = max(apart(losses["ours"], losses[l]) for l in layouts)
        exact = {}
        if name.startswith("resnet") and not half:  # what rounding alone does to such losses: how far each side is from float64
            double = Side([sys.executable, os.path.join(HERE, "torch_step.py"), name, weights, "--double"], {**a.torch_env, **few})
            true = double.ask(f"losses 5 {SMALL.get(name, 4)}")["losses"]
            double.close()
            exact = {"double_losses": true, "ours_from_double": apart(losses["ours"], true), "torch_from_double": {l: apart(losses[l], true) for l in layouts}}
        n = TURN.get(name, 2)
        with lock():
            load = os.getloadavg()[0]
            for s in sides.values():
                s.run(max(1, n // 2), keep=False)
            order = list(sides)
            for r in range(a.rounds):
                for k in order[r % len(order):] + order[:r % len(order)]:
                    sides[k].run(n)
        med = {k: statistics.median(s.ms) for k, s in sides.items()}
        best = min(layouts, key=med.get)
        o, t = sides["ours"], sides[best]
        for s in sides.values():
            s.close()
    return {
        "name": name + ("-bf16" if half else "") + ("-ours-float32" if half and a.ours_float32 else ""), "threads": o.ready["threads"], "ours_s": med["ours"] / 1e3, "torch_s": med[best] / 1e3,
        "ratio": med[best] / med["ours"], "min_ratio": min(t.ms) / min(o.ms), "cpu_ratio": statistics.median(t.cpu) / statistics.median(o.cpu),
        "ours_cpu_s": statistics.median(o.cpu) / 1e3, "torch_cpu_s": statistics.median(t.cpu) / 1e3, "ours_peak_mb": o.peak, "torch_peak_mb": t.peak,
        "layout": best, "torch_layouts_s": {l: med[l] / 1e3 for l in layouts}, "ours_alloc_mb": o.more.get("alloc_mb"), "losses": losses["ours"],
        "torch_losses": losses[best], "losses_apart": far, **exact, "rounds": a.rounds, "load": load, "isa": o.ready["isa"], "torch_isa": t.ready["isa"],
        "ours": o.ready["ready"], "torch": t.ready["ready"], "processor": processor(), "cores": os.cpu_count(),
    }


def processor():
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def table(rows):
    print("| work | fastnb | PyTorch | ratio | by fastest step | by processor time | memory, MB | losses apart | from float64: ours / PyTorch's layouts |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['name']} | {r['ours_s'] * 1e3:.4g} ms | {r['torch_s'] * 1e3:.4g} ms ({r['layout']}) | {r['ratio']:.2f} | {r['min_ratio']:.2f} | {r['cpu_ratio']:.2f} | "
              f"{r['ours_peak_mb']} / {r['torch_peak_mb']} | {r['losses_apart']:.1e} | {from_double(r)} |")
    if rows:
        r = rows[-1]
        print(f"\n{r['processor']}, {r['cores']} cores; {r['ours']} ({r['isa']}), {r['torch']} ({r['torch_isa']}); load {r['load']:.1f} at the end")


def from_double(r):
    """How far losses are from those of float64, where that was asked."""
    if "ours_from_double" not in r:
        return ""
    return f"{r['ours_from_double']:.1e} / " + ", ".join(f"{x:.1e}" for x in r["torch_from_double"].values())


def picture(rows, path):
    """A bar for each ratio, as SVG."""
    h, out = 22, []
    top = max([2.5] + [r["ratio"] for r in rows])
    for i, r in enumerate(rows):
        y, w = 10 + i * h, r["ratio"] / top * 400
        out.append(f'<text x="150" y="{y + 14}" text-anchor="end">{r["name"]}</text><rect x="160" y="{y + 3}" width="{w:.0f}" height="15" '
                   f'fill="{"#3a7" if r["ratio"] >= 1 else "#b55"}"/><text x="{165 + w:.0f}" y="{y + 14}">{r["ratio"]:.2f}</text>')
    x = 160 + 400 / top
    body = "".join(out) + f'<line x1="{x:.0f}" x2="{x:.0f}" y1="8" y2="{10 + len(rows) * h}" stroke="#333"/>'
    with open(path + ".part", "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="620" height="{20 + len(rows) * h}" font-family="sans-serif" font-size="12">'
                f"<title>PyTorch's time over ours</title>{body}</svg>\n")
    os.replace(path + ".part", path)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("fastnb")
    p.add_argument("--only", default="")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--json", default="")
    p.add_argument("--picture", default="")
    p.add_argument("--lock", default="")
    p.add_argument("--threads", type=int, default=0, help="of both sides (0: as many as there are cores)")
    p.add_argument("--bf16", action="store_true", help="bfloat16 on both sides (PyTorch's autocast), as -bf16 behind a name")
    p.add_argument("--ours-float32", action="store_true", help="our side stays in float32 where PyTorch's has bfloat16")
    p.add_argument("--isa", default="", choices=["", *HELD_TO], help="hold both sides to these instructions (default: what the processor has, or FASTNB_ISA)")
    a = p.parse_args()
    if a.isa:
        os.environ["FASTNB_ISA"] = a.isa
    a.torch_env = HELD_TO.get(os.environ.get("FASTNB_ISA", ""), {})
    names = [n for n in a.only.split(",") if n] or NAMES
    for n in names:
        if n.removesuffix("-bf16") not in NAMES:
            sys.exit(f"bench-torch: no work {n} (there are {', '.join(NAMES)})")

    @contextlib.contextmanager
    def lock():
        if not a.lock:
            yield
            return
        with open(a.lock, "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    rows = []
    for n in names:
        rows.append(measure(n, a, lock))
        print(json.dumps({k: rows[-1][k] for k in ("name", "ours_s", "torch_s", "ratio")}), file=sys.stderr, flush=True)
        if a.json:
            with open(a.json, "a") as f:
                f.write(json.dumps(rows[-1]) + "\n")
    table(rows)
    if a.picture:
        picture(rows, a.picture)


if __name__ == "__main__":
    main()
