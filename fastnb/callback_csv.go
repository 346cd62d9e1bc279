package fastnb

import (
	"os"
	"strings"
)

// CSVLogger writes the epoch table to Path/name.csv ("history" if name is empty), a line an epoch as it
// ends; appending says to keep what is there.
func CSVLogger(name string, appending bool) Callback {
	if name == "" {
		name = "history"
	}
	var f *os.File
	line := func(cells []string) error {
		_, err := f.WriteString(strings.Join(cells, ",") + "\n")
		return err
	}
	return Callback{
		Name: "CSVLogger", Order: 20,
		BeforeFit: func(l *Learner) (err error) {
			mode := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
			if appending {
				mode = os.O_CREATE | os.O_WRONLY | os.O_APPEND
			}
			if err := l.Path.Mkdir(); err != nil {
				return err
			}
			if f, err = os.OpenFile(l.Path.Join(name+".csv").String(), mode, 0o666); err != nil {
				return err
			}
			return line(l.Recorder.Names)
		},
		AfterEpoch: func(l *Learner) error { return line(l.Recorder.lastRow()) },
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
