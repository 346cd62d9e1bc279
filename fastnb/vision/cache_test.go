package vision

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// cachedMasks are 24 pictures with masks that turn with them.
func cachedMasks(t *testing.T, dir datasets.Path, o ...data.BunchOption) *data.DataBunch {
	t.Helper()
	var classes []string
	for k := range 32 {
		classes = append(classes, strconv.Itoa(k))
	}
	data.Seed(3)
	d, err := SegmentationListFromFolder(dir.Join("images")).SplitByRandPct(.25).
		LabelFromFunc(func(p datasets.Path) datasets.Path { return dir.Join("labels", p.Stem()+"_P.png") }, data.Classes(classes...)).
		Transform(GetTransforms(FlipVert(true), MaxWarp(.2)), data.Size(24), data.TfmY(true)).DataBunch(append(o, data.BS(3), data.ValBS(3))...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCache: data that keeps opened pictures and masks gives the batches that it gives without, epoch after epoch, in
// training and validation, with room for all, for some and for none; it keeps within its budget, and what it kept
// is not read again.
func TestCache(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	if err := datasets.SampleData("camvid", dir, 24); err != nil {
		t.Fatal(err)
	}
	epochs := func(d *data.DataBunch) (all []*data.Batch) {
		for epoch := range int64(3) {
			for _, set := range []data.DSType{data.Train, data.Valid} {
				l, err := d.Loader(set)
				if err != nil {
					t.Fatal(err)
				}
				it := l.Raw().Iter(t.Context(), epoch)
				for it.Next() {
					all = append(all, it.Batch())
				}
				it.Close()
				if it.Err() != nil {
					t.Fatal(it.Err())
				}
			}
		}
		return all
	}
	plain := cachedMasks(t, dir)
	want := epochs(plain)
	if s := plain.Cached().String(); !strings.Contains(s, "try CacheMB") {
		t.Error(s)
	}
	for _, mb := range []int{0, 1, 500} {
		d := cachedMasks(t, dir, data.CacheMB(mb))
		got := epochs(d)
		if len(got) != len(want) {
			t.Fatalf("%d batches, want %d", len(got), len(want))
		}
		for k := range want {
			if !reflect.DeepEqual(got[k].X, want[k].X) || !reflect.DeepEqual(got[k].Y, want[k].Y) || !reflect.DeepEqual(got[k].Index, want[k].Index) {
				t.Fatalf("%d MB: batch %d differs", mb, k)
			}
		}
		c := d.Cached()
		t.Log(c)
		if c.Bytes > c.Budget || mb == 0 && c.Items > 0 || mb == 1 && (c.Items == 0 || c.Items == 48) || mb == 500 && (c.Items != 48 || c.Used == 0) {
			t.Errorf("%d MB: %v", mb, c)
		}
		if mb < 500 {
			continue
		}
		files, err := filepath.Glob(dir.Join("*", "*").String())
		if err != nil || len(files) < 48 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		again := epochs(d)
		if !reflect.DeepEqual(again[0].X, want[0].X) {
			t.Error("without the files")
		}
	}
	t.Setenv("FASTNB_CACHE_MB", "much")
	if _, err := ImageListFromFolder(dir).SplitNone().LabelEmpty().DataBunch(); err == nil {
		t.Error("a budget that is no number")
	}
}
