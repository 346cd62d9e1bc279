package nbtest

import "testing"

var camVid = lesson{
	file: "lesson3-camvid", cells: 56, first: 1,
	markdown: []int{1, 6, 8, 16, 22, 37, 38, 55},
	comments: []int{3, 7, 54, 56},
	shows: map[int][]check{
		4:  {textLike(`codes\.txt`), textLike(`valid\.txt`)},
		9:  {textLike(`images`)},
		10: {textLike(`_P\.png`)},
		11: {picture("360x360")},
		13: {picture("360x360")},
		14: {textLike(`\[48 64\]`), textLike(`17 17 17`)},
		15: {textLike(`Animal`), textLike(`VegetationMisc`)},
		17: {textLike(`pictures of \[24 32\], batch size \d+, \d+ MB free`)},
		20: {picture("4 pictures in 2 rows of 2, 720x504")},
		21: {picture("3 pictures in 2 rows of 2")},
		26: {textLike(`weights`)},
		27: {textLike(`LRFind is complete`), chart("Learning Rate")},
		29: {epochTable("acc_camvid")},
		32: {picture("6 pictures in 3 rows of 2, 576x648")},
		35: {epochTable("acc_camvid")},
		39: {textLike(`destroyed itself`), textLike(`MB free`)},
		43: {textLike(`LRFind is complete`), chart("Learning Rate")},
		45: {epochTable("acc_camvid")},
		50: {epochTable("acc_camvid")},
		53: {picture("6 pictures in 3 rows of 2, 720x720")},
	},
	params: map[string]string{
		"items": "18", "height1": "24", "width1": "32", "height2": "48", "width2": "64", "bs1": "5", "bs2": "5", "epochs1": "1", "epochs2": "1", "epochs3": "1", "epochs4": "1",
		"lrIters": "8", "scratchName": "resnet18",
	},
}

func TestCamVid(t *testing.T) {
	n := camVid.read(t)
	camVid.structure(t, n)
	camVid.run(t, n)
	camVid.closing(t, n, "camvid-twin-48x64 (twin), 18 items", "acc_camvid 2019", "acc_camvid here")
}
