"""Tables of what run.sh measured: python table.py BENCH.jsonl, with --markdown before it as docs/gpu.md has them, or
python table.py --selftest SELFTEST.json, or python table.py --losses BENCH.jsonl: fastnb's losses in each precision"""

import json
import sys


def selftest(path):
    try:
        with open(path) as f:
            r = json.load(f)
    except (OSError, ValueError) as e:
        print(f"selftest: no result: {e}")
        return
    print(f"{r['device']}: {r['card']}; fastnb {r['fastnb']}")
    for p in r["parts"]:
        print(f"{'left' if p.get('left_out') else 'ok  ' if p['ok'] else 'BAD '} {p['name']:<16} {p['seconds']:6.1f} s  {p['text']}")
        for e in p.get("errors") or []:
            print("      " + e[:260].replace("\n", " | "))


def lines(path):
    rows = []
    with open(path) as f:
        for line in f:
            try:
                rows.append(json.loads(line))
            except ValueError:
                pass
    return rows


def markdown(ours, eager, compiled):
    """The steps with the loss read each time, then ten at a time; ratios to PyTorch's better side."""
    cell = lambda r, k: f"{r[k]:.2f}" if r and not r.get("error") else "failed" if r else ""
    print("| work | activations | fastnb, ms | PyTorch eager | compiled | ratio | ten at a time: fastnb | eager | compiled | ratio | memory, MB: fastnb | eager |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for key in sorted({*ours, *eager}):
        o, t, c = ours.get(key), eager.get(key), compiled.get(key)
        if key[1] == "tf32" and not o:
            o = ours.get((key[0], "f32"))
        parts = [key[0].removeprefix("gpu-"), key[1]]
        for k in ("step_ms", "free_ms"):
            best = min((r[k] for r in (t, c) if r and not r.get("error")), default=0)
            parts += [cell(o, k), cell(t, k), cell(c, k), f"{best / o[k]:.2f}" if best and o and not o.get("error") else ""]
        memory = f"{o['programs_mb'] + o['params_mb']:.0f}" if o and not o.get("error") else ""
        parts += [memory, f"{t['peak_mb']:.0f}" if t and "peak_mb" in t else ""]
        print("| " + " | ".join(parts) + " |")


def losses(ours):
    """First and last losses of each work, and how far those of other precisions are from float32's."""
    for name in sorted({k[0] for k in ours}):
        base = ours.get((name, "f32"))
        for kind in ("f32", "tf32", "f16", "bf16"):
            r = ours.get((name, kind))
            if not r:
                continue
            text = f"{name:<27}{kind:<5}"
            if r.get("error"):
                print(f"{text}FAILED {r['error'][:200]}")
                continue
            text += f"loss {r['first_loss']:.4f} to {r['last_loss']:.4f} "
            if r.get("skipped"):
                text += f", {r['skipped']} steps left out"
            if kind != "f32" and base and not base.get("error"):
                scale = abs(base["first_loss"]) or 1
                off = max(abs(r[k] - base[k]) / scale for k in ("first_loss", "last_loss"))
                text += f"; off float32's by {off:.4f} of the first{' -- LOOK AT THIS' if off > 0.1 else ''}"
            print(text)


# What the project asks of a card beside the processor.
TIMES_CPU = 30


def main():
    if sys.argv[1] == "--selftest":
        return selftest(sys.argv[2])
    rows = lines(sys.argv[-1])
    ours, eager, compiled, cpu = {}, {}, {}, {}
    for r in rows:
        side = {"torch": eager, "torch compile": compiled}.get(r.get("side"), cpu if r.get("device") == "cpu" else ours)
        side[r["name"], r["precision"]] = r
    if "--losses" in sys.argv:
        return losses(ours)
    if "--markdown" in sys.argv:
        return markdown(ours, eager, compiled)
    ms = lambda r, k: f"{r[k]:9.2f}" if r and k in r and "error" not in r else "   FAILED" if r else "        -"
    ratio = lambda t, o, k: f"{t[k] / o[k]:6.2f}" if t and o and o.get(k) and t.get(k) and not o.get("error") and not t.get("error") else "     -"
    print("milliseconds a step (loss read each step | ten at a time); ratio: PyTorch's time over ours, more is faster than PyTorch")
    print(f"{'work':<27}{'kind':<5}{'ours':>9}{'torch':>10}{'compile':>10} ratio |{'ours':>9}{'torch':>10}{'compile':>10} ratio  {'ours MB':>8}{'torch MB':>9}")
    for key in sorted({*ours, *eager, *compiled}, key=lambda k: (k[1], k[0])):
        o, t, c = ours.get(key), eager.get(key), compiled.get(key)
        mb = lambda r, *ks: f"{sum(r.get(k, 0) for k in ks):9.0f}" if r else "        -"
        print(f"{key[0]:<27}{key[1]:<5}{ms(o, 'step_ms')} {ms(t, 'step_ms')} {ms(c, 'step_ms')} {ratio(t, o, 'step_ms')}|{ms(o, 'free_ms')} {ms(t, 'free_ms')} {ms(c, 'free_ms')} {ratio(t, o, 'free_ms')} {mb(o, 'programs_mb', 'params_mb')}{mb(t, 'peak_mb')}")
    for (name, kind), r in cpu.items():
        best = min((o["step_ms"] for k, o in ours.items() if k[0] == name and not o.get("error")), default=0)
        if best and any(o.get("processor") for k, o in ours.items() if k[0] == name):
            print(f"{name}: {r['step_ms']:.1f} ms on this machine's processor in {kind}, {best:.1f} on the same by OpenCL: the {TIMES_CPU} times that are asked need a card")
        elif best and not r.get("error"):
            times = r["step_ms"] / best
            print(f"{name}: {r['step_ms']:.0f} ms on this machine's processor in {kind}: {times:.0f} times the card's best (asked: {TIMES_CPU}{', missed' if times < TIMES_CPU else ''})")
    for r in rows:
        if r.get("error"):
            print(f"failed: {r['name']} {r['precision']} {r.get('side', 'ours')}: {r['error'][:300]}")
        elif r.get("skipped"):
            print(f"note: {r['name']} {r['precision']}: {r['skipped']} steps overflowed and were left out")


if __name__ == "__main__":
    main()
