"""The kernel beside ipykernel, in one run, the two taking turns: bench/kernel.py FASTNB [ROUNDS].

Prints a table of medians with the ratio to ipykernel and the goal that the project has set itself:
start to ready, round trip of `1+1`, 200,000 printed lines, resident memory after start, a notebook of
100 cells without a browser (`fastnb nb run` against nbconvert with ipykernel); and one of the process
itself, without jupyter_client, which takes a few tenths of a second of its own: from the start of the
process to the answers to kernel_info and to a first cell, and what small cells take. Needs
test/requirements.txt.
"""
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import nbformat
import psutil
import zmq
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


class Process:
    """A kernel's process, spoken to over bare sockets."""

    CHANNELS = ("shell", "iopub", "stdin", "control", "hb")

    def __init__(self, argv, tmp):
        self.key = b"bench"
        held = [socket.socket() for _ in self.CHANNELS]
        for h in held:
            h.bind(("127.0.0.1", 0))
        port = {c: h.getsockname()[1] for c, h in zip(self.CHANNELS, held)}
        for h in held:
            h.close()
        file = os.path.join(tmp, "connection.json")
        with open(file, "w") as f:
            json.dump({"transport": "tcp", "ip": "127.0.0.1", "key": "bench", "signature_scheme": "hmac-sha256",
                       **{c + "_port": p for c, p in port.items()}}, f)
        self.context, self.ids = zmq.Context(), 0
        self.shell, self.control = self.socket(port["shell"]), self.socket(port["control"])
        t = time.perf_counter()
        self.p = subprocess.Popen([a.format(connection_file=file) for a in argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.ask(self.shell, "kernel_info_request", {})
        self.info = time.perf_counter() - t
        self.cell("1+1")
        self.first = time.perf_counter() - t

    def socket(self, port):
        s = self.context.socket(zmq.DEALER)
        s.setsockopt(zmq.RECONNECT_IVL, 1)
        s.setsockopt(zmq.LINGER, 0)
        s.connect(f"tcp://127.0.0.1:{port}")
        return s

    def ask(self, sock, kind, content):
        """The answer to a request."""
        self.ids += 1
        header = {"msg_id": f"m{self.ids}", "session": "bench", "username": "bench", "version": "5.4", "msg_type": kind,
                  "date": "2026-01-01T00:00:00.000000Z"}
        parts = [json.dumps(x).encode() for x in (header, {}, {}, content)]
        sign = hmac.new(self.key, digestmod=hashlib.sha256)
        for x in parts:
            sign.update(x)
        sock.send_multipart([b"<IDS|MSG>", sign.hexdigest().encode(), *parts])
        while True:
            if not sock.poll(60_000):
                raise TimeoutError(kind)
            got = sock.recv_multipart()
            got = got[got.index(b"<IDS|MSG>") + 2:]
            if json.loads(got[1]).get("msg_id") == header["msg_id"]:
                return json.loads(got[3])

    def cell(self, code):
        t = time.perf_counter()
        r = self.ask(self.shell, "execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False})
        assert r["status"] == "ok", r
        return time.perf_counter() - t

    def memory(self):
        return psutil.Process(self.p.pid).memory_info().rss / 1e6

    def stop(self):
        try:
            self.ask(self.control, "shutdown_request", {"restart": False})
            self.p.wait(10)
        finally:
            self.p.kill()
            self.context.destroy(0)


FIB = {"go": "func fib(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}",
       "py": "def fib(n):\n    return n if n < 2 else fib(n-1) + fib(n-2)"}
LOOP = {"go": "s := 0\nfor i := 0; i < 3000000; i++ {\n\ts += i & 7\n}", "py": "s = 0\nfor i in range(3000000):\n    s += i & 7"}
FILL = {"go": "xs := make([]float64, 1000000)\nfor i := range xs {\n\txs[i] = float64(i) * 0.5\n}",
        "py": "xs = [0.0] * 1000000\nfor i in range(len(xs)):\n    xs[i] = float(i) * 0.5"}


def process(argv, language, tmp):
    k = Process(argv, tmp)
    out = {"start to kernel_info, ms": 1000 * k.info, "start to first cell, ms": 1000 * k.first, "memory, MB": k.memory()}
    out["round trip of 1+1, ms"] = 1000 * statistics.median(k.cell("1+1") for _ in range(100))
    k.cell(FIB[language])
    out["fib(30), ms"] = 1000 * statistics.median(k.cell("fib(30)") for _ in range(3))
    out["loop of 3,000,000 turns, ms"] = 1000 * statistics.median(k.cell(LOOP[language]) for _ in range(3))
    out["slice of 1,000,000 filled, ms"] = 1000 * statistics.median(k.cell(FILL[language]) for _ in range(3))
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


# What the process may take, beside no other: milliseconds and MB.
LIMITS = {"start to first cell, ms": 60, "round trip of 1+1, ms": 2.5, "memory, MB": 60}

GOALS = {"start": 0.40, "memory": 1.0, "round": 0.40, f"{LINES:,}": 1.0, "notebook": 0.30}


def main():
    fastnb = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ours, theirs, bare, bare_theirs = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as tmp:
        for _ in range(rounds):
            for argv, loop, table in (
                ([fastnb, "kernel", "run", "{connection_file}"], f"for i := 0; i < {LINES}; i++ {{ fmt.Println(i) }}", ours),
                ([sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], f"for i in range({LINES}): print(i)", theirs),
            ):
                for k, v in measure(argv, loop).items():
                    table.setdefault(k, []).append(v)
            for argv, language, table in (
                ([fastnb, "kernel", "run", "{connection_file}"], "go", bare),
                ([sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "py", bare_theirs),
            ):
                for k, v in process(argv, language, tmp).items():
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
    print("\nthe process itself, over bare sockets:\n\n| | fastnb | ipykernel | ratio | limit | |\n|---|---|---|---|---|---|")
    for k in bare:
        a, b = statistics.median(bare[k]), statistics.median(bare_theirs[k])
        limit = LIMITS.get(k)
        print(f"| {k} | {a:.3g} | {b:.3g} | {a / b:.2f} | {limit or ''} | {'missed' if limit and a > limit else ''} |")
    size = os.path.getsize(fastnb) / 1e6
    took = []
    for _ in range(10):
        t = time.perf_counter()
        subprocess.run([fastnb, "--help"], check=True, stdout=subprocess.DEVNULL)
        took.append(1000 * (time.perf_counter() - t))
    print(f"\nbinary {size:.1f} MB (goal: 80); `fastnb --help` {statistics.median(took):.0f} ms (goal: 50)")


if __name__ == "__main__":
    main()
