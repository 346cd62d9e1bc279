package fastnb

import (
	"fmt"
	"runtime/debug"

	"github.com/fastnb/go/fastnb/device"
)

// Destroy frees the model, the optimizer and the memory they take, and prints a line that says so. The
// name stays, but what it stands for can only be asked for its Recorder; everything else is an error.
func (l *Learner) Destroy() {
	if l.eng == nil {
		return
	}
	l.Model.begin(l.asks, nil)
	l.Model.Close()
	l.eng.Close()
	l.eng, l.Model, l.groups = nil, nil, nil
	l.Input, l.Target, l.Output = nil, nil, nil
	debug.FreeOSMemory()
	l.say("This learner has destroyed itself. Its name is still there, but it cannot be used any more.")
}

// Purge frees what the learner can make again: compiled programs with their activations, and gradients.
// Weights, optimizer and recorder stay; the next batch takes a little longer. It is worth its time after
// training at one picture size and before another.
func (l *Learner) Purge() error {
	if err := l.alive("purge"); err != nil {
		return err
	}
	l.eng.Purge()
	l.Model.dropPrograms()
	l.Input, l.Target, l.Output = nil, nil, nil
	debug.FreeOSMemory()
	return nil
}

// alive is an error after Destroy.
func (l *Learner) alive(verb string) error {
	if l.eng == nil {
		return fmt.Errorf("fastnb: %s: this learner was destroyed (try making it anew, then Load)", verb)
	}
	return nil
}

// GPUMemFree is the memory in MB that can still be had on the device in use, after what nobody uses any
// more was given back: of the card, or of the machine where its own processors compute. It is 0 where no
// device can be opened. (fastai/utils/mem.py, gpu_mem_get_free_no_cache.)
func GPUMemFree() int {
	debug.FreeOSMemory()
	return int(deviceFree() >> 20)
}

// deviceFree is the free memory in bytes of the device in use, 0 without one. A device that is open is asked;
// none is opened for good.
func deviceFree() int64 {
	d, err := device.Open("")
	if err != nil {
		return 0
	}
	defer func() { _ = d.Close() }()
	return d.FreeMemory()
}
