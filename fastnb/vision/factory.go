package vision

import (
	"fmt"
	"regexp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// ImageDataBunchFromFolder makes data of the pictures in path/train and path/valid in one line; the folder a
// picture lies in is its label. With ValidPct, the pictures below path are split at random instead. Options:
// TrainFolder ("train"), ValidFolder ("valid"), ValidPct, SplitSeed, TestName (a folder), Classes; those of
// ImageListFromFolder; DSTfms (none), Size and the other options of Transform; those of DataBunch. (fastai's
// ImageDataBunch.from_folder)
func ImageDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := data.NewFactory(o...)
	split := data.FactoryOfFolders
	if f.PctGiven {
		split = data.FactoryOfRandom
	}
	if err := refuse(f, "pictures from folders", data.FactoryOfLists, split); err != nil {
		return nil, err
	}
	list := ImageListFromFolder(path, f.From...)
	var s *data.SplitList
	if f.PctGiven {
		if f.Test != "" {
			list = list.ExcludeFolder(f.Test)
		}
		s = list.SplitByRandPct(f.ValidPct, f.Sample...)
	} else {
		s = list.SplitByFolder(f.Train, f.Valid)
	}
	return bunch(f, s.LabelFromFolder(f.Label...))
}

// ImageDataBunchFromCSV makes data of a table that names pictures and their labels in one line. Options:
// CSVLabels ("labels.csv"), Folder, Suffix, Col (0), LabelCols (1), LabelDelim, ValidPct (0.2), SplitSeed,
// TestName (a folder), Classes; DSTfms (none), Size and the other options of Transform; those of DataBunch.
// (fastai's ImageDataBunch.from_csv)
func ImageDataBunchFromCSV(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := data.NewFactory(append([]data.FactoryOption{data.LabelCols(1)}, o...)...)
	if err := refuse(f, "ImageDataBunchFromCSV", data.FactoryOfLists, data.FactoryOfCSV, data.FactoryOfRandom); err != nil {
		return nil, err
	}
	s := ImageListFromCSV(path, f.Table, f.From...).SplitByRandPct(f.ValidPct, f.Sample...)
	return bunch(f, s.LabelFromTable(f.Label...))
}

// ImageDataBunchFromNameFunc makes data of the given pictures in one line; label is as LabelFromFunc takes
// it. Options: ValidPct (0.2), SplitSeed, TestName (a folder below path), Classes, UseEXIF; DSTfms (none), Size
// and the other options of Transform; those of DataBunch. (fastai's ImageDataBunch.from_name_func)
func ImageDataBunchFromNameFunc(path datasets.Path, fnames []datasets.Path, label any, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := data.NewFactory(o...)
	s, err := named(path, fnames, f)
	if err != nil {
		return nil, err
	}
	return bunch(f, s.LabelFromFunc(label, f.Label...))
}

// ImageDataBunchFromNameRe is ImageDataBunchFromNameFunc with the first group of a regular expression on a
// picture's path as its label. The path has slashes on every system. (fastai's ImageDataBunch.from_name_re)
func ImageDataBunchFromNameRe(path datasets.Path, fnames []datasets.Path, pattern string, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := data.NewFactory(o...)
	s, err := named(path, fnames, f)
	if err != nil {
		return nil, err
	}
	if re, err := regexp.Compile(pattern); err != nil || re.NumSubexp() < 1 {
		if err == nil {
			err = fmt.Errorf("%q has no group in parentheses, which is the label", pattern)
		}
		return nil, fmt.Errorf("fastnb: image data bunch from names: %w", err)
	}
	return bunch(f, s.LabelFromRe(pattern, append([]data.LabelOption{data.FullPath(true)}, f.Label...)...))
}

// ImageDataBunchFromLists is ImageDataBunchFromNameFunc with a label for each picture, in their order.
// (fastai's ImageDataBunch.from_lists)
func ImageDataBunchFromLists(path datasets.Path, fnames []datasets.Path, labels []string, o ...data.FactoryOption) (*data.DataBunch, error) {
	if len(fnames) != len(labels) {
		return nil, fmt.Errorf("fastnb: image data bunch from lists: %d pictures, %d labels", len(fnames), len(labels))
	}
	of := make(map[string]string, len(fnames))
	for k, name := range fnames {
		if was, twice := of[name.String()]; twice && was != labels[k] {
			return nil, fmt.Errorf("fastnb: image data bunch from lists: %s has two labels, %q and %q", name, was, labels[k])
		}
		of[name.String()] = labels[k]
	}
	f := data.NewFactory(o...)
	s, err := named(path, fnames, f)
	if err != nil {
		return nil, err
	}
	return bunch(f, s.LabelFromFunc(func(p datasets.Path) string { return of[p.String()] }, f.Label...))
}

// refuse is the error of an option that a factory of pictures does not look at.
func refuse(f *data.Factory, what string, takers ...string) error {
	return f.Refuse("image data bunch", append([]string{what, data.FactoryOfPictures, data.FactoryOfLabels}, takers...)...)
}

// named splits a list of given files at random.
func named(path datasets.Path, fnames []datasets.Path, f *data.Factory) (*data.SplitList, error) {
	if err := refuse(f, "pictures from names", data.FactoryOfRandom); err != nil {
		return nil, err
	}
	k, err := f.KindOf(imageKind{})
	if err != nil {
		return nil, fmt.Errorf("fastnb: image data bunch: %w", err)
	}
	return imageList(k, path, fnames).SplitByRandPct(f.ValidPct, f.Sample...), nil
}

// bunch ends the chain: transforms, test items, batches.
func bunch(f *data.Factory, l *data.LabelLists) (*data.DataBunch, error) {
	if f.Aug != nil || len(f.Transform) > 0 {
		l = l.Transform(f.Aug, f.Transform...)
	}
	if f.Test != "" {
		l = l.AddTestFolder(f.Test)
	}
	return l.DataBunch(f.Bunch...)
}
