package text

import (
	"errors"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// factory is data.Factory with the defaults of fastai's text factories: text in column 1, label in
// column 0, words seen twice.
func factory(o []data.FactoryOption) *data.Factory {
	first := []data.FactoryOption{data.Cols(1), data.LabelCols(0), MinFreq(factoryMinFreq)}
	return data.NewFactory(append(first, o...)...)
}

// TextDataBunchFromCSV makes data for a classifier of the table path/name in one line: rows in a random
// order, the first int(ValidPct·n)+1 for validation, the others for training. Options: ValidPct (0.2),
// Cols (1), LabelCols (0), LabelDelim, Classes, TestName (a table), SplitSeed; those of
// TextListFromCSV, MinFreq being 2 here; those of DataBunch.
func TextDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	s := TextListFromCSV(path, name, f.From...).SplitShuffled(f.ValidPct, f.Sample...)
	return bunch(f, s.LabelFromTable(f.Label...), testTable(path, f))
}

// TextClasDataBunchFromCSV is TextDataBunchFromCSV.
func TextClasDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromCSV(path, name, o...)
}

// TextLMDataBunchFromCSV is TextDataBunchFromCSV for a language model; labels are not looked at.
func TextLMDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	s := TextListFromCSV(path, name, f.From...).SplitShuffled(f.ValidPct, f.Sample...)
	return bunch(f, s.LabelForLM(), testTable(path, f))
}

// TextDataBunchFromTable makes data for a classifier of two tables in memory. Options as
// TextDataBunchFromCSV.
func TextDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	return bunch(f, tables(path, train, valid, f).LabelFromTable(f.Label...), testTable(path, f))
}

// TextClasDataBunchFromTable is TextDataBunchFromTable.
func TextClasDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromTable(path, train, valid, o...)
}

// TextLMDataBunchFromTable is TextDataBunchFromTable for a language model; labels are not looked at.
func TextLMDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	return bunch(f, tables(path, train, valid, f).LabelForLM(), testTable(path, f))
}

// TextDataBunchFromFolder makes data for a classifier of the texts in path/train and path/valid; the
// folder a text lies in is its label. Options: TrainFolder ("train"), ValidFolder ("valid"), TestName (a
// folder), Classes; those of TextListFromFolder, MinFreq being 2 here; those of DataBunch.
func TextDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	s := TextListFromFolder(path, f.From...).SplitByFolder(f.Train, f.Valid)
	return bunch(f, s.LabelFromFolder(f.Label...), testFolder(path, f))
}

// TextClasDataBunchFromFolder is TextDataBunchFromFolder.
func TextClasDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromFolder(path, o...)
}

// TextLMDataBunchFromFolder is TextDataBunchFromFolder for a language model; labels are not looked at.
func TextLMDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f := factory(o)
	s := TextListFromFolder(path, f.From...).SplitByFolder(f.Train, f.Valid)
	return bunch(f, s.LabelForLM(), testFolder(path, f))
}

func tables(path datasets.Path, train, valid *data.Table, f *data.Factory) *data.SplitList {
	return data.SplitLists(TextListFromTable(path, train, f.From...), TextListFromTable(path, valid, f.From...))
}

func testTable(path datasets.Path, f *data.Factory) *data.ItemList {
	if f.Test == "" {
		return nil
	}
	return TextListFromCSV(path, f.Test, f.From...)
}

func testFolder(path datasets.Path, f *data.Factory) *data.ItemList {
	if f.Test == "" {
		return nil
	}
	return TextListFromFolder(path.Join(f.Test), f.From...)
}

// bunch ends the chain.
func bunch(f *data.Factory, l *data.LabelLists, test *data.ItemList) (*data.DataBunch, error) {
	if f.Aug != nil || len(f.Transform) > 0 {
		return nil, errors.New("fastnb: text data bunch: transforms and sizes are for pictures (try without DSTfms, Size and the like)")
	}
	if test != nil {
		l = l.AddTest(test)
	}
	return l.DataBunch(f.Bunch...)
}
