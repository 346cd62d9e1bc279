package fastnb

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/internal/whole"
)

// TrackEpoch keeps the number of epochs done in the file name beside the checkpoints ("epoch" if name is
// empty), and goes on from there when the same fit is started again after it broke off; with SaveModel
// and EveryEpoch(true) the weights of the last epoch are loaded too. A fit that ends as it should
// removes the file. (fastai callbacks/tracker.py)
func TrackEpoch(name string) Callback {
	if name == "" {
		name = "epoch"
	}
	file := func(l *Learner) datasets.Path { return l.Path.Join(l.ModelDir, name) }
	return Callback{
		Name: "TrackEpoch", Order: -20, NotInLRFind: true, Blind: true,
		BeforeFit: func(l *Learner) error {
			f := file(l)
			if !f.Exists() {
				return nil
			}
			text, err := f.ReadText()
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || n < 0 {
				return fmt.Errorf("%s: %q is no number of epochs (try removing the file)", f, text)
			}
			l.Epoch = max(l.Epoch, n)
			l.say("Going on with epoch %d.", l.Epoch)
			return nil
		},
		AfterEpoch: func(l *Learner) error {
			f := file(l)
			if err := l.Place(f); err != nil {
				return err
			}
			return whole.WriteBytes(f.String(), []byte(strconv.Itoa(l.Epoch+1)))
		},
		AfterFit: func(l *Learner) error {
			if f := file(l); l.FitErr == nil && f.Exists() {
				return os.Remove(f.String())
			}
			return nil
		},
	}
}
