package nbtest

import (
	"os"
	"path/filepath"
	"testing"
)

// imdb is the original notebook's table of cells, counted from 0.
var imdb = lesson{
	file: "lesson3-imdb", cells: 80, first: 0,
	markdown: []int{0, 3, 4, 6, 9, 11, 13, 15, 16, 18, 19, 20, 22, 24, 26, 27, 29, 30, 32, 35, 36, 38, 41, 48, 52, 56, 58, 59, 64},
	comments: []int{79},
	shows: map[int][]check{
		5:  {textLike(`texts\.csv`)},
		7:  {htmlTable("label", "text", "is_valid")},
		8:  {textLike(`\w+ .*\.`)},
		17: {htmlTable("text", "target")},
		21: {textLike(`^\[xxunk xxpad xxbos xxeos xxfld xxmaj xxup xxrep xxwrep \S+\]$`)},
		23: {textLike(`^xxbos \w+`)},
		25: {textLike(`^\[2( \d+){9}\]$`)},
		33: {textLike(`train`)},
		34: {textLike(`neg.*pos`)},
		40: {htmlTable("idx", "text")},
		42: {textLike(`weights`)},
		43: {textLike(`LRFind is complete`)},
		44: {chart("Learning Rate")},
		45: {epochTable("accuracy")},
		50: {epochTable("accuracy")},
		55: {textLike(`(?s)I liked this movie because .{80,}I liked this movie because .{80,}`)},
		63: {htmlTable("text", "target")},
		66: {textLike(`LRFind is complete`)},
		67: {chart("Learning Rate")},
		68: {epochTable("accuracy")},
		71: {epochTable("accuracy")},
		74: {epochTable("accuracy")},
		77: {epochTable("accuracy")},
		78: {textLike(`^(pos|neg) \(0\.\d+\)$`)},
	},
	params: map[string]string{"items": "120", "batchSize": "8", "emb": "12", "hid": "16", "lrIters": "8", "epochs": "1", "clasEpochs": "1"},
}

func TestIMDB(t *testing.T) {
	n := imdb.read(t)
	imdb.structure(t, n)
	home := imdb.run(t, n)
	for _, f := range []string{
		"imdb_sample-twin/data_save.fastnb", "imdb-twin/data_lm.fastnb", "imdb-twin/data_clas.fastnb",
		"imdb-twin/models/fit_head.safetensors", "imdb-twin/models/fine_tuned.safetensors", "imdb-twin/models/fine_tuned_enc.safetensors",
		"imdb-twin/models/first.safetensors", "imdb-twin/models/second.safetensors", "imdb-twin/models/third.safetensors",
	} {
		if _, err := os.Stat(filepath.Join(home, "data", filepath.FromSlash(f))); err != nil {
			t.Error(err)
		}
	}
}
