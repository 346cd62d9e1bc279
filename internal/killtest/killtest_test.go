package killtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/text"
	"github.com/fastnb/go/kernel/nb"
)

// A campaign has a child that does the same work again and again, numbers each round, and writes a round's
// number behind it when the work is acknowledged; the parent kills it. KILLS says how often: 3 by default,
// 200 for the figures of docs/reliability.md.
type campaign struct {
	work func(dir string, n int) error
	// check looks at what is there after a kill, when acked rounds were acknowledged, in a process that
	// lives; it may write, as a user does who starts again.
	check func(dir string, acked int) error
}

const (
	childMode = "FASTNB_KILL_MODE"
	childDir  = "FASTNB_KILL_DIR"
	childFrom = "FASTNB_KILL_FROM"
)

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	dir := os.Getenv(childDir)
	from, _ := strconv.Atoi(os.Getenv(childFrom))
	acks, err := os.OpenFile(filepath.Join(dir, "acks"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	for n := from; err == nil; n++ {
		if err = campaigns[mode].work(dir, n); err == nil {
			_, err = fmt.Fprintln(acks, n)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

func kills() int {
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		return n
	}
	return 3
}

func TestKills(t *testing.T) {
	if os.PathSeparator == '\\' {
		t.Skip("what dead processes leave is swept after a minute there")
	}
	for mode, c := range campaigns {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("FASTNB_HOME", filepath.Join(dir, "home"))
			t.Setenv("FASTNB_MIRROR", filepath.Join(dir, "mirror"))
			t.Setenv("FASTNB_OFFLINE", "1")
			n, rounds := kills(), 0
			for kill := range n {
				acked, err := one(dir, mode, rounds)
				if err != nil {
					t.Fatalf("kill %d: %v", kill, err)
				}
				rounds = acked + 1
				if err := c.check(dir, acked); err != nil {
					t.Errorf("kill %d, %d rounds acknowledged: %v", kill, acked+1, err)
				}
				if left := leftovers(dir); len(left) > 0 {
					t.Errorf("kill %d: left behind: %q", kill, left)
				}
			}
			t.Logf("%d kills, %d rounds acknowledged", n, rounds)
		})
	}
}

// one runs the child and kills it at a random moment after it has begun; it gives the last round that was
// acknowledged.
func one(dir, mode string, from int) (acked int, err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"="+mode, childDir+"="+dir, childFrom+"="+strconv.Itoa(from))
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	start := time.Now()
	for ; last(dir) < from; time.Sleep(time.Millisecond) { // one round at least
		select {
		case <-ended:
			return 0, fmt.Errorf("the child ended by itself: %s", out.String())
		default:
		}
		if time.Since(start) > time.Minute {
			_ = cmd.Process.Kill()
			return 0, errors.New("no round came to its end")
		}
	}
	time.Sleep(time.Duration(rand.Float64() * float64(time.Since(start)))) // anywhere in the rounds after it
	if err := cmd.Process.Kill(); err != nil {
		return 0, err
	}
	<-ended
	return last(dir), nil
}

// last is the number of the round acknowledged last, or -1.
func last(dir string) int {
	b, _ := os.ReadFile(filepath.Join(dir, "acks"))
	lines := strings.Fields(string(b))
	if len(lines) == 0 {
		return -1
	}
	n, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		return -1
	}
	return n
}

// leftovers are half-written files.
func leftovers(dir string) (out []string) {
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(p, ".fastnb-part") || strings.HasPrefix(d.Name(), ".unpack-") || strings.HasSuffix(p, ".part")) {
			out = append(out, p)
		}
		return nil
	})
	return out
}

// table is n texts.
func table(n int) (*data.Table, error) {
	var texts, labels []string
	for i := range n {
		texts = append(texts, strings.Repeat(fmt.Sprintf("film number %d was good . ", i%7), 2+i%3))
		labels = append(labels, []string{"bad", "good"}[i%2])
	}
	return data.NewTable("text", texts, "label", labels)
}

func bunch(dir string, n int) (*data.DataBunch, error) {
	tab, err := table(n)
	if err != nil {
		return nil, err
	}
	return text.TextListFromTable(datasets.NewPath(dir), tab, data.Cols("text"), text.MinFreq(1)).SplitByIdx([]int{0, 1, 2, 3}).LabelForLM().DataBunch(data.BS(2), data.BPTT(30))
}

func learner(dir string) (*text.LanguageLearner, error) {
	d, err := bunch(dir, 20)
	if err != nil {
		return nil, err
	}
	c := models.LMConfig()
	c.EmbSz, c.NHid = 64, 96
	return text.LanguageModelLearner(d, models.AWDLSTM, text.Config(c), fastnb.Pretrained(false), fastnb.Silent(true))
}

var made *text.LanguageLearner // of this process

// numbered is a learner all of whose weights are n.
func numbered(dir string, n int) (*text.LanguageLearner, error) {
	if made == nil {
		l, err := learner(dir)
		if err != nil {
			return nil, err
		}
		made = l
	}
	s, err := made.StateDict()
	if err != nil {
		return nil, err
	}
	for _, x := range s {
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(n)
		}
	}
	return made, made.LoadStateDict(s, true)
}

// isNumbered checks that all weights are one number, of a round that was acknowledged last or the one after.
func isNumbered(s map[string]*fastnb.Tensor, acked int) error {
	first := float32(-1)
	for name, x := range s {
		for _, v := range x.Float32s() {
			if first < 0 {
				first = v
			}
			if v != first {
				return fmt.Errorf("%s holds %v and %v", name, v, first)
			}
		}
	}
	if n := int(first); n != acked && n != acked+1 {
		return fmt.Errorf("it is of round %d", n)
	}
	return nil
}

