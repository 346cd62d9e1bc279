package fastnb

import (
	"encoding/csv"
	"os"

	"github.com/fastnb/go/fastnb/data"
)

// CSVLogger writes the epoch table to Path/name.csv ("history" if name is empty), a line an epoch as it
// ends; appending says to keep what is there.
func CSVLogger(name string, appending bool) Callback {
	if name == "" {
		name = "history"
	}
	var f *os.File
	line := func(cells []string) error {
		w := csv.NewWriter(f)
		if err := w.Write(cells); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	}
	return Callback{
		Name: "CSVLogger", Order: 20, NotInLRFind: true, Blind: true,
		BeforeFit: func(l *Learner) (err error) {
			mode := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
			if appending {
				mode = os.O_CREATE | os.O_WRONLY | os.O_APPEND
			}
			file := l.Path.Join(name + ".csv")
			if err := l.Place(file); err != nil {
				return err
			}
			if f, err = os.OpenFile(file.String(), mode, 0o666); err != nil {
				return err
			}
			return line(l.Recorder.Names)
		},
		AfterEpoch: func(l *Learner) error { return line(l.Recorder.LastRow()) },
		AfterFit: func(l *Learner) error {
			if f == nil {
				return nil
			}
			err := f.Close()
			f = nil
			return err
		},
	}
}

// ReadLoggedFile reads what CSVLogger wrote: Path/name.csv ("history" if name is empty). A log that was
// appended to has the heads of each fit among its rows.
func (l *Learner) ReadLoggedFile(name string) (*data.Table, error) {
	if name == "" {
		name = "history"
	}
	t, err := data.ReadCSV(l.Path.Join(name + ".csv"))
	if err != nil {
		return nil, because("read logged file", err)
	}
	return t, nil
}
