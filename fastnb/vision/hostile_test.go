package vision

import (
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/internal/exporttest"
)

// Whatever the description in an export of a network for pictures says, there is a learner or an error.
func TestHostileExports(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := tiles(t, 8)
	d, err := source(dir).Transform(GetTransforms(), data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(4))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), Cut(5), fastnb.LinFtrs(8), fastnb.Silent(true))
	check(t, err)
	check(t, learn.Export())
	img, err := OpenImage(dir.Join("tiles", "t_1.png"))
	check(t, err)
	huge := []any{-1.0, 1e9, 1e12}
	exporttest.Sweep(t, dir.Join("export.fastnb").String(), func(path string) error {
		l, err := fastnb.LoadLearner(datasets.NewPath(path), fastnb.With(fastnb.Silent(true)))
		if err != nil {
			return err
		}
		defer l.Destroy()
		_, err = l.Predict(img)
		return err
	}, map[string][]any{
		"/version": {999.0, 0.0}, "/export/data/args/height": huge, "/export/data/args/width": huge,
		"/arch/config/classes": huge, "/arch/config/LinFtrs": {[]any{-1.0}, []any{0.0}, []any{1e6}, []any{1e12}},
		"/export/data/normalize/std": {[]any{1.0}, []any{0.0, 1.0, 1.0}, nil, []any{-1.0, 1.0, 1.0}}, "/export/data/normalize/mean": {[]any{1.0}},
	})
}

// A size that no picture can have is refused where it is said.
func TestHugeSizes(t *testing.T) {
	dir := tiles(t, 8)
	for _, s := range []data.TransformOption{data.Size(1_000_000), data.Size(1<<40, 1<<40), data.Size(1, 1<<40)} {
		if _, err := source(dir).Transform(GetTransforms(), s).DataBunch(data.BS(2)); err == nil {
			t.Error("a size of more than a thousand million pixels was taken")
		}
	}
}
