package vision

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// centreOf are the lesson's functions: a head's centre in pixels, from its pose file and a calibration.
func centreOf(cal data.Matrix) func(datasets.Path) Points {
	return func(f datasets.Path) Points {
		c := data.MustLoadMatrix(f.Replace("rgb.jpg", "pose.txt"), data.SkipHeader(3), data.OfShape(1, 3))[0]
		return Points{{Y: c[1]*cal[1][1]/c[2] + cal[1][2], X: c[0]*cal[0][0]/c[2] + cal[0][2]}}
	}
}

func headTwin(t *testing.T, items, h, w int) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir(), "biwi")
	check(t, datasets.SampleData("biwi_head_pose", dir, items, datasets.TwinSize(h, w)))
	return dir
}

// TestHeadCentre: the lesson's example frame has its centre at row 263.9104, column 428.5814.
func TestHeadCentre(t *testing.T) {
	dir := headTwin(t, 9, 480, 640)
	cal, err := data.LoadMatrix(dir.Join("01", "rgb.cal"), data.SkipFooter(6))
	check(t, err)
	f := dir.Join("09", "frame_00667_rgb.jpg")
	p := centreOf(cal)(f)
	if got := fmt.Sprintf("%.4f %.4f", p[0].Y, p[0].X); got != "263.9104 428.5814" {
		t.Error(got)
	}
	x, err := OpenImage(f)
	check(t, err)
	y, err := p.onto(x)
	check(t, err)
	// p/(size/2) - 1 in single precision.
	for k, want := range []float64{.0996266, .3393169} {
		if got := y.Tensor().Float32s()[k]; math.Abs(float64(got)-want) > 1e-6 {
			t.Errorf("label %d: %v, want %v", k, got, want)
		}
	}
}

func TestHeadPoseBunch(t *testing.T) {
	data.Seed(3)
	dir := headTwin(t, 48, 96, 128)
	cal, err := data.LoadMatrix(dir.Join("01", "rgb.cal"), data.SkipFooter(6))
	check(t, err)
	split := PointsListFromFolder(dir).SplitByValidFunc(func(f datasets.Path) bool { return f.Parent().Name() == "13" })
	tfms := GetTransforms(MaxRotate(20), MaxZoom(1.5), MaxLighting(.5), MaxWarp(.4), PAffine(1), PLighting(1))
	d, err := split.LabelFromFunc(centreOf(cal)).Transform(tfms, data.TfmY(true), data.Size(48, 64)).Normalize(ImageNetStats).DataBunch(data.BS(8))
	check(t, err)
	if d.TrainDS.Len() != 46 || d.ValidDS.Len() != 2 || d.C != 2 {
		t.Errorf("%d training, %d validation items, C %d", d.TrainDS.Len(), d.ValidDS.Len(), d.C)
	}
	for range 6 { // strong transforms throw points out; batches stay whole
		b, err := d.OneBatch()
		check(t, err)
		if got := fmt.Sprint(b.X[0].Shape(), b.Y[0].Shape()); got != "[8 3 48 64] [8 1 2]" {
			t.Fatalf("batch of %s", got)
		}
	}
	fig, err := PlotMulti(3, 3, func(int, int) (*plotting.Figure, error) {
		x, y, err := d.TrainDS.At(0)
		if err != nil {
			return nil, err
		}
		return x.Show(data.WithY(y)), nil
	}, data.FigSize(8, 6))
	check(t, err)
	if !strings.Contains(fig.String(), "9 pictures in 3 rows of 3") {
		t.Error(fig)
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"a number is missing": {"pose", "1 0 0\n0 1 0\n0 0 1\n\n187.332 40.3892\n", "1 rows of 2 numbers from line 5 on, expected 1 of 3"},
		"NaN":                 {"pose", "1 0 0\n0 1 0\n0 0 1\n\nnan 40.3892 893\n", `"nan" is not a finite number`},
		"behind the camera":   {"pose", "1 0 0\n0 1 0\n0 0 1\n\n187.332 40.3892 0\n", "is not a place"},
	} {
		f := split.Train.Items()[0]
		pose := f.Replace("rgb.jpg", "pose.txt")
		old, err := pose.ReadText()
		check(t, err)
		check(t, pose.WriteText(c.text))
		err = split.LabelFromFunc(centreOf(cal)).Err()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), f.String()) {
			t.Errorf("%s: %v", name, err)
		}
		check(t, pose.WriteText(old))
	}
	// A label outside its picture, as of exchanged rows and columns, is an error unless it is wanted.
	out := split.LabelFromFunc(func(datasets.Path) Points { return Points{{Y: 110, X: 40}} })
	err = out.Transform(GetTransforms(), data.TfmY(true), data.Size(48, 64)).Err()
	if err == nil || !strings.Contains(err.Error(), "row 110, column 40 lies outside its picture of 96x128") || !strings.Contains(err.Error(), "rgb.jpg") {
		t.Errorf("a point outside: %v", err)
	}
	check(t, out.Transform(GetTransforms(), data.TfmY(true), data.Size(48, 64), data.RemoveOut(false)).Err())
	check(t, os.Remove(split.Train.Items()[0].Replace("rgb.jpg", "pose.txt").String()))
	if err := split.LabelFromFunc(centreOf(cal)).Err(); err == nil || !strings.Contains(err.Error(), "pose.txt: there is no such file") {
		t.Errorf("no pose file: %v", err)
	}
}

// TestRealHeads: ten frames of the real set open, and their centres lie on the head: within the picture,
// moving little from one frame to the next.
func TestRealHeads(t *testing.T) {
	dir := mirrored(t, "biwi_real10")
	cal, err := data.LoadMatrix(dir.Join("01", "rgb.cal"), data.SkipFooter(6))
	check(t, err)
	if fmt.Sprint([][]float64(cal)) != "[[517.679 0 320] [0 517.679 240.5] [0 0 1]]" {
		t.Error(cal)
	}
	files, err := GetImageFiles(dir.Join("01"))
	check(t, err)
	if len(files) != 10 {
		t.Fatal(files)
	}
	var last Point
	for k, f := range files {
		x, err := OpenImage(f)
		check(t, err)
		if x.Size() != (data.Dims{H: 480, W: 640}) {
			t.Errorf("%s is %v", f, x.Size())
		}
		p := centreOf(cal)(f)[0]
		if k == 0 { // 65.0796 34.112 877.915
			if got := fmt.Sprintf("%.3f %.3f", p.Y, p.X); got != "260.615 358.375" {
				t.Errorf("the first centre is %s", got)
			}
		} else if math.Hypot(p.X-last.X, p.Y-last.Y) > 15 {
			t.Errorf("%s: the centre jumps from %v to %v", f, last, p)
		}
		last = p
	}
	centre := centreOf(cal)
	d, err := PointsListFromFolder(dir).SplitByIdx([]int{0, 1}).LabelFromFunc(centre).
		Transform(GetTransforms(), data.TfmY(true), data.Size(120, 160)).DataBunch(data.BS(4))
	check(t, err)
	_, err = d.OneBatch()
	check(t, err)
}
