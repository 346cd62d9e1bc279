package data

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type rngGolden struct {
	Split []struct {
		N, Seed                   int
		Permutation, Valid, Train []int
	} `json:"split_by_rand_pct"`
	Planet struct {
		N, Seed  int
		NValid   int `json:"n_valid"`
		First20  []int
		Last5    []int
		SumValid int `json:"sum_valid"`
	}
	Numpy []struct {
		Seed   int
		Uint32 []uint32
		Random []float64 `json:"random_sample"`
	} `json:"numpy_randomstate"`
}

func readRNG(t *testing.T) rngGolden {
	t.Helper()
	b, err := os.ReadFile("testdata/rng.json")
	if err != nil {
		t.Fatal(err)
	}
	var g rngGolden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNumpyGenerator(t *testing.T) {
	for _, g := range readRNG(t).Numpy {
		m := newMT19937(uint32(g.Seed))
		for k, want := range g.Uint32 {
			if got := m.uint32(); got != want {
				t.Fatalf("seed %d: number %d is %d, want %d", g.Seed, k, got, want)
			}
		}
		m = newMT19937(uint32(g.Seed))
		for k, want := range g.Random {
			if got := m.float64(); math.Abs(got-want) > 1e-15 {
				t.Fatalf("seed %d: double %d is %v, want %v", g.Seed, k, got, want)
			}
		}
	}
}

func TestSplitByRandPctIsFastais(t *testing.T) {
	for _, g := range readRNG(t).Split {
		perm := newMT19937(uint32(g.Seed)).permutation(g.N)[:len(g.Permutation)]
		if d := cmp.Diff(g.Permutation, perm); d != "" {
			t.Fatalf("permutation of %d, seed %d: %s", g.N, g.Seed, d)
		}
		for _, global := range []bool{true, false} {
			var s *SplitList
			if global {
				Seed(g.Seed)
				s = rows(g.N).SplitByRandPct(0.2)
			} else {
				s = rows(g.N).SplitByRandPct(0.2, SplitSeed(g.Seed))
			}
			if s.Err() != nil {
				t.Fatal(s.Err())
			}
			valid, train := refNumbers(t, s.Valid), refNumbers(t, s.Train)
			if d := cmp.Diff(g.Valid, valid[:len(g.Valid)]); d != "" {
				t.Errorf("valid items of %d, seed %d: %s", g.N, g.Seed, d)
			}
			if d := cmp.Diff(append([]int{}, g.Train...), train[:len(g.Train)]); d != "" {
				t.Errorf("train items of %d, seed %d: %s", g.N, g.Seed, d)
			}
		}
	}
}

func refNumbers(t *testing.T, l *ItemList) []int {
	t.Helper()
	ns := make([]int, l.Len())
	for k := range ns {
		if err := json.Unmarshal([]byte(l.Ref(k)), &ns[k]); err != nil {
			t.Fatal(err)
		}
	}
	return ns
}

// The figures of the planet lesson, from a run of fastai.
func TestPlanetSplit(t *testing.T) {
	g := readRNG(t).Planet
	Seed(g.Seed)
	s := rows(g.N).SplitByRandPct(0.2)
	valid, train := refNumbers(t, s.Valid), refNumbers(t, s.Train)
	if len(valid) != g.NValid || len(valid) != 8095 || len(train) != 32384 {
		t.Fatalf("%d valid, %d train", len(valid), len(train))
	}
	if d := cmp.Diff(g.First20, valid[:20]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{13041, 22865, 25088}, valid[len(valid)-3:]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(g.Last5, newMT19937(uint32(g.Seed)).permutation(g.N)[g.N-5:]); d != "" {
		t.Error("end of the permutation:", d)
	}
	sum := 0
	for _, v := range valid {
		sum += v
	}
	if sum != g.SumValid || sum != 163567548 {
		t.Errorf("sum %d", sum)
	}
	if d := cmp.Diff([]int{0, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15}, train[:12]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{40476, 40477, 40478}, train[len(train)-3:]); d != "" {
		t.Error(d)
	}
}

func TestSeedTellsOthers(t *testing.T) {
	var got []uint64
	OnSeed(func(n uint64) { got = append(got, n) })
	Seed(7)
	if len(got) != 2 || got[1] != 7 || CurrentSeed() != 7 {
		t.Errorf("told %v, seed is %d", got, CurrentSeed())
	}
	a, b := stream(1, 2, 3).Uint64(), stream(1, 3, 2).Uint64()
	if a == b || a != stream(1, 2, 3).Uint64() {
		t.Error("streams must repeat and differ")
	}
}
