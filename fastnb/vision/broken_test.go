package vision

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
)

// TestBrokenKeepTheirRows: with SkipBroken each row of predictions is that of its item, in every set that is
// predicted; broken ones have NaN, and count nowhere.
func TestBrokenKeepTheirRows(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := tiles(t, 20)
	data.Seed(1)
	var valid []int
	for i := range 10 {
		valid = append(valid, i)
	}
	list := ImageListFromCSV(dir, "tags.csv", data.Folder("tiles"), data.Suffix(".png"))
	// The first of a batch, one in the middle, a whole last batch of validation; a training item.
	for _, i := range []int{0, 5, 8, 9, 13} {
		check(t, os.WriteFile(list.Ref(i), []byte("no picture"), 0o666))
	}
	d, err := list.SplitByIdx(valid).LabelFromTable(data.LabelDelim(" ")).Transform(nil, data.Size(16)).
		AddTest(ImageListFromFolder(dir.Join("tiles"))).DataBunch(data.BS(4), data.ValBS(4), data.SkipBroken(true))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true), fastnb.Metrics(fastnb.AccuracyThresh()))
	check(t, err)
	aligned := func(set data.DSType, preds, targs *fastnb.Tensor, items []datasets.Path) {
		t.Helper()
		if preds.Shape()[0] != len(items) || targs.Shape()[0] != len(items) {
			t.Fatalf("%s: predictions %v, targets %v of %d items", set, preds.Shape(), targs.Shape(), len(items))
		}
		for i, f := range items {
			broken := slices.Contains([]string{"t_0", "t_5", "t_8", "t_9", "t_13"}, f.Stem())
			row := preds.At(i).Float64s()
			if broken {
				if !math.IsNaN(row[0]) || !math.IsNaN(row[2]) {
					t.Errorf("%s: the broken %s has %v", set, f.Name(), row)
				}
			} else {
				p, err := learn.Predict(f)
				check(t, err)
				for k := range row {
					if math.Abs(row[k]-p.Probs[k]) > 1e-4 {
						t.Errorf("%s: row %d is %v, %s is predicted as %v", set, i, row, f.Name(), p.Probs)
					}
				}
			}
			if set == data.Test {
				continue
			}
			y, err := d.Dataset(set).Y(i)
			check(t, err)
			if got, want := targs.At(i).Float64s(), y.Tensor().Float64s(); !slices.Equal(got, want) {
				t.Errorf("%s: the target of row %d is %v, want %v", set, i, got, want)
			}
		}
	}
	for _, set := range []data.DSType{data.Valid, data.Test, data.Fix, data.Train} {
		preds, targs, err := learn.GetPreds(data.On(set))
		check(t, err)
		aligned(set, preds, targs, d.Dataset(set).Items())
	}
	preds, targs, err := learn.GetPreds(fastnb.NBatch(2))
	check(t, err)
	aligned(data.Valid, preds, targs, d.ValidDS.Items()[:8])

	v, err := learn.Validate()
	check(t, err)
	if math.IsNaN(v[0]) || math.IsNaN(v[1]) {
		t.Errorf("validation gives %v", v)
	}
	in, err := learn.Interpret()
	check(t, err)
	losses, items := in.TopLosses(0)
	if len(items) != 6 || slices.ContainsFunc(items, func(i int) bool { return i == 0 || i == 5 || i >= 8 }) {
		t.Errorf("top losses %v of items %v", losses, items)
	}
	_, err = in.PlotTopLosses(9)
	check(t, err)
	_, err = learn.ShowResults(data.Rows(2))
	check(t, err)
	if got := len(d.Skipped()); got < 5 {
		t.Errorf("%d items are named as skipped", got)
	}
	// Nothing is left of a set.
	for _, i := range valid {
		check(t, os.WriteFile(list.Ref(i), nil, 0o666))
	}
	if _, err := learn.Validate(); err == nil {
		t.Error("a validation of nothing has figures")
	}
	if _, _, err := learn.GetPreds(); err == nil {
		t.Error("predictions of nothing")
	}
}

// TestBrokenMasksKeepTheirPlaces: so do the items that an interpretation of masks counts.
func TestBrokenMasksKeepTheirPlaces(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d, err := SegmentationListFromFolder(scenes(t, 6).Join("images")).SplitByIdx([]int{0, 1, 2}).LabelFromFunc(maskOf, data.Classes("ground", "square")).
		Transform(nil, data.Size(32), data.TfmY(true)).DataBunch(data.BS(2), data.SkipBroken(true))
	check(t, err)
	check(t, os.WriteFile(d.ValidDS.List().Ref(1), []byte("no picture"), 0o666))
	learn, err := UnetLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true))
	check(t, err)
	s, err := fastnb.SegmentationInterpretationFromLearner(learn)
	check(t, err)
	if len(s.Losses) != d.ValidDS.Len() || !math.IsNaN(s.Losses[1]) || s.Counts[1] != nil {
		t.Fatalf("losses %v", s.Losses)
	}
	losses, items := s.TopLosses(0)
	if len(items) != d.ValidDS.Len()-1 || slices.Contains(items, 1) {
		t.Errorf("%v of items %v", losses, items)
	}
	_, err = s.Confusion()
	check(t, err)
}
