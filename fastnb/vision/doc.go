// Package vision brings pictures: reading them, their transforms, lists of them, and learners.
//
// It is an application of the upper storey: it imports fastnb, fastnb/data, models and what lies below
// them, and plotting, datasets and cell.
//
// The walk of a picture: [OpenImage] reads a file into 8-bit planes; [GetTransforms] gives the lists of
// [Transform] that data.LabelLists.Transform applies when a batch is made; the random values of a list
// are drawn once and applied to a picture and, with TfmY, to its target. Geometric transforms are
// gathered into one map of positions, so a picture is sampled once however many there are.
//
//	tfms := GetTransforms(FlipVert(true), MaxLighting(0.1), MaxZoom(1.05), MaxWarp(0))
//	src := ImageListFromCSV(path, "train_v2.csv", Folder("train-jpg"), Suffix(".jpg")).
//		SplitByRandPct(0.2).
//		LabelFromTable(LabelDelim(" "))
//	data, err := src.Transform(tfms, Size(128)).Normalize(ImageNetStats).DataBunch()
//
// A transform is a file tfm_*.go that registers itself by name; see tfm_rotate.go for the shortest.
package vision
