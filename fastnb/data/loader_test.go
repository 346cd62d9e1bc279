package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
)

// bunch makes a DataBunch of n numbers, every fifth for validation.
func bunch(t testing.TB, n int, opts ...BunchOption) *DataBunch {
	t.Helper()
	d, err := labelled(rowKind{}, numbers(n)).Transform(noise{10}).Normalize(Stats{[]float32{1, 2}, []float32{2, 4}}).DataBunch(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func labelled(k Kind, refs []string) *LabelLists {
	fifth := func(p datasets.Path) bool {
		return strings.HasSuffix(p.Name(), "0") || strings.HasSuffix(p.Name(), "5")
	}
	return NewItemList(k, datasets.NewPath("p"), refs).SplitByValidFunc(fifth).LabelFromFunc(parity)
}

// epoch gives all batches of an epoch as text.
func epoch(t testing.TB, d *DataBunch, ds DSType, n int64) []string {
	t.Helper()
	l, err := d.Loader(ds)
	if err != nil {
		t.Fatal(err)
	}
	it := l.Iter(context.Background(), n)
	defer it.Close()
	var s []string
	for it.Next() {
		b := it.Batch()
		s = append(s, fmt.Sprint(b.N, b.Index, b.X[0].Shape(), b.X[0].Float32s(), b.Y[0].Shape(), b.Y[0].Int64s()))
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return s
}

func TestBatchesDoNotDependOnWorkers(t *testing.T) {
	var want []string
	for _, workers := range []int{1, 2, 4, 13} {
		Seed(3)
		d, err := labelled(rowKind{delay: true}, numbers(60)).Transform(noise{10}).DataBunch(BS(7), Workers(workers))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for n := range int64(3) {
			got = append(got, epoch(t, d, Train, n)...)
		}
		if len(got) != 3*6 {
			t.Fatalf("%d batches of 7 of 48 items in 3 epochs", len(got))
		}
		if got[0] == got[6] {
			t.Error("two epochs are the same")
		}
		if want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%d workers: %s", workers, d)
		}
	}
	Seed(4)
	if epoch(t, bunch(t, 60, BS(7)), Train, 0)[0] == want[0] {
		t.Error("another seed gives the same batch")
	}
}

func TestLookingDoesNotChangeTraining(t *testing.T) {
	Seed(3)
	d := bunch(t, 20, BS(4))
	want := epoch(t, d, Train, 5)
	Seed(3)
	one, err := d.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	two, err := d.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(one.Index, two.Index) {
		t.Error("two looks show the same items")
	}
	if _, err := d.ShowBatch(); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(want, epoch(t, d, Train, 5)); d != "" {
		t.Error(d)
	}
}

func TestLoaders(t *testing.T) {
	d := bunch(t, 30, BS(7), ValBS(4))
	if err := d.AddTest(rows(9)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ds      DSType
		batches int
		first   []int // nil: shuffled
		last    int   // items in the last batch
	}{
		{Train, 3, nil, 7}, {Valid, 2, []int{0, 1, 2, 3}, 2}, {Fix, 6, []int{0, 1, 2, 3}, 4}, {Single, 6, []int{0}, 1}, {Test, 3, []int{0, 1, 2, 3}, 1},
	} {
		l, err := d.Loader(c.ds)
		if err != nil {
			t.Fatal(err)
		}
		var bs []*Batch
		if err := d.Batches(context.Background(), c.ds, func(b *Batch) error { bs = append(bs, b); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(bs) != c.batches || l.Len() != c.batches || bs[len(bs)-1].N != c.last {
			t.Errorf("%s: %d batches (Len %d), the last of %d", c.ds, len(bs), l.Len(), bs[len(bs)-1].N)
		}
		if c.first != nil && !cmp.Equal(bs[0].Index, c.first) {
			t.Errorf("%s: first batch has %v", c.ds, bs[0].Index)
		}
	}
	// Items 1, 2, 3, 4, 6, … train: item 3 is the number 4; channels are (x-1)/2 and (x-2)/4.
	l, _ := d.Loader(Fix)
	it := l.Iter(context.Background(), 0)
	defer it.Close()
	it.Next()
	b := it.Batch()
	if d := cmp.Diff([]float32{1.5, 1.5, 1.5, 1.5, .5, .5, .5, .5}, b.X[0].At(3).Float32s()); d != "" {
		t.Error(d)
	}
	raw, err := d.DenormalizeX(b.X[0])
	if err != nil || raw.At(3).Float32s()[5] != 4 {
		t.Error(raw, err)
	}
	if d := cmp.Diff([]int64{1, 0, 1, 0}, b.Y[0].Int64s()); d != "" {
		t.Error(d)
	}
}

func TestBrokenItems(t *testing.T) {
	refs := numbers(20)
	refs[3], refs[7] = "broken3", "panic7"
	l := labelled(rowKind{}, refs)
	d, err := l.DataBunch(BS(4))
	if err != nil {
		t.Fatal(err)
	}
	err = d.Batches(context.Background(), Fix, func(*Batch) error { return nil })
	wantErr(t, err, "broken3", "unexpected EOF", "SkipBroken")
	var item *ItemError
	if !errors.As(err, &item) || item.Index != 2 {
		t.Errorf("%#v", err)
	}
	_, _, err = d.FixDS.At(5)
	wantErr(t, err, "panic7", "index out of range")

	if d, err = l.DataBunch(BS(4), SkipBroken(true)); err != nil {
		t.Fatal(err)
	}
	var index []int
	for range 2 {
		index = nil
		if err := d.Batches(context.Background(), Fix, func(b *Batch) error { index = append(index, b.Index...); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]int{0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, index); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"broken3", "panic7"}, d.Skipped()); d != "" {
		t.Error(d)
	}
	for k := range refs {
		refs[k] = "broken" + refs[k]
	}
	if d, err = labelled(rowKind{}, refs).DataBunch(BS(4), SkipBroken(true)); err != nil {
		t.Fatal(err)
	}
	_, err = d.OneBatch()
	wantErr(t, err, "no item of the batch could be opened")
}

func TestInterruptAndLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	d, err := labelled(rowKind{delay: true}, numbers(4000)).DataBunch(BS(4), Workers(8))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err = d.Batches(ctx, Train, func(*Batch) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, cell.ErrInterrupted) || n > 4 {
		t.Errorf("%v after %d batches", err, n)
	}
	// Left early, without an interrupt.
	l, _ := d.TrainLoader()
	it := l.Iter(context.Background(), 0)
	it.Next()
	it.Close()
	it.Close()
	if it.Next() {
		t.Error("Next after Close")
	}
	// Memory is bounded: nobody takes batches, so the workers stop after a few.
	it = l.Iter(context.Background(), 0)
	time.Sleep(50 * time.Millisecond)
	it.mu.Lock()
	begun := len(it.work)
	it.mu.Unlock()
	if begun > ahead+1 {
		t.Errorf("%d batches are under way", begun)
	}
	it.Close()
	for k := 0; runtime.NumGoroutine() > before; k++ {
		if time.Sleep(time.Millisecond); k > 20000 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestShapesMustAgree(t *testing.T) {
	// Targets of different lengths can only come from a kind of our own.
	if _, err := Stack([]Item{Float{[]float32{1}}, Float{[]float32{1, 2}}}); err == nil || !strings.Contains(err.Error(), "item 1 of the batch is float32 [2], the first float32 [1]") {
		t.Error(err)
	}
}

func TestBunchErrors(t *testing.T) {
	l := labelled(rowKind{}, numbers(20))
	many := func(o ...BunchOption) error { _, err := l.DataBunch(o...); return err }
	wantErr(t, many(), "batch size 64", "16 training items", "BS(16)")
	wantErr(t, many(BS(0)), "positive")
	wantErr(t, many(BS(4), Workers(-1)), "positive")
	wantErr(t, l.Normalize(Stats{[]float32{1}, []float32{1}}).Normalize().Err(), "normalised already")
	wantErr(t, l.Normalize(Stats{[]float32{1}, nil}).Err(), "1 means, 0 standard")
	wantErr(t, l.Normalize(Stats{[]float32{1}, []float32{0}}).Err(), "not positive")
	wantErr(t, l.Transform(noise{}, Size(1, 2, 3)).Err(), "Size takes one number or height and width")
	wantErr(t, l.Transform(noise{}, Size(0)).Err(), "not positive")
	wantErr(t, l.Transform(noise{}, Size(200)).Err(), "transform: 1: too high")
	wantErr(t, l.AddTest(nil).Err(), "no list")
	wantErr(t, l.AddTest(NewItemList(fileKind{}, datasets.NewPath("."), []string{"x"})).Err(), "list of file for data of row")
	d, err := l.Normalize(Stats{[]float32{1}, []float32{1}}).DataBunch(BS(4))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.OneBatch()
	wantErr(t, err, "2 channels, statistics of 1")
	_, err = d.Loader(Test)
	wantErr(t, err, "no test items", "AddTest")
	_, _, err = d.TrainDS.At(16)
	wantErr(t, err, "item 16 of 16")
}

func TestSizesAreTheBunchsOwn(t *testing.T) {
	src := labelled(rowKind{}, numbers(20))
	small, err := src.Transform(noise{}, Size(12)).DataBunch(BS(4))
	if err != nil {
		t.Fatal(err)
	}
	big, err := src.Transform(noise{}, Size(20, 31), Mult(8)).DataBunch(BS(4))
	if err != nil {
		t.Fatal(err)
	}
	a, b := small.pipe.args, big.pipe.args
	if a.Height != 12 || a.Method != ResizeCrop || b.Height != 24 || b.Width != 32 || b.Method != ResizeSquish {
		t.Errorf("%+v %+v", a, b)
	}
}

func TestDescription(t *testing.T) {
	d := bunch(t, 30, BS(7), ValBS(4))
	want := "DataBunch\nitems: row → category\ntrain: 24 items, 3 batches of 7\nvalid: 6 items, 2 batches of 4\nclasses: 2: even, odd\npath: p"
	if d := cmp.Diff(want, d.String()); d != "" {
		t.Error(d)
	}
	if h := d.Render().Data["text/html"].(string); !strings.Contains(h, ">24 items, 3 batches of 7</td>") {
		t.Error(h)
	}
}

func TestNormalizeByABatch(t *testing.T) {
	d, err := labelled(rowKind{}, numbers(20)).Normalize().DataBunch(BS(16))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := measure(b.X[0]); err != nil || m.Mean[0] > 1e-6 || m.Std[1] < .999 || m.Std[1] > 1.001 {
		t.Error(m, err)
	}
}

func TestShowBatch(t *testing.T) {
	d := bunch(t, 30, BS(8))
	f, err := d.ShowBatch(Rows(2), On(Valid), FigSize(3, 3))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("2 rows: 0=even 5=odd 10=even 15=odd", f.String()); d != "" {
		t.Error(d)
	}
	f, err = d.ShowBatch() // 25 items are asked for, the batch has 8
	if err != nil || strings.Count(f.String(), "=") != 8 {
		t.Error(f, err)
	}
	_, err = d.ShowBatch(On(Test))
	wantErr(t, err, "no test items")
}

func TestStateRoundTrip(t *testing.T) {
	l := NewItemList(rowKind{}, datasets.NewPath("p"), numbers(20)).SplitByIdx([]int{0}).
		LabelFromFunc(func(p datasets.Path) []string { return []string{parity(p), "n"} })
	d, err := l.Transform(noise{10}, Size(8, 9), PaddingMode(PadZeros)).Normalize(Stats{[]float32{1, 2}, []float32{2, 4}}).DataBunch(BS(4))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	b, err := jsonRoundTrip(s)
	if err != nil {
		t.Fatal(err)
	}
	e, err := LoadState(b, datasets.NewPath("q"))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddTest(rows(3)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"even", "n", "odd"}, e.Classes); d != "" || e.C != 3 || e.Loss.Name != lossName(l) || e.HasValid() {
		t.Error(d, e)
	}
	if e.pipe.aug != (noise{10}) || e.pipe.args.Width != 9 || e.pipe.args.Padding != PadZeros {
		t.Errorf("%+v", e.pipe)
	}
	batch, err := e.OneBatch(On(Test))
	if err != nil {
		t.Fatal(err)
	}
	one, err := e.OneItem(&blob{v: [8]float32{2, 2, 2, 2, 2, 2, 2, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(batch.X[0].At(2).Float32s(), one.X[0].At(0).Float32s()); d != "" || batch.Y[0].Len() != 3 {
		t.Error(d)
	}
	if _, err := e.TrainLoader(); err == nil {
		t.Error("no training items, but a loader")
	}
	b.Kind.Name = "sound"
	_, err = LoadState(b, datasets.NewPath("q"))
	wantErr(t, err, `"sound"`)
}

func TestMain(m *testing.M) {
	Seed(1)
	os.Exit(m.Run())
}

// Ready says whether Next would wait.
func TestReady(t *testing.T) {
	d := bunch(t, 30, BS(7), Workers(2))
	l, err := d.Loader(Train)
	if err != nil {
		t.Fatal(err)
	}
	it := l.Iter(context.Background(), 1)
	defer it.Close()
	for n := range l.Len() {
		for deadline := time.Now().Add(time.Minute); !it.Ready(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("batch ", n, " is never ready")
			}
		}
		if !it.Next() {
			t.Fatal(n, it.Err())
		}
	}
	if !it.Ready() || it.Next() || it.Err() != nil {
		t.Error("its end is not at hand: ", it.Err())
	}
}
