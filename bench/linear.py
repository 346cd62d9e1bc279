"""How the processor time of a training step grows with items and with pixels: linear is what it should be.

    python linear.py FASTNB [--each 8]

Standard library alone. ResNet34, 4 to 32 items of 64 pixels, 4 and 16 of 128. Processor time, so that other work on the machine matters less.
"""

import argparse
import json
import os
import subprocess


class Steps:
    def __init__(self, fastnb, work):
        self.p = subprocess.Popen([fastnb, "bench", "step", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.p.stdout.readline())

    def ask(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def used(self):
        with open(f"/proc/{self.p.pid}/stat") as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def table(a):
    def cost(s, items):
        s.ask(f"losses 2 {items}")  # which compiles
        before = s.used()
        s.ask(f"losses {a.each} {items}")
        return (s.used() - before) / a.each * 1e3

    small, large = Steps(a.fastnb, "resnet34-64-bs16"), Steps(a.fastnb, "resnet34-128-bs16")
    print("| items | pixels | processor time of a step, ms | ms an item |\n|---|---|---|---|")
    for s, px, n in [(small, 64, 4), (small, 64, 8), (small, 64, 16), (small, 64, 32), (large, 128, 4), (large, 128, 16)]:
        ms = cost(s, n)
        print(f"| {n} | {px}x{px} | {ms:.0f} | {ms / n:.1f} |", flush=True)
    small.close()
    large.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("fastnb")
    p.add_argument("--each", type=int, default=8, help="steps for each row of --linear")
    a = p.parse_args()
    table(a)


if __name__ == "__main__":
    main()