var campaigns = map[string]campaign{
	"save": {
		work: func(dir string, n int) error {
			l, err := numbered(dir, n)
			if err != nil {
				return err
			}
			return l.Save("m")
		},
		check: func(dir string, acked int) error {
			l, err := learner(dir)
			if err != nil {
				return err
			}
			defer l.Destroy()
			if err := l.Load("m"); err != nil {
				return err
			}
			s, err := l.StateDict()
			if err != nil {
				return err
			}
			if err := isNumbered(s, acked); err != nil {
				return err
			}
			return l.Save("again")
		},
	},
	"export": {
		work: func(dir string, n int) error {
			l, err := numbered(dir, n)
			if err != nil {
				return err
			}
			return l.Export()
		},
		check: func(dir string, acked int) error {
			l, err := fastnb.LoadLearner(datasets.NewPath(dir), fastnb.With(fastnb.Silent(true)))
			if err != nil {
				return err
			}
			defer l.Destroy()
			s, err := l.StateDict()
			if err != nil {
				return err
			}
			if err := isNumbered(s, acked); err != nil {
				return err
			}
			return l.Export("again.fastnb")
		},
	},
	"data": {
		work: func(dir string, n int) error {
			d, err := bunch(dir, 20+n%50)
			if err != nil {
				return err
			}
			return d.Save()
		},
		check: func(dir string, acked int) error {
			d, err := data.LoadData(datasets.NewPath(dir), "")
			if err != nil {
				return err
			}
			n := d.TrainDS.Len() + d.ValidDS.Len()
			if n != 20+acked%50 && n != 20+(acked+1)%50 {
				return fmt.Errorf("%d texts", n)
			}
			return d.Save("again")
		},
	},
	"fit": {
		work: func(dir string, n int) error {
			l, err := learner(dir)
			if err != nil {
				return err
			}
			defer l.Destroy()
			return l.Fit(3, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.SaveModel("best", fastnb.EveryEpoch(true)), fastnb.TrackEpoch(""), fastnb.CSVLogger("", true)))
		},
		check: func(dir string, _ int) error {
			// Started again, it goes on where it was, and comes to its end.
			l, err := learner(dir)
			if err != nil {
				return err
			}
			defer l.Destroy()
			if err := l.Fit(3, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.SaveModel("best", fastnb.EveryEpoch(true)), fastnb.TrackEpoch(""), fastnb.CSVLogger("", true))); err != nil {
				return err
			}
			for _, name := range []string{"best_0", "best_2"} {
				if err := l.Load(name); err != nil {
					return err
				}
			}
			if datasets.NewPath(dir, "models", "epoch").Exists() {
				return errors.New("the number of epochs is still there")
			}
			return nil
		},
	},
	"get data": {
		work: func(dir string, n int) error {
			if err := mirror(dir); err != nil {
				return err
			}
			p, err := datasets.GetData("flowers")
			if err != nil {
				return err
			}
			if n%2 == 1 { // every other round begins anew
				return os.RemoveAll(p.String())
			}
			return nil
		},
		check: func(dir string, _ int) error {
			p, err := datasets.GetData("flowers")
			if err != nil {
				return err
			}
			for i := range flowers {
				if s, err := p.Join("f", fmt.Sprint(i)).ReadText(); err != nil || s != petals(i) {
					// A folder half removed by the work itself is not the library's.
					if errors.Is(err, fs.ErrNotExist) {
						return os.RemoveAll(p.String())
					}
					return fmt.Errorf("file %d: %d bytes, %w", i, len(s), err)
				}
			}
			if err := os.RemoveAll(p.String()); err != nil {
				return err
			}
			_, err = datasets.GetData("flowers") // sweeps what was killed while it unpacked
			return err
		},
	},
	"nb run": {
		work: func(dir string, n int) error {
			src := filepath.Join(dir, "in.ipynb")
			cells := fmt.Sprintf(`{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "fmt.Println(\"round %d\", strings.Repeat(\"x\", 1<<20))", "execution_count": null, "outputs": []}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`, n)
			if err := nb.WriteFile(src, []byte(strings.Replace(cells, "fmt.Println", `import \"strings\"\nfmt.Println`, 1))); err != nil {
				return err
			}
			book, sum, err := nb.RunFile(context.Background(), src, nb.Options{})
			if err != nil || sum.Failed > 0 {
				return fmt.Errorf("%v %w", sum, err)
			}
			return book.Write(filepath.Join(dir, "out.ipynb"))
		},
		check: func(dir string, acked int) error {
			book, err := nb.Read(filepath.Join(dir, "out.ipynb"))
			if err != nil {
				return err
			}
			got := ""
			switch x := book.Cells[0].Outputs[0]["text"].(type) {
			case string:
				got = x
			case []any:
				for _, line := range x {
					got += fmt.Sprint(line)
				}
			}
			var n int
			if _, err := fmt.Sscanf(got, "round %d", &n); err != nil || n != acked && n != acked+1 || len(got) < 1<<20 {
				return fmt.Errorf("it holds round %d, %d bytes: %w", n, len(got), err)
			}
			return book.Write(filepath.Join(dir, "again.ipynb"))
		},
	},
}

const flowers = 300

func petals(i int) string { return strings.Repeat(fmt.Sprintf("petal %d ", i), 200) }

// mirror makes the archive that GetData takes.
func mirror(dir string) error {
	file := filepath.Join(dir, "mirror", "flowers.tgz")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := range flowers {
		body := petals(i)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("flowers/f/%d", i), Size: int64(len(body)), Mode: 0o644}); err != nil {
			return err
		}
		if _, err := w.Write([]byte(body)); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return err
	}
	return nb.WriteFile(file, b.Bytes())
}
