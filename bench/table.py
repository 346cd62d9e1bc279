"""Prints a Markdown table of a benchmark's two sides: table.py FOLDER SEED..."""
import json
import os
import statistics as st
import sys

folder, seeds = sys.argv[1], sys.argv[2:]


def read(side, seed):
    rows = []
    with open(os.path.join(folder, f"{side}-{seed}.jsonl")) as f:
        for line in f:
            if line.startswith("{"):
                rows.append(json.loads(line))
    return [r for r in rows if "epoch" in r], next(r for r in rows if "peak_mb" in r)


runs = {side: [read(side, s) for s in seeds] for side in ("fastnb", "fastai")}


def figures(side):
    r = runs[side]
    return {
        "seconds per epoch, best": min(e["seconds"] for rows, _ in r for e in rows),
        "seconds per epoch, median": st.median(e["seconds"] for rows, _ in r for e in rows),
        "CPU seconds per epoch, median": st.median(e["cpu_seconds"] for rows, _ in r for e in rows),
        "peak memory, MB": max(s["peak_mb"] for _, s in r),
        "loader alone, items/s, best": max(s.get("loader_items_per_second", 0) for _, s in r),
        "last valid_loss, mean": st.mean(rows[-1]["valid_loss"] for rows, _ in r),
        "last accuracy_thresh, mean": st.mean(rows[-1]["accuracy_thresh"] for rows, _ in r),
        "last fbeta, mean": st.mean(rows[-1]["fbeta"] for rows, _ in r),
    }


ours, theirs = figures("fastnb"), figures("fastai")
cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
print(f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seeds {' '.join(seeds)}; {runs['fastai'][0][1]['library']}\n")
print("| | fastnb | fastai | fastnb / fastai |\n|---|---|---|---|")
for k, v in ours.items():
    w = theirs[k]
    print(f"| {k} | {v:.4g} | {w:.4g} | {v / w if w else float('nan'):.2f} |")
print("\n| seed | epoch | fastnb s | fastai s | fastnb valid_loss | fastai | fastnb fbeta | fastai |\n|---|---|---|---|---|---|---|---|")
for i, seed in enumerate(seeds):
    for a, b in zip(runs["fastnb"][i][0], runs["fastai"][i][0]):
        print(f"| {seed} | {a['epoch']} | {a['seconds']:.2f} | {b['seconds']:.2f} | {a['valid_loss']:.4f} | {b['valid_loss']:.4f} | {a['fbeta']:.4f} | {b['fbeta']:.4f} |")
