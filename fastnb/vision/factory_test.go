package vision

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// twoKinds is a folder with train/, valid/ and test/ of small pictures of two kinds, and labels.csv.
func twoKinds(t *testing.T) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir())
	if err := datasets.SampleData("mnist_tiny", dir.Join("d"), 40); err != nil {
		t.Fatal(err)
	}
	return dir.Join("d")
}

// Each factory gives what its chain gives: the same items, labels and batches.
func TestImageFactoriesAreTheirChains(t *testing.T) {
	path := twoKinds(t)
	tfms := GetTransforms(DoFlip(false))
	fnames, err := GetImageFiles(path.Join("train"), data.Recurse(true))
	if err != nil {
		t.Fatal(err)
	}
	label := func(p datasets.Path) string { return p.Parent().Name() }
	labels := []string{}
	for _, f := range fnames {
		labels = append(labels, label(f))
	}
	seed, bs, size := data.SplitSeed(5), data.BS(4), data.Size(20)
	chain := func(l *data.LabelLists) *data.DataBunch {
		t.Helper()
		d, err := l.Transform(tfms, size).Normalize(ImageNetStats).DataBunch(bs)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	names := ImageList(path, fnames...).SplitByRandPct(.3, seed)
	for name, c := range map[string]struct {
		got  func() (*data.DataBunch, error)
		want *data.DataBunch
	}{
		"folder": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromFolder(path, data.TestName("test"), data.DSTfms(tfms), size, bs)
			},
			chain(ImageListFromFolder(path).SplitByFolder("train", "valid").LabelFromFolder().AddTestFolder("test")),
		},
		"folder, split at random": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromFolder(path.Join("train"), data.ValidPct(.3), seed, data.DSTfms(tfms), size, bs)
			},
			chain(ImageListFromFolder(path.Join("train")).SplitByRandPct(.3, seed).LabelFromFolder()),
		},
		"csv": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromCSV(path, data.ValidPct(.3), seed, data.DSTfms(tfms), size, bs)
			},
			chain(ImageListFromCSV(path, "labels.csv").SplitByRandPct(.3, seed).LabelFromTable(data.LabelCols(1))),
		},
		"name func": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromNameFunc(path, fnames, label, data.ValidPct(.3), seed, data.DSTfms(tfms), size, bs)
			},
			chain(names.LabelFromFunc(label)),
		},
		"name re": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromNameRe(path, fnames, `/(\d)/[^/]+$`, data.ValidPct(.3), seed, data.DSTfms(tfms), size, bs)
			},
			chain(names.LabelFromRe(`/(\d)/[^/]+$`, data.FullPath(true))),
		},
		"lists": {
			func() (*data.DataBunch, error) {
				return ImageDataBunchFromLists(path, fnames, labels, data.ValidPct(.3), seed, data.DSTfms(tfms), size, bs)
			},
			chain(names.LabelFromFunc(label)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := c.got()
			if err != nil {
				t.Fatal(err)
			}
			if d, err = d.Normalize(ImageNetStats); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Normalize(ImageNetStats); err == nil {
				t.Error("normalised twice without an error")
			}
			if !slices.Equal(d.Classes, c.want.Classes) || d.HasTest() != c.want.HasTest() {
				t.Errorf("classes %v, want %v; test items %v", d.Classes, c.want.Classes, d.HasTest())
			}
			data.Seed(3)
			got, err := d.OneBatch(data.On(data.Valid))
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.want.OneBatch(data.On(data.Valid))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.X[0].Float32s(), want.X[0].Float32s()) || !slices.Equal(got.Y[0].Int64s(), want.Y[0].Int64s()) {
				t.Error("the batches differ")
			}
		})
	}
}

func TestImageFactoryErrors(t *testing.T) {
	path := twoKinds(t)
	fnames, err := GetImageFiles(path.Join("train"), data.Recurse(true))
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func() (*data.DataBunch, error){
		"no group":             func() (*data.DataBunch, error) { return ImageDataBunchFromNameRe(path, fnames, `\d`) },
		"missing closing )":    func() (*data.DataBunch, error) { return ImageDataBunchFromNameRe(path, fnames, `(`) },
		"2 pictures, 1 labels": func() (*data.DataBunch, error) { return ImageDataBunchFromLists(path, fnames[:2], []string{"a"}) },
		"has two labels": func() (*data.DataBunch, error) {
			return ImageDataBunchFromLists(path, append(fnames[:1:1], fnames[0]), []string{"a", "b"})
		},
		"no such file":        func() (*data.DataBunch, error) { return ImageDataBunchFromCSV(path, data.CSVLabels("none.csv")) },
		"no item lies in":     func() (*data.DataBunch, error) { return ImageDataBunchFromFolder(path, data.ValidFolder("none")) },
		"transform: size 0x0": func() (*data.DataBunch, error) { return ImageDataBunchFromFolder(path, data.Size(0)) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestVerifyImages(t *testing.T) {
	path := twoKinds(t).Join("train", "3")
	bad, wide := path.Join("bad.png"), path.Join("wide.png")
	if err := os.WriteFile(bad.String(), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	check(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 90, 30))))
	check(t, os.WriteFile(wide.String(), b.Bytes(), 0o644))
	broken, err := VerifyImages(path)
	if err != nil || len(broken) != 1 || broken[0].Name() != "bad.png" || !bad.Exists() {
		t.Fatal(broken, err)
	}
	if x, err := OpenImage(wide); err != nil || x.Size() != (data.Dims{H: 30, W: 90}) {
		t.Fatal("made smaller unasked", err)
	}
	if broken, err = VerifyImages(path, DeleteBroken(true), MaxSize(45)); err != nil || len(broken) != 1 || bad.Exists() {
		t.Fatal(broken, err)
	}
	if x, err := OpenImage(wide); err != nil || x.Size() != (data.Dims{H: 15, W: 45}) {
		t.Fatal("not made smaller", err)
	}
	if left, _ := filepath.Glob(path.Join(".*").String()); len(left) > 0 {
		t.Error("left:", left)
	}
	if _, err := VerifyImages(path.Join("none")); err == nil {
		t.Error("a folder that is not there")
	}
}
