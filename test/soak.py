"""Wears the kernel: soak.py FASTNB [--cycles N] [--seconds S] [--transport tcp|ipc] [--seed K].

First N start/stop cycles: each kernel must become ready, answer a cell, shut down when asked and leave
no process behind. Then S seconds of random messages against one kernel: cells good and bad, requests of
all kinds, wrong JSON, wrong signatures, garbage frames, interrupts, clients that vanish. Meanwhile the
kernel must go on answering, and its memory, threads and open files must not grow without end. Prints
figures; the exit status is 1 on a leak, a zombie, a death or a hang.
"""
import argparse
import json
import os
import queue
import random
import statistics
import sys
import tempfile
import time

import psutil
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager


def start(fastnb, transport, tmp):
    km = KernelManager(kernel_name="soak", transport=transport)
    km._kernel_spec = KernelSpec(argv=[fastnb, "kernel", "run", "{connection_file}"], display_name="x", language="go", interrupt_mode="message")
    if transport == "ipc":
        km.ip = os.path.join(tmp, "k%d" % random.randrange(10**9))
    km.start_kernel(stderr=open(os.path.join(tmp, "stderr.log"), "a"))
    kc = km.blocking_client()
    kc.start_channels()
    kc.wait_for_ready(timeout=60)
    return km, kc


def cycles(fastnb, n, transport, tmp):
    ready, gone = [], []
    for i in range(n):
        t = time.perf_counter()
        km, kc = start(fastnb, transport, tmp)
        ready.append(time.perf_counter() - t)
        pid = km.provisioner.pid
        r = kc.execute_interactive("1+1", timeout=30, output_hook=lambda m: None)
        if r["content"]["status"] != "ok":
            sys.exit(f"cycle {i}: {r['content']}")
        t = time.perf_counter()
        kc.shutdown()
        while psutil.pid_exists(pid) and km.is_alive() and time.perf_counter() - t < 20:
            time.sleep(0.005)
        gone.append(time.perf_counter() - t)
        if km.is_alive():
            sys.exit(f"cycle {i}: the kernel did not shut down in 20 s")
        kc.stop_channels()
        km.shutdown_kernel(now=True)
        if psutil.pid_exists(pid) and psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            sys.exit(f"cycle {i}: a zombie is left")
    left = [p.pid for p in psutil.Process().children(recursive=True)]
    print(f"cycles: {n}, ready in {statistics.median(ready):.3f} s (largest {max(ready):.3f}), gone in {statistics.median(gone):.3f} s (largest {max(gone):.3f}), processes left {len(left)}")
    return not left


GOOD = ["1+1", "x := 3", 'fmt.Println("y")', "for i := 0; i < 200; i++ { fmt.Println(i) }", 'Display(display.HTML("<b>x</b>"))', "cell.ClearOutput(true)",
        "func f(n int) int { if n < 2 { return n }; return f(n-1) + f(n-2) }", "f(12)", "$ echo hi", "%help", 'import "display"', "s := make([]byte, 1<<20)\nlen(s)"]
BAD = ["undefined", "x := )", 'panic("p")', "[]int{}[3]", 'os.Open("/no")', "%nonsense", "$ false", "type T struct{", "\x00\x01", "go func() { panic(1) }()", "var p *int\n*p", "é := 1 +"]


