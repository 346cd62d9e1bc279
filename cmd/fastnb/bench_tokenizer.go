package main

import (
	"runtime"
	"time"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/text"
)

// tokenizerTask is the same work as bench/fastai_tokenizer.py: the tokens of the texts of texts.csv, all
// rules included, by a new tokenizer in each epoch. workers are the cores it may use.
var tokenizerTask = benchTask{
	name: "tokenizer", short: "Tokens of film reviews; nothing is trained",
	defaults: benchOptions{epochs: 5},
	run: func(b *bench) error {
		path, err := b.path("imdb_sample")
		if err != nil {
			return err
		}
		t, err := data.ReadCSV(path.Join("texts.csv"))
		if err != nil {
			return err
		}
		texts, err := t.Col("text")
		if err != nil {
			return err
		}
		if b.items > 0 && b.items < len(texts) {
			texts = texts[:b.items]
		}
		runtime.GOMAXPROCS(b.workers)
		for e := range b.epochs {
			start, cpu, n := time.Now(), usedCPU(), 0
			all, err := text.NewTokenizer().ProcessAll(texts)
			if err != nil {
				return err
			}
			for _, t := range all {
				n += len(t)
			}
			s := time.Since(start).Seconds()
			row := map[string]any{"epoch": e, "seconds": s, "cpu_seconds": usedCPU() - cpu, "tokens": n, "tokens_per_second": float64(n) / s}
			if err := b.line(row); err != nil {
				return err
			}
		}
		return nil
	},
}
