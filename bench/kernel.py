"""The kernel beside ipykernel, in one run, the two taking turns: bench/kernel.py FASTNB [ROUNDS].

Prints a table of medians with the ratio to ipykernel and the goal that the project has set itself:
start to ready, round trip of `1+1`, 200,000 printed lines, resident memory after start, a notebook of
100 cells without a browser (`fastnb nb run` against nbconvert with ipykernel). Needs test/requirements.txt.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

LINES = 200_000


class Kernel:
    def __init__(self, argv):
        t = time.perf_counter()
        self.km = KernelManager(kernel_name="bench")
        self.km._kernel_spec = KernelSpec(argv=argv, display_name="x", language="x", interrupt_mode="message")
        self.km.start_kernel()
        self.kc = self.km.blocking_client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=60)
        self.start = time.perf_counter() - t

    def memory(self):
        p = psutil.Process(self.km.provisioner.pid)
        return sum(q.memory_info().rss for q in [p, *p.children(recursive=True)]) / 1e6

    def time(self, code, n=1):
        took = []
        for _ in range(n):
            seen = [0]

            def hook(m):
                if m["msg_type"] == "stream":
                    seen[0] += m["content"]["text"].count("\n")

            t = time.perf_counter()
            r = self.kc.execute_interactive(code, timeout=120, output_hook=hook)
            took.append(time.perf_counter() - t)
            assert r["content"]["status"] == "ok", r["content"]
            self.lines = seen[0]
        return statistics.median(took)

    def stop(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel(now=True)


def measure(argv, loop):
    k = Kernel(argv)
    out = {"start to ready, s": k.start, "memory after start, MB": k.memory()}
    k.time("1+1", 5)
    out["round trip of 1+1, ms"] = 1000 * k.time("1+1", 50)
    out[f"{LINES:,} printed lines, s"] = k.time(loop)
    assert k.lines == LINES, f"{k.lines} lines came of {LINES}"
    k.stop()
    return out


def notebook(kernel, language, sources, path):
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": language}})
    nb.cells = [nbformat.v4.new_code_cell(s) for s in sources]
    nbformat.write(nb, path)


def headless(fastnb, tmp):
    go, py = os.path.join(tmp, "go.ipynb"), os.path.join(tmp, "py.ipynb")
    notebook("fastnb", "go", ["x := 0", *[f"x += {i}\nfmt.Println(x)\nx * 2" for i in range(99)]], go)
    notebook("python3", "python", ["x = 0", *[f"x += {i}\nprint(x)\nx * 2" for i in range(99)]], py)
    t = time.perf_counter()
    subprocess.run([fastnb, "nb", "run", "-o", os.path.join(tmp, "go-out.ipynb"), go], check=True, stdout=subprocess.DEVNULL)
    ours = time.perf_counter() - t
    t = time.perf_counter()
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--log-level", "ERROR", "--output", "py-out.ipynb", py], check=True)
    return ours, time.perf_counter() - t


GOALS = {"start": 0.40, "memory": 1.0, "round": 0.40, f"{LINES:,}": 1.0, "notebook": 0.30}


def main():
    fastnb = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ours, theirs = {}, {}
    with tempfile.TemporaryDirectory() as tmp:
        for _ in range(rounds):
            for argv, loop, table in (
                ([fastnb, "kernel", "run", "{connection_file}"], f"for i := 0; i < {LINES}; i++ {{ fmt.Println(i) }}", ours),
                ([sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], f"for i in range({LINES}): print(i)", theirs),
            ):
                for k, v in measure(argv, loop).items():
                    table.setdefault(k, []).append(v)
            a, b = headless(fastnb, tmp)
            ours.setdefault("notebook of 100 cells, s", []).append(a)
            theirs.setdefault("notebook of 100 cells, s", []).append(b)
    print(f"medians of {rounds} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    print("| | fastnb | ipykernel | ratio | goal | |\n|---|---|---|---|---|---|")
    for k in ours:
        a, b = statistics.median(ours[k]), statistics.median(theirs[k])
        goal = GOALS[k.split()[0]]
        print(f"| {k} | {a:.3g} | {b:.3g} | {a / b:.2f} | {goal:.2f} | {'' if a / b <= goal else 'missed'} |")
    size = os.path.getsize(fastnb) / 1e6
    took = []
    for _ in range(10):
        t = time.perf_counter()
        subprocess.run([fastnb, "--help"], check=True, stdout=subprocess.DEVNULL)
        took.append(1000 * (time.perf_counter() - t))
    print(f"\nbinary {size:.1f} MB (goal: 80); `fastnb --help` {statistics.median(took):.0f} ms (goal: 50)")


if __name__ == "__main__":
    main()
