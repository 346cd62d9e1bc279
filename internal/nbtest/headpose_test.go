package nbtest

import "testing"

var headPose = lesson{
	file: "lesson3-head-pose", cells: 29, first: 1,
	markdown: []int{1, 2, 5, 15, 18, 26},
	comments: []int{4, 29},
	shows: map[int][]check{
		7:  {textLike(`517\.679 +0 +320`), textLike(`240\.5`)},
		10: {picture("1 pictures")},
		11: {textLike(`187\.332 40\.3892 893\.135`)},
		13: {textLike(`263\.9104, 428\.5814`)},
		14: {picture("432x432")},
		17: {picture("9 pictures in 3 rows of 3")},
		19: {textLike(`weights`)},
		20: {textLike(`LRFind is complete`), chart("Learning Rate")},
		22: {epochTable()},
		25: {picture("10 pictures in 5 rows of 2")},
		28: {picture("9 pictures in 3 rows of 3")},
	},
	params: map[string]string{"items": "120", "bs": "9", "height": "24", "width": "32", "epochs": "1", "epochsAll": "1", "lrIters": "6", "scratchName": "resnet18"},
}

func TestHeadPose(t *testing.T) {
	n := headPose.read(t)
	headPose.structure(t, n)
	headPose.run(t, n)
	headPose.closing(t, n, "biwi_head_pose-twin (twin), 120 items", "2019", "here")
}
