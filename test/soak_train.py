"""Wears training: soak_train.py FASTNB [--seconds S] [--seed K] [--rest R].

One kernel trains a small model for S seconds, and every other cell or so is interrupted at a random moment, by
message or by signal, whatever it is at: making data, finding a rate, training, validating, saving, loading,
exporting, predicting, drawing. After each interrupt the learner must go on: the next fit ends with a finite loss,
what was saved last loads, and what was exported last predicts. Memory, threads, goroutines and open files of
the second half must be those of the first, and no process and no half-written file is left. R seconds of
rest follow each cell, so that it can run beside other work. Prints figures; the exit status is 1 on a failure.
"""
import argparse
import collections
import json
import os
import queue
import random
import re
import signal
import sys
import tempfile
import time

import psutil

import soak

SETUP = '''import "github.com/fastnb/go/fastnb/nn"
import "runtime"
import "strings"

Seed(7)
path := GetData("mnist_tiny", OrTwin(), Tiles(120))

func newData() (*DataBunch, error) {
	return ImageListFromFolder(path).SplitByFolder("train", "valid").LabelFromFolder().Transform(GetTransforms(DoFlip(false)), Size(16)).Normalize().DataBunch(BS(8))
}

func newLearner(d *DataBunch) (*Learner, error) {
	body := nn.NewSequential()
	channels := []int{3, 8, 16}
	for i := range 2 {
		body.Layers = append(body.Layers, nn.NewConv2D(channels[i], channels[i+1], 3, nn.Stride(2), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(channels[i+1]), nn.NewReLU())
	}
	head, err := models.Head(16, 2, models.HeadOptions{LinFtrs: []int{16}, PS: []float64{0.1}})
	if err != nil {
		return nil, err
	}
	net := nn.NewSequential(body, head)
	nn.NamePaths(net, "")
	return NewLearner(d, net, [][]*nn.Param{nn.AllParams(body), nn.AllParams(head)}, Metrics(Accuracy()))
}

func newTexts() (*LanguageLearner, error) {
	var texts, labels []string
	for i := range 24 {
		texts = append(texts, strings.Repeat(fmt.Sprintf("film number %d was good . ", i%7), 2+i%3))
		labels = append(labels, []string{"bad", "good"}[i%2])
	}
	table, err := NewTable("text", texts, "label", labels)
	if err != nil {
		return nil, err
	}
	d, err := TextListFromTable(path, table, Cols("text"), MinFreq(1)).SplitByIdx([]int{0, 1, 2, 3}).LabelForLM().DataBunch(BS(2), BPTT(30))
	if err != nil {
		return nil, err
	}
	c := models.LMConfig()
	c.EmbSz, c.NHid = 24, 32
	return LanguageModelLearner(d, models.AWDLSTM, Config(c), Pretrained(false))
}

data, err := newData()
learn, err := newLearner(data)
learn.Fit(1, LR(1e-3))
learn.Save("kept")
words, err := newTexts()
words.Fit(1, LR(1e-3))
words.Save("words")
words.Export()'''

# What is interrupted, with the weight of its choice.
WORK = {
    "fit": (8, "learn.Fit(8, LR(1e-3))"),
    "one cycle": (3, 'learn.FitOneCycle(3, LR(1e-3), Callbacks(SaveModel("best", EveryEpoch(true)), CSVLogger("history", true)))'),
    "find": (2, "learn.LRFind(NumIt(80))"),
    "validate": (2, "for i := 0; i < 15; i++ { learn.Validate() }"),
    "save": (2, 'for i := 0; i < 20; i++ { learn.Save("kept") }'),
    "load": (1, 'for i := 0; i < 60; i++ { learn.Load("kept") }'),
    "texts": (4, "words.Fit(4, LR(1e-3))"),
    "write": (1, 'for i := 0; i < 5; i++ { words.Predict("film number", 10) }'),
    "export": (2, 'for i := 0; i < 10; i++ { words.Export() }'),
    "predictions": (1, "for i := 0; i < 15; i++ { learn.GetPreds() }"),
    "again": (2, "learn.Destroy()\ndata, err = newData()\nlearn, err = newLearner(data)\nlearn.Fit(2, LR(1e-3))"),
    "draw": (1, "for i := 0; i < 15; i++ { data.ShowBatch(Rows(2), FigSize(3, 3)) }"),
}
# What must work at any time; an interrupted "again" may have left the learner destroyed or without a value, and then it is made anew.
GOES_ON = "learn.Fit(1, LR(1e-3))\nwords.Fit(1, LR(1e-3))"
RENEW = "data, err = newData()\nlearn, err = newLearner(data)"
READS = ['learn.Load("kept")', 'words.Load("words")', 'other, err := LoadLearner(path)\nother.Save("other")\nother.Destroy()']


