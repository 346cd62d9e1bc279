#!/usr/bin/env python3
"""fastnb serve beside Starlette, uvicorn and PyTorch, the same model and pictures, on this machine alone: from start to the
first answer, memory, and answers a second at 1, 8 and 64 clients, the two sides in turns.

serve_beside.py FASTNB LOADER FOLDER [--rounds N] [--seconds S] [--clients 1,8,64] [--sides NAMES] [--json FILE]

FASTNB is the program, LOADER what `go build ./bench/serve` makes, FOLDER where the model and the pictures are, or will be.
"""
import argparse
import glob
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory(pid):
    """Resident and peak memory of a process in MB."""
    with open(f"/proc/{pid}/status") as f:
        lines = dict(line.split(":", 1) for line in f)
    return [int(lines[k].split()[0]) / 1024 for k in ("VmRSS", "VmHWM")]


def processor(pid):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Side:
    def __init__(self, name, command, env, picture):
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}/api/predict"
        self.began = time.perf_counter()
        self.process = subprocess.Popen([a.replace("PORT", str(self.port)) for a in command], env={**os.environ, **env}, cwd=HERE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.first = self.until_answered(picture)
        self.start = time.perf_counter() - self.began

    def until_answered(self, picture):
        while True:
            try:
                r = urllib.request.Request(self.url, picture, {"Content-Type": "image/jpeg"})
                return json.load(urllib.request.urlopen(r, timeout=60))
            except OSError:
                assert self.process.poll() is None, f"{self.name} has ended"
                time.sleep(0.005)

    def end(self):
        self.process.terminate()
        self.process.wait()


def main():
    a = argparse.ArgumentParser()
    for name in ("fastnb", "loader", "folder"):
        a.add_argument(name, type=os.path.abspath)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=float, default=8)
    a.add_argument("--clients", default="1,8,64")
    a.add_argument("--sides", default="fastnb,starlette,starlette-threads")
    a.add_argument("--json", default="")
    o = a.parse_args()
    model = os.path.join(o.folder, "bears.fastnb")
    if not os.path.exists(model):
        os.makedirs(o.folder, exist_ok=True)
        subprocess.run([o.loader, "export", o.folder], check=True)
    pictures = sorted(glob.glob(os.path.join(o.folder, "*.jpg")))
    with open(pictures[0], "rb") as f:
        picture = f.read()
    uvicorn = [sys.executable, "-m", "uvicorn", "starlette_app:app", "--port", "PORT", "--log-level", "error"]
    kinds = {
        "fastnb": ([o.fastnb, "serve", model, "--addr", "127.0.0.1:PORT", "--quiet", "--queue", "256"], {}),
        "starlette": (uvicorn, {"MODEL": model}),
        "starlette-1": (uvicorn, {"MODEL": model, "THREADS": "1", "OMP_NUM_THREADS": "1"}),
        "fastnb-1": ([o.fastnb, "serve", model, "--addr", "127.0.0.1:PORT", "--quiet", "--queue", "256"], {"FASTNB_THREADS": "1", "GOMAXPROCS": "1"}),
        "starlette-threads": (uvicorn, {"MODEL": model, "BATCHED": "1"}),
    }
    names = o.sides.split(",")
    lines = []

    def tell(**line):
        lines.append(line)
        print(json.dumps(line), flush=True)

    starts = {n: [] for n in names}
    for _ in range(o.rounds):
        for n in names:
            side = Side(n, *kinds[n], picture)
            starts[n].append(side.start)
            side.end()
    sides = [Side(n, *kinds[n], picture) for n in names]
    try:
        apart = max(abs(p["p"] - {q["class"]: q["p"] for q in s.first["probabilities"]}[p["class"]]) for s in sides for p in sides[0].first["probabilities"])
        tell(answers_apart=apart, result=[s.first["result"] for s in sides], first=sides[0].first["probabilities"])
        for s in sides:
            tell(side=s.name, start_to_first_answer=statistics.median(starts[s.name]), rss_mb=memory(s.process.pid)[0])
        for n in map(int, o.clients.split(",")):
            runs = {s.name: [] for s in sides}
            for r in range(o.rounds):
                for s in sides if r % 2 == 0 else sides[::-1]:
                    used = processor(s.process.pid)
                    out = subprocess.run([o.loader, "load", "-url", s.url, "-clients", str(n), "-seconds", str(o.seconds), *pictures],
                                         check=True, capture_output=True, text=True).stdout
                    got = json.loads(out)
                    got["cpu_ms"] = 1000 * (processor(s.process.pid) - used) / max(got["answers"], 1)
                    runs[s.name].append(got)
            for s in sides:
                got = runs[s.name]
                tell(side=s.name, clients=n, per_second=statistics.median(g["per_second"] for g in got), p50_ms=statistics.median(g["p50_ms"] for g in got),
                     p99_ms=statistics.median(g["p99_ms"] for g in got), cpu_ms=statistics.median(g["cpu_ms"] for g in got), not_200=[g["not_200"] for g in got if g["not_200"]],
                     rss_mb=memory(s.process.pid)[0], peak_mb=memory(s.process.pid)[1])
    finally:
        for s in sides:
            s.end()
    if o.json:
        with open(o.json, "w") as f:
            f.writelines(json.dumps(line) + "\n" for line in lines)


main()