class Soak:
    def __init__(self, kc, km, rng):
        self.kc, self.km, self.rng = kc, km, rng
        self.counts = {}

    def raw(self, frames, port):
        """Sends frames as a client of its own, which vanishes at once."""
        s = zmq.Context.instance().socket(zmq.DEALER)
        s.linger = 200
        i = self.km.get_connection_info()
        s.connect(f"tcp://{i['ip']}:{i[port]}" if i["transport"] == "tcp" else f"ipc://{i['ip']}-{i[port]}")
        s.send_multipart(frames)
        s.close()

    def frames(self, content, kind="execute_request", key=None):
        s = self.kc.session
        f = s.serialize(s.msg(kind, {}))
        f[-1] = json.dumps(content).encode()
        f[1] = s.sign(f[2:])
        if key == "wrong":
            f[1] = b"0" * 64
        return f

    def one(self):
        r, kc = self.rng, self.kc
        what = r.choice(["good"] * 6 + ["bad"] * 3 + ["interrupt", "complete", "inspect", "is_complete", "history", "comm", "info", "unknown", "signature", "garbage", "json", "types", "vanish", "expressions"])
        self.counts[what] = self.counts.get(what, 0) + 1
        text = "".join(r.choice("abf.mtPé(\"\n{ ") for _ in range(r.randrange(30)))
        if what in ("good", "bad"):
            kc.execute_interactive(r.choice(GOOD if what == "good" else BAD), timeout=60, output_hook=lambda m: None, store_history=r.random() < 0.5, silent=r.random() < 0.2)
        elif what == "interrupt":
            self.interrupted(kc.execute("for {}"))
        elif what == "complete":
            kc.complete("fmt.Pr" + text, r.randrange(0, 40))
            self.shell(30)
        elif what == "inspect":
            kc.inspect("fmt.Println" + text, r.randrange(0, 40), r.randrange(3))
            self.shell(30)
        elif what == "is_complete":
            kc.is_complete(text)
            self.shell(30)
        elif what == "history":
            kc.history(hist_access_type=r.choice(["tail", "range", "search"]), n=r.randrange(20), session=0, start=0, stop=9, pattern="*")
            self.shell(30)
        elif what == "comm":
            kc.comm_info()
            self.shell(30)
        elif what == "info":
            kc.kernel_info()
            self.shell(30)
        elif what == "expressions":
            kc.execute("1", user_expressions={"a": "1+1", "b": text})
            self.shell(30)
        elif what == "unknown":
            self.raw(self.frames({}, "no_such_request"), "shell_port")
        elif what == "signature":
            self.raw(self.frames({"code": "os.Exit(1)"}, key="wrong"), r.choice(["shell_port", "control_port"]))
        elif what == "garbage":
            self.raw([r.randbytes(r.randrange(200)) for _ in range(r.randrange(1, 8))], r.choice(["shell_port", "control_port", "stdin_port"]))
        elif what == "json":
            f = self.frames({})
            f[-1] = b"{not json"
            f[1] = self.kc.session.sign(f[2:])
            self.raw(f, "shell_port")
        elif what == "types":
            self.raw(self.frames(r.choice([{"code": 7}, {"code": None}, {"code": ["x"], "silent": "no"}, {"cursor_pos": "z", "code": "fmt"}, []]), r.choice(["execute_request", "complete_request", "inspect_request", "history_request"])), "shell_port")
        elif what == "vanish":
            self.raw(self.frames({"code": 'fmt.Println("nobody hears")', "silent": False}), "shell_port")

    def interrupted(self, request):
        """Interrupts a cell that runs for ever, once it runs. On a loaded machine it may not have begun yet a moment later: then
        the interrupt is nobody's, and another one follows; how often is in the counts. A bad request right before it may have
        aborted it: then there is a reply and nothing to interrupt."""
        for _ in range(120):
            try:
                m = self.kc.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                if self.kc.shell_channel.msg_ready():
                    return self.shell(0)
                continue
            if m["msg_type"] == "execute_input" and m["parent_header"].get("msg_id") == request:
                break
        else:
            raise TimeoutError("a cell does not begin")
        time.sleep(0.02)
        for _ in range(30):
            self.km.interrupt_kernel()
            try:
                return self.shell(2)
            except queue.Empty:
                self.counts["interrupted again"] = self.counts.get("interrupted again", 0) + 1
        raise TimeoutError("30 interrupts did not end a cell")

    def shell(self, timeout):
        self.kc.get_shell_msg(timeout=timeout)
        while True:  # what was published meanwhile
            try:
                self.kc.get_iopub_msg(timeout=0)
            except Exception:
                return


def storm(fastnb, seconds, transport, tmp, seed):
    rng = random.Random(seed)
    km, kc = start(fastnb, transport, tmp)
    p = psutil.Process(km.provisioner.pid)
    s = Soak(kc, km, rng)
    samples, begin, n = [], time.monotonic(), 0
    next_sample = begin + min(5, seconds / 10)
    while time.monotonic() - begin < seconds:
        try:
            s.one()
        except Exception as e:
            alive = km.is_alive()
            print(f"storm: after {n} messages {type(e).__name__}: {e}; the kernel is {'alive' if alive else 'dead'}; seed {seed}; {json.dumps(s.counts)}")
            km.shutdown_kernel(now=True)
            return False
        n += 1
        if time.monotonic() > next_sample:
            samples.append((p.memory_info().rss / 1e6, p.num_threads(), p.num_fds()))
            next_sample += seconds / 20
    kc.execute_interactive("6*7", timeout=30, output_hook=lambda m: None)
    kids = p.children()
    zombies = [k for k in kids if k.status() == psutil.STATUS_ZOMBIE]
    kc.stop_channels()
    km.shutdown_kernel()
    half = samples[len(samples) // 2:]
    grow = [max(x[i] for x in half) - max(x[i] for x in samples[: len(samples) // 2]) for i in range(3)] if len(samples) > 3 else [0, 0, 0]
    print(f"storm: {n} messages in {seconds} s over {transport}, seed {seed}; last RSS {samples[-1][0]:.0f} MB, {samples[-1][1]} threads, {samples[-1][2]} files; "
          f"the second half against the first: {grow[0]:+.0f} MB, {grow[1]:+d} threads, {grow[2]:+d} files; child processes {len(kids)}, zombies {len(zombies)}")
    print("       " + ", ".join(f"{k} {v}" for k, v in sorted(s.counts.items())))
    return not kids and grow[0] < 100 and grow[1] < 10 and grow[2] < 10


def main():
    a = argparse.ArgumentParser()
    a.add_argument("fastnb")
    a.add_argument("--cycles", type=int, default=100)
    a.add_argument("--seconds", type=float, default=120)
    a.add_argument("--transport", default="tcp", choices=["tcp", "ipc"])
    a.add_argument("--seed", type=int, default=int(time.time()))
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        os.environ["FASTNB_HOME"] = tmp
        fastnb = os.path.abspath(a.fastnb)
        ok = cycles(fastnb, a.cycles, a.transport, tmp) if a.cycles else True
        ok = storm(fastnb, a.seconds, a.transport, tmp, a.seed) and ok if a.seconds else ok
    sys.exit(not ok)


if __name__ == "__main__":
    main()
