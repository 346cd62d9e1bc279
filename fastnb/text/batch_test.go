package text

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// numpy is NumPy's RandomState: MT19937 with masked rejection, as the golden files were made with.
type numpy struct {
	s  [624]uint32
	at int
}

func newNumpy(seed uint32) *numpy {
	n := &numpy{at: 624}
	n.s[0] = seed
	for i := 1; i < 624; i++ {
		n.s[i] = 1812433253*(n.s[i-1]^n.s[i-1]>>30) + uint32(i)
	}
	return n
}

func (n *numpy) next() uint32 {
	if n.at == 624 {
		for k := range n.s {
			y := n.s[k]&0x80000000 | n.s[(k+1)%624]&0x7fffffff
			n.s[k] = n.s[(k+397)%624] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		n.at = 0
	}
	y := n.s[n.at]
	n.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// perm is np.random.permutation(k).
func (n *numpy) perm(k int) []int {
	p := make([]int, k)
	for i := range p {
		p[i] = i
	}
	for i := k - 1; i > 0; i-- {
		mask := uint32(i)
		for s := 1; s < 32; s <<= 1 {
			mask |= mask >> s
		}
		j := n.next() & mask
		for j > uint32(i) {
			j = n.next() & mask
		}
		p[i], p[j] = p[j], p[i]
	}
	return p
}

func TestSamplersAsFastai(t *testing.T) {
	var g struct {
		Lengths, Lengths2 []int
		Cases             []struct {
			BS, N         int
			Seed          uint32 `json:"np_seed"`
			Lengths       string `json:"lengths_name"`
			Sortish, Sort []int
		}
	}
	golden(t, "samplers", &g)
	for _, c := range g.Cases {
		lengths := g.Lengths
		if c.Lengths != "" {
			lengths = g.Lengths2
		}
		name := fmt.Sprintf("%d texts by %d", c.N, c.BS)
		if d := cmp.Diff(c.Sortish, sortishOrder(lengths[:c.N], c.BS, newNumpy(c.Seed).perm)); d != "" {
			t.Errorf("%s: sortish (-want +got):\n%s", name, d)
		}
		if c.Sort == nil {
			continue
		}
		if d := cmp.Diff(c.Sort, sortedOrder(lengths[:c.N])); d != "" {
			t.Errorf("%s: sort (-want +got):\n%s", name, d)
		}
	}
	if got := sortishOrder(nil, 4, newNumpy(1).perm); got != nil {
		t.Error(got)
	}
}

// numbered makes items of given numbers.
func numbered(docs [][]int64) []data.Item {
	itos := make([]string, 1000)
	for k := range itos {
		itos[k] = fmt.Sprint(k)
	}
	v := data.NewVocab(itos)
	items := make([]data.Item, len(docs))
	for k, d := range docs {
		items[k] = NewText(d, v)
	}
	return items
}

// TestLanguageModelBatchesAsFastai: given the order of the texts, the batches are fastai's. The order is NumPy's here,
// since the golden's is; ours is tested by TestLanguageModelOrder.
func TestLanguageModelBatchesAsFastai(t *testing.T) {
	var g struct {
		Documents [][]int64
		Cases     []struct {
			BS, BPTT           int
			Backwards, Shuffle bool
			Seed               uint32           `json:"np_seed"`
			Batches            int              `json:"n_batches"`
			Epochs             [][][][2][]int64 // epoch, batch, row: x and y
		}
	}
	golden(t, "lm_loader", &g)
	items := numbered(g.Documents)
	for _, c := range g.Cases {
		name := fmt.Sprintf("bs %d, bptt %d, backwards %v, shuffle %v", c.BS, c.BPTT, c.Backwards, c.Shuffle)
		rng := newNumpy(c.Seed)
		order := []int{0, 1, 2, 3, 4, 5}
		for e, want := range c.Epochs {
			perm := func(n int) []int { // fastai shuffles the order of the epoch before
				was := append([]int{}, order...)
				for k, i := range rng.perm(n) {
					order[k] = was[i]
				}
				return append([]int{}, order...)
			}
			s, err := lmKind{}.Batches(items, data.Plan{BS: c.BS, BPTT: c.BPTT, Backwards: c.Backwards, Train: c.Shuffle && e > 0, Perm: perm}) // fastai's loader alone keeps the list's order at first
			if err != nil {
				t.Fatal(err)
			}
			if s.Len() != c.Batches || len(want) != c.Batches {
				t.Fatalf("%s: %d batches, want %d", name, s.Len(), c.Batches)
			}
			for i := range want {
				b, err := s.Batch(i)
				if err != nil {
					t.Fatal(err)
				}
				for j := range c.BS {
					if d := cmp.Diff(want[i][j][0], b.X[0].At(j).Int64s()); d != "" {
						t.Fatalf("%s: epoch %d, batch %d, row %d: x (-want +got):\n%s", name, e, i, j, d)
					}
					if d := cmp.Diff(want[i][j][1], b.Y[0].At(j).Int64s()); d != "" {
						t.Fatalf("%s: epoch %d, batch %d, row %d: y (-want +got):\n%s", name, e, i, j, d)
					}
				}
			}
		}
	}
}

// TestLanguageModelOrder: the loader reads all texts of an epoch in a random order of its own, and what it makes of
// them are the batches of that order, which TestLanguageModelBatchesAsFastai compares with fastai's.
func TestLanguageModelOrder(t *testing.T) {
	data.Seed(3)
	const texts = 12
	tab := "text,is_valid\n"
	for k := range texts {
		tab += fmt.Sprintf("name%d %s,False\n", k, strings.Repeat("and so on ", 1+k%5))
	}
	for _, backwards := range []bool{false, true} {
		dir := datasets.NewPath(t.TempDir())
		if err := os.WriteFile(dir.Join("texts.csv").String(), []byte(tab+"and so on,True\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := TextListFromCSV(dir, "texts.csv", data.Cols("text"), MinFreq(1)).SplitFromTable("is_valid").LabelForLM().
			DataBunch(data.BS(2), data.BPTT(7), data.Backwards(backwards))
		if err != nil {
			t.Fatal(err)
		}
		loader, err := d.TrainLoader()
		if err != nil {
			t.Fatal(err)
		}
		items, of := make([]data.Item, texts), map[int64]int{} // a text by the token that it alone has
		uses := map[int64]int{}
		for i := range items {
			items[i], _, _ = d.TrainDS.At(i)
			for _, id := range items[i].(*Text).Data() {
				uses[id]++
			}
		}
		for i, x := range items {
			for _, id := range x.(*Text).Data() {
				if uses[id] == 1 {
					of[id] = i
				}
			}
		}
		if len(of) != texts {
			t.Fatalf("%d texts have a word of their own", len(of))
		}
		orders := map[string]bool{}
		for epoch := range int64(5) {
			var got []*data.Batch
			it := loader.Iter(context.Background(), epoch)
			for it.Next() {
				got = append(got, it.Batch())
			}
			if err := it.Err(); err != nil {
				t.Fatal(err)
			}
			it.Close()
			var order []int
			for _, row := range []int{0, 1} { // the two halves of the circle
				for _, b := range got {
					for _, id := range b.X[0].At(row).Int64s() {
						if i, ok := of[id]; ok && !slices.Contains(order, i) {
							order = append(order, i)
						}
					}
				}
			}
			if len(order) != texts {
				t.Fatalf("epoch %d reads %d of %d texts: %v", epoch, len(order), texts, order)
			}
			orders[fmt.Sprint(order)] = true
			given := slices.Clone(order)
			if backwards { // it is the circle's, which is read from its end
				slices.Reverse(given)
			}
			want, err := lmKind{}.Batches(items, data.Plan{BS: 2, BPTT: 7, Train: true, Backwards: backwards, Perm: func(int) []int { return given }})
			if err != nil {
				t.Fatal(err)
			}
			if want.Len() != len(got) {
				t.Fatalf("%d batches, want %d", len(got), want.Len())
			}
			for i, b := range got {
				w, err := want.Batch(i)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff([][]int64{w.X[0].Int64s(), w.Y[0].Int64s()}, [][]int64{b.X[0].Int64s(), b.Y[0].Int64s()}); d != "" {
					t.Fatalf("backwards %v, epoch %d, batch %d (-want +got):\n%s", backwards, epoch, i, d)
				}
			}
		}
		if len(orders) != 5 {
			t.Errorf("five epochs have %d orders", len(orders))
		}
	}
}

func TestPadCollateAsFastai(t *testing.T) {
	var g struct {
		Samples [][2]any
		Cases   []struct {
			PadFirst  bool `json:"pad_first"`
			Backwards bool
			X         [][]int64
		}
	}
	golden(t, "pad_collate", &g)
	var docs [][]int64
	for _, s := range g.Samples {
		var ids []int64
		for _, id := range s[0].([]any) {
			ids = append(ids, int64(id.(float64)))
		}
		docs = append(docs, ids)
	}
	for _, c := range g.Cases {
		x, err := collate(numbered(docs), c.PadFirst, c.Backwards)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range c.X {
			if d := cmp.Diff(want, x[0].At(k).Int64s()); d != "" {
				t.Errorf("pad first %v, backwards %v, row %d (-want +got):\n%s", c.PadFirst, c.Backwards, k, d)
			}
		}
	}
}