class Train:
    def __init__(self, km, kc, rng):
        self.km, self.kc, self.rng = km, kc, rng
        self.process = psutil.Process(km.provisioner.pid)
        self.counts = collections.Counter()
        self.begun = ""
        self.took = {}

    def run(self, code, limit=120):
        """Runs a cell to its end: its status, its error and what it printed."""
        out = []

        def hook(m):
            c = m["content"]
            out.append(c.get("text") or c.get("data", {}).get("text/plain") or "")

        r = self.kc.execute_interactive(code, timeout=limit, output_hook=hook)["content"]
        return r["status"], f"{r.get('ename')}: {r.get('evalue')}", "".join(out)

    def must(self, code):
        status, error, out = self.run(code)
        if status != "ok":
            raise AssertionError(f"{error}\n  of the cell {code!r}")
        return out

    def interrupted(self, name, code):
        """Runs a cell and interrupts it at a random moment of the time that it takes, or just after."""
        start = time.monotonic()
        request = self.kc.execute(code)
        wait = self.rng.random() * 1.1 * self.took.get(name, 1)
        reply, asked = self.reply(request, wait), None
        if reply is None:
            if self.rng.random() < 0.5:
                self.km.interrupt_kernel()
            else:
                os.kill(self.process.pid, signal.SIGINT)
            asked = time.monotonic()
            reply = self.reply(request, 30)
            if reply is None:
                raise AssertionError(f"{code!r} goes on 30 s after an interrupt")
            self.counts["slowest answer to an interrupt, ms"] = max(self.counts["slowest answer to an interrupt, ms"], int(1000 * (time.monotonic() - asked)))
        c = reply["content"]
        if c["status"] == "ok":
            self.counts["ended before" if asked is None else "ended at that moment"] += 1
            self.took[name] = min(time.monotonic() - start, self.took.get(name, 1e9))
            self.settle()
        elif c["ename"] == "KeyboardInterrupt" or "interrupt" in c.get("evalue", "").lower():
            self.counts["interrupted"] += 1
        else:
            raise AssertionError(f"{code!r} ends with {c['ename']}: {c['evalue']}")

    def settle(self):
        """An interrupt that came when the cell had just ended hits what runs next: a cell that nobody minds."""
        time.sleep(0.2)
        self.run("1")

    def reply(self, request, timeout):
        end = time.monotonic() + timeout
        while True:
            while True:  # nobody waits for a front end that does not read
                try:
                    self.kc.get_iopub_msg(timeout=0)
                except queue.Empty:
                    break
            left = end - time.monotonic()
            try:
                m = self.kc.get_shell_msg(timeout=max(0, min(left, 0.2)))
                if m["parent_header"].get("msg_id") == request:
                    return m
            except queue.Empty:
                if left <= 0:
                    return None

    def one(self):
        name = self.rng.choices(list(WORK), [w for w, _ in WORK.values()])[0]
        self.counts[name] += 1
        self.interrupted(name, WORK[name][1])
        status, error, out = self.run(GOES_ON)
        if status != "ok" and name == "again":
            self.counts["made anew"] += 1
            self.must(RENEW)
            status, error, out = self.run(GOES_ON)
        if status != "ok":
            raise AssertionError(f"after an interrupted {WORK[name][1]!r} a fit ends with {error}")
        if re.search(r"\bnan\b|\binf\b", out.lower()):
            raise AssertionError(f"after an interrupted {WORK[name][1]!r} a fit says {out!r}")
        if self.rng.random() < 0.3:
            self.must(self.rng.choice(READS))

    def sample(self):
        p = self.process
        n = re.search(r"\d+", self.must("runtime.GC()\nruntime.NumGoroutine()")).group()
        return p.memory_info().rss / 1e6, p.num_threads(), p.num_fds(), int(n)


def left_behind(tmp):
    return [os.path.join(d, f) for d, dirs, files in os.walk(tmp) for f in dirs + files if f.endswith((".fastnb-part", ".part")) or f.startswith(".unpack-")]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("fastnb")
    a.add_argument("--seconds", type=float, default=3600)
    a.add_argument("--rest", type=float, default=0)
    a.add_argument("--seed", type=int, default=int(time.time()))
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        os.environ.update(FASTNB_HOME=tmp, FASTNB_OFFLINE="1")
        km, kc = soak.start(os.path.abspath(a.fastnb), "tcp", tmp)
        t = Train(km, kc, random.Random(a.seed))
        samples, failure, begin = [], None, time.monotonic()
        try:
            t.must(SETUP)
            every = max(1, a.seconds / 40)
            while time.monotonic() - begin < a.seconds:
                t.one()
                if time.monotonic() - begin > every * (len(samples) + 1):
                    samples.append(t.sample())
                    print("%5.0f s: %4.0f MB, %d threads, %d files, %d goroutines; %s" % (time.monotonic() - begin, *samples[-1], json.dumps(t.counts)), flush=True)
                time.sleep(a.rest)
            t.must("learn.Destroy()")
        except Exception as e:
            failure = f"{type(e).__name__}: {e}; the kernel is {'alive' if km.is_alive() else 'dead'}"
        kids = t.process.children(recursive=True) if t.process.is_running() else []
        kc.stop_channels()
        km.shutdown_kernel()
        left = left_behind(tmp)
    print(f"train: {sum(t.counts[k] for k in WORK)} cells in {time.monotonic() - begin:.0f} s, {t.counts['interrupted']} interrupted, seed {a.seed}: {json.dumps(t.counts)}")
    # The first fifth warms up; then each half has its own highest value.
    warm = samples[len(samples) // 5:]
    first, second = warm[:len(warm) // 2], warm[len(warm) // 2:]
    grow = [max(x[i] for x in second) - max(x[i] for x in first) for i in range(4)] if first else [0] * 4
    print("the second half against the first: %+.0f MB, %+d threads, %+d files, %+d goroutines; child processes %d, files left behind %d" % (*grow, len(kids), len(left)))
    if failure:
        print("failed: " + failure)
    sys.exit(bool(failure or kids or left or grow[0] > 50 or grow[1] > 5 or grow[2] > 3 or grow[3] > 3))


if __name__ == "__main__":
    main()
