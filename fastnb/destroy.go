package fastnb

import (
	"fmt"
	"runtime/debug"
)

// Destroy frees the model, the optimizer and the memory they take, and prints a line that says so. The
// name stays, but what it stands for can only be asked for its Recorder; everything else is an error.
func (l *Learner) Destroy() {
	if l.eng == nil {
		return
	}
	l.eng, l.Model, l.groups = nil, nil, nil
	l.Input, l.Target, l.Output = nil, nil, nil
	debug.FreeOSMemory()
	l.say("This learner has destroyed itself. Its name is still there, but it cannot be used any more.")
}

// alive is an error after Destroy.
func (l *Learner) alive(verb string) error {
	if l.eng == nil {
		return fmt.Errorf("fastnb: %s: this learner was destroyed (try making it anew, then Load)", verb)
	}
	return nil
}
