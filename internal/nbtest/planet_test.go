package nbtest

import (
	"os"
	"path/filepath"
	"testing"
)

// planet is the original notebook's table of cells: which are text, which are comments only, and
// what the others show.
var planet = lesson{
	file: "lesson3-planet", cells: 64, first: 1,
	markdown: []int{1, 4, 5, 7, 9, 12, 14, 16, 17, 19, 21, 24, 26, 29, 32, 36, 51, 53, 54, 64},
	comments: []int{6, 8, 11, 13, 15, 55},
	shows: map[int][]check{
		10: {textLike(`planet`)},
		18: {htmlTable("image_name", "tags")},
		25: {picture("9 pictures")},
		28: {textLike(`weights`)},
		30: {textLike(`LRFind is complete`)},
		31: {chart("Learning Rate")},
		34: {epochTable("accuracy_thresh", "fbeta")},
		38: {textLike(`LRFind is complete`), chart("Learning Rate")},
		39: {epochTable("accuracy_thresh", "fbeta")},
		41: {textLike(`\[3 48 48\]`)},
		43: {textLike(`LRFind is complete`), chart("Learning Rate")},
		45: {epochTable("accuracy_thresh", "fbeta")},
		48: {epochTable("accuracy_thresh", "fbeta")},
		49: {chart("Batches processed")},
		56: {textLike(`^[1-9]\d*$`)},
		59: {textLike(`[a-z_]+ [a-z_]+`)},
		63: {textLike(`kaggle competitions submit`)},
	},
	params: map[string]string{"items": "60", "bs": "10", "size1": "32", "size2": "48", "epochs": "1", "lrIters": "6", "scratchName": "resnet18"},
}

func TestPlanet(t *testing.T) {
	n := planet.read(t)
	planet.structure(t, n)
	home := planet.run(t, n)
	data := filepath.Join(home, "data", "planet-twin")
	tiles := 0
	for _, d := range []string{"test-jpg", "test-jpg-additional"} {
		e, err := os.ReadDir(filepath.Join(data, d))
		if err != nil {
			t.Fatal(err)
		}
		tiles += len(e)
	}
	rows := csvRows(t, filepath.Join(data, "submission.csv"))
	if len(rows) != tiles+1 || len(rows[0]) != 2 || rows[0][0] != "image_name" || rows[0][1] != "tags" {
		t.Errorf("submission has %d rows, header %v; want one for each of %d test tiles", len(rows)-1, rows[0], tiles)
	}
}
