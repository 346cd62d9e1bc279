package badinput

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/text"
)

// reviews are the lines of a small table of texts.
func reviews() []string {
	lines := []string{"label,text,is_valid"}
	for i := range 24 {
		lines = append(lines, fmt.Sprintf("%s,\"Film %d, a %s one.\",%s", []string{"pos", "neg"}[i%2], i%5, []string{"fine", "dull"}[i%2], []string{"False", "True"}[i/18]))
	}
	return lines
}

func (d *desk) texts(lines []string, o ...data.FromOption) *data.ItemList {
	d.write("planet/texts.csv", []byte(strings.Join(lines, "\n")+"\n"))
	return text.TextListFromCSV(d.tiles, "texts.csv", append([]data.FromOption{data.Cols("text"), text.MinFreq(1)}, o...)...)
}

func (d *desk) languageModel(o ...fastnb.LearnerOption) (*text.LanguageLearner, error) {
	b, err := d.texts(reviews()).SplitByRandPct(.2).LabelForLM().DataBunch(data.BS(4), data.BPTT(8))
	d.must(err)
	c := models.LMConfig()
	c.EmbSz, c.NHid = 4, 4
	return text.LanguageModelLearner(b, models.AWDLSTM, append([]fastnb.LearnerOption{text.Config(c), fastnb.Silent(true)}, o...)...)
}

func textMistakes() []mistake {
	const nothing = "nothing was done"
	return []mistake{
		{input: "CSV without the column of texts", after: nothing, make: func(d *desk) error {
			return d.texts(reviews(), data.Cols("body")).Err()
		}},
		{input: "CSV with a quote that does not end", after: "nothing was done; quoted lines, commas and quotes inside a field are read", make: func(d *desk) error {
			return d.texts(append(reviews(), `pos,"It was great,True`)).Err()
		}},
		{input: "CSV row with a field too few", after: nothing, make: func(d *desk) error {
			return d.texts(append(reviews(), "pos,great")).Err()
		}},
		{input: "empty text in a table", after: "nothing was done; an empty file is a text of `xxbos` alone", make: func(d *desk) error {
			return d.texts(append(reviews(), "pos,,True")).Err()
		}},
		{input: "no label among the classes", after: "the list and its split stay usable; where some are, the other items are left out and a line counts them", make: func(d *desk) error {
			return d.texts(reviews()).SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label"), data.Classes("good", "neutral")).Err()
		}},
		{input: "label that is missing", after: "nothing was done; `DropNA` leaves such rows out", make: func(d *desk) error {
			return d.texts(append(reviews(), "NaN,fine,True")).SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label")).Err()
		}},
		{input: "table in Latin-1", after: "nothing was done; with `Encoding` it is read, UTF-16 too", make: func(d *desk) error {
			return d.texts(append(reviews(), "pos,sch\xf6n,True")).Err()
		}},
		{input: "vocabulary that does not match the encoder", after: "the classifier's weights are as they were", make: otherWords},
		{input: "pickle that calls a function", after: nothing, make: func(d *desk) error {
			d.write("planet/models/wt.pth", d.tinyCheckpoint())
			d.write("planet/models/itos.pkl", []byte("cos\nsystem\n(S'true'\ntR."))
			_, err := d.languageModel(text.PretrainedFiles("wt", "itos"))
			return err
		}},
		{input: "weights of another size", after: nothing, make: func(d *desk) error {
			d.write("planet/models/wt.pth", d.tinyCheckpoint())
			d.write("planet/models/itos.pkl", d.repo("fastnb/models/testdata/tiny_itos.pkl"))
			_, err := d.languageModel(text.PretrainedFiles("wt", "itos"))
			return err
		}},
		{input: "weights cut short", after: nothing, make: func(d *desk) error {
			b := d.tinyCheckpoint()
			d.write("planet/models/wt.pth", b[:len(b)/2])
			d.write("planet/models/itos.pkl", d.repo("fastnb/models/testdata/tiny_itos.pkl"))
			_, err := d.languageModel(text.PretrainedFiles("wt", "itos"))
			return err
		}},
	}
}

func (d *desk) tinyCheckpoint() []byte {
	return d.repo("fastnb/models/testdata/tiny_awd_lstm_legacy.pth")
}

// otherWords loads an encoder into a classifier whose list of texts made a vocabulary of its own.
func otherWords(d *desk) error {
	lm, err := d.languageModel(fastnb.Pretrained(false))
	d.must(err)
	d.must(lm.SaveEncoder("enc"))
	b, err := d.texts(reviews()[:13]).SplitByRandPct(.2).LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	d.must(err)
	c := models.ClasConfig()
	c.EmbSz, c.NHid = 4, 4
	l, err := text.TextClassifierLearner(b, models.AWDLSTM, text.Config(c), fastnb.Pretrained(false), fastnb.Silent(true))
	d.must(err)
	before, err := l.StateDict()
	d.must(err)
	failed := l.LoadEncoder("enc")
	after, err := l.StateDict()
	d.must(err)
	for name, w := range before {
		if w.Sub(after[name]).Abs().Max() != 0 {
			d.t.Error(name, "has moved")
		}
	}
	return failed
}
