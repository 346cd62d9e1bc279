package vision

import (
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// ImageListFromCSV is a list of pictures that the table path/name names in its first column. Options:
// data's Folder, Suffix, Col (0), Delimiter, Header, Encoding, SkipMissing; UseEXIF.
func ImageListFromCSV(path datasets.Path, name string, o ...data.FromOption) *data.ItemList {
	return data.ListFromCSV(imageKind{}, path, name, o...)
}

// ImageListFromFolder is a list of the pictures below path. Options: data's Recurse (true), Include,
// Exclude, Extensions; UseEXIF.
func ImageListFromFolder(path datasets.Path, o ...data.FromOption) *data.ItemList {
	return data.ListFromFolder(imageKind{}, path, o...)
}

// ImageListFromTable is ImageListFromCSV for a table in memory.
func ImageListFromTable(path datasets.Path, t *data.Table, o ...data.FromOption) *data.ItemList {
	return data.ListFromTable(imageKind{}, path, t, o...)
}

// ImageList is a list of the given picture files, in their order.
func ImageList(path datasets.Path, files ...datasets.Path) *data.ItemList {
	return imageList(imageKind{}, path, files)
}

func imageList(kind data.Kind, path datasets.Path, files []datasets.Path) *data.ItemList {
	refs := make([]string, len(files))
	for k, f := range files {
		refs[k] = f.String()
	}
	return data.NewItemList(kind, path, refs)
}

// GetImageFiles are the pictures of one folder, sorted by name, hidden files left out. Folders inside it are
// not searched unless Recurse(true). Other options as ImageListFromFolder. (fastai/vision/data.py, get_image_files, which keeps the file system's order.)
func GetImageFiles(path datasets.Path, o ...data.FromOption) (datasets.Listing, error) {
	l := ImageListFromFolder(path, append([]data.FromOption{data.Recurse(false)}, o...)...)
	if err := l.Err(); err != nil {
		return nil, err
	}
	return l.Items(), nil
}

// Statistics for Normalize: mean and standard deviation of red, green and blue.
var (
	// ImageNetStats are those pretrained networks were trained with.
	ImageNetStats = data.Stats{Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}}
	// CIFARStats are those of the CIFAR pictures.
	CIFARStats = data.Stats{Mean: []float32{.491, .482, .447}, Std: []float32{.247, .243, .261}}
	// MNISTStats are those of the MNIST digits, alike for the three channels.
	MNISTStats = data.Stats{Mean: []float32{.131, .131, .131}, Std: []float32{.308, .308, .308}}
)
