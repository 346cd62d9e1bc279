package text

import (
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// factory is data.Factory with the defaults of fastai's text factories: text in column 1 and label in
// column 0 of tables, words seen twice. lm says that nobody looks at labels. Options that have no effect are
// an error.
func factory(source string, lm bool, o []data.FactoryOption) (*data.Factory, error) {
	f := data.NewFactory(o...)
	takers := []string{strings.Replace(source, "data", "texts", 1), source, data.FactoryOfLists, data.FactoryOfLabels}
	if lm {
		takers = []string{strings.Replace(source, "data", "data for language models", 1), source, data.FactoryOfLists}
	}
	if source == data.FactoryOfCSV {
		takers = append(takers, data.FactoryOfRandom)
	}
	if err := f.Refuse("data bunch", takers...); err != nil {
		return nil, err
	}
	from, label := []data.FromOption{usualFreq(factoryMinFreq)}, []data.LabelOption(nil)
	if source != data.FactoryOfFolders {
		from, label = append(from, data.Cols(1)), append(label, data.LabelCols(0))
	}
	f.From, f.Label = append(from, f.From...), append(label, f.Label...)
	return f, nil
}

// TextDataBunchFromCSV makes data for a classifier of the table path/name in one line: rows in a random
// order, the first int(ValidPct·n)+1 for validation, the others for training. Options: ValidPct (0.2),
// Cols (1), LabelCols (0), LabelDelim, Classes, TestName (a table), SplitSeed; those of
// TextListFromCSV, MinFreq being 2 here; those of DataBunch.
func TextDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfCSV, false, o)
	if err != nil {
		return nil, err
	}
	s := TextListFromCSV(path, name, f.From...).SplitShuffled(f.ValidPct, f.Sample...)
	return bunch(f, s.LabelFromTable(f.Label...), testTable(path, f))
}

// TextClasDataBunchFromCSV is TextDataBunchFromCSV.
func TextClasDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromCSV(path, name, o...)
}

// TextLMDataBunchFromCSV is TextDataBunchFromCSV for a language model; labels are not looked at.
func TextLMDataBunchFromCSV(path datasets.Path, name string, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfCSV, true, o)
	if err != nil {
		return nil, err
	}
	s := TextListFromCSV(path, name, f.From...).SplitShuffled(f.ValidPct, f.Sample...)
	return bunch(f, s.LabelForLM(), testTable(path, f))
}

// TextDataBunchFromTable makes data for a classifier of two tables in memory. Options as
// TextDataBunchFromCSV.
func TextDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfTables, false, o)
	if err != nil {
		return nil, err
	}
	return bunch(f, tables(path, train, valid, f).LabelFromTable(f.Label...), testTable(path, f))
}

// TextClasDataBunchFromTable is TextDataBunchFromTable.
func TextClasDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromTable(path, train, valid, o...)
}

// TextLMDataBunchFromTable is TextDataBunchFromTable for a language model; labels are not looked at.
func TextLMDataBunchFromTable(path datasets.Path, train, valid *data.Table, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfTables, true, o)
	if err != nil {
		return nil, err
	}
	return bunch(f, tables(path, train, valid, f).LabelForLM(), testTable(path, f))
}

// TextDataBunchFromFolder makes data for a classifier of the texts in path/train and path/valid; the
// folder a text lies in is its label. Options: TrainFolder ("train"), ValidFolder ("valid"), TestName (a
// folder), Classes; those of TextListFromFolder, MinFreq being 2 here; those of DataBunch.
func TextDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfFolders, false, o)
	if err != nil {
		return nil, err
	}
	s := TextListFromFolder(path, f.From...).SplitByFolder(f.Train, f.Valid)
	return bunch(f, s.LabelFromFolder(f.Label...), testFolder(path, f))
}

// TextClasDataBunchFromFolder is TextDataBunchFromFolder.
func TextClasDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	return TextDataBunchFromFolder(path, o...)
}

// TextLMDataBunchFromFolder is TextDataBunchFromFolder for a language model; labels are not looked at.
func TextLMDataBunchFromFolder(path datasets.Path, o ...data.FactoryOption) (*data.DataBunch, error) {
	f, err := factory(data.FactoryOfFolders, true, o)
	if err != nil {
		return nil, err
	}
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
	if test != nil {
		l = l.AddTest(test)
	}
	return l.DataBunch(f.Bunch...)
}
