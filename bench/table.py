"""Prints a Markdown table of a benchmark's two sides: table.py FOLDER SEED...

Standard library only. FOLDER holds fastnb-SEED.jsonl and fastai-SEED.jsonl; README.md tells what the lines hold.
"""
import json
import os
import platform
import statistics as st
import sys

KNOWN = {"epoch", "phase", "seconds", "cpu_seconds", "train_loss", "valid_loss"}


def read(folder, side, seed):
    rows, summary = [], {}
    with open(os.path.join(folder, f"{side}-{seed}.jsonl"), encoding="utf-8") as f:
        for text in f:
            if not text.startswith("{"):
                continue
            row = json.loads(text)
            if "epoch" in row:
                rows.append(row)
            else:
                summary.update(row)
    if not rows or not summary:
        sys.exit(f"table: {side}, seed {seed}: the run did not end")
    return rows, summary


def losses(row):
    """The losses of a task, if it trains anything."""
    return [k for k in ("train_loss", "valid_loss") if k in row]


def figures(runs):
    """The rows of the first table: name -> figure, for one side."""
    every = [e for rows, _ in runs for e in rows]
    out = {}
    phases = sorted({e.get("phase", "") for e in every})
    for phase in phases:
        mine = [e for e in every if e.get("phase", "") == phase]
        last = [[e for e in rows if e.get("phase", "") == phase][-1] for rows, _ in runs]
        name = phase + ": " if phase else ""
        out[name + "seconds per epoch, best"] = min(e["seconds"] for e in mine)
        out[name + "seconds per epoch, median"] = st.median(e["seconds"] for e in mine)
        out[name + "processor seconds per epoch, median"] = st.median(e["cpu_seconds"] for e in mine)
        for k in losses(last[0]) + sorted(set(last[0]) - KNOWN):
            values = [e[k] for e in last]
            out[f"{name}last {k}, mean"] = st.mean(values)
            if len(values) > 1:
                out[f"{name}last {k}, spread"] = max(values) - min(values)
    out["peak memory, MB"] = max(s["peak_mb"] for _, s in runs)
    rates = [s["loader_items_per_second"] for _, s in runs if "loader_items_per_second" in s]
    if rates:
        out["loader alone, items a second, best"] = max(rates)
    return out


def machine():
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            cpu = next(t.split(":")[1].strip() for t in f if t.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{cpu}, {os.cpu_count()} cores{load}"


def main(folder, seeds):
    runs = {side: [read(folder, side, s) for s in seeds] for side in ("fastnb", "fastai")}
    ours, theirs = figures(runs["fastnb"]), figures(runs["fastai"])
    versions = " and ".join(f"{runs[s][0][1]['library']} ({runs[s][0][1]['threads']} threads)" for s in ("fastnb", "fastai"))
    print(f"{machine()}; seeds {' '.join(seeds)}; {versions}\n")
    print("| | fastnb | fastai | fastnb / fastai |\n|---|---|---|---|")
    for k, v in ours.items():
        w = theirs.get(k)
        print(f"| {k} | {v:.4g} | " + (f"{w:.4g} | {v / w:.2f} |" if w else "| |"))
    ours, theirs = runs["fastnb"][0][1], runs["fastai"][0][1]
    # a figure torch_X of fastai's side, of PyTorch without fastai, stands beside our X
    for k in sorted({*ours, *theirs} - {"library", "threads", "peak_mb", "loader_items_per_second"}):
        v, w = ours.get(k.removeprefix("torch_")), theirs.get(k)
        print(f"| {k} | " + (f"{v:.4g} | " if v else "| ") + (f"{w:.4g} | " if w else "| ") + (f"{v / w:.2f} |" if v and w else "|"))
    names = ["seconds"] + losses(runs["fastnb"][0][0][0]) + [k for k in runs["fastnb"][0][0][0] if k not in KNOWN]
    print("\n| seed | epoch | " + " | ".join(f"{n}, fastnb | fastai" for n in names) + " |")
    print("|---|---|" + "---|---|" * len(names))
    for i, seed in enumerate(seeds):
        for a, b in zip(runs["fastnb"][i][0], runs["fastai"][i][0]):
            epoch = f"{a['phase']} {a['epoch']}" if "phase" in a else a["epoch"]
            cells = " | ".join(f"{a[n]:.4g} | {b[n]:.4g}" if n in b else f"{a[n]:.4g} | " for n in names)
            print(f"| {seed} | {epoch} | {cells} |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
