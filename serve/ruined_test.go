package serve

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// A model whose weights are no numbers is told of once, and says so in place of an answer: a class with a
// probability of 0 would be one that nobody predicted.
func TestRuinedModelsAnswerNothing(t *testing.T) {
	for name, f := range map[string]*fixture{"pictures": pictures, "texts": texts} {
		t.Run(name, func(t *testing.T) {
			ts, meta, err := safetensors.Read(f.export(t).String())
			check(t, err)
			for _, x := range ts {
				if x.DType() == tensor.Float32 {
					x.Float32s()[0] = float32(math.NaN())
				}
			}
			file := filepath.Join(t.TempDir(), "ruined.fastnb")
			check(t, safetensors.Write(file, ts, meta))
			var said bytes.Buffer
			s, err := New(context.Background(), []Source{{Name: "m", Path: datasets.NewPath(file)}}, Config{Log: slog.New(slog.NewTextHandler(&said, nil))})
			check(t, err)
			if n := strings.Count(said.String(), "training that went wrong"); n != 1 {
				t.Errorf("told %d times: %s", n, said.String())
			}
			body, kind := pngOf(t, square(40, 9, red)), "image/png"
			if name == "texts" {
				body, kind = []byte("a good film"), "text/plain"
			}
			r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/api/models/m/predict", bytes.NewReader(body))
			check(t, err)
			r.Header.Set("Content-Type", kind)
			var w answerOnly
			s.ServeHTTP(&w, r)
			if w.status != http.StatusInternalServerError || !strings.Contains(w.body.String(), "the model's answer is no number") {
				t.Errorf("%d %s", w.status, w.body.String())
			}
		})
	}
}
