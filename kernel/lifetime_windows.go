package kernel

import (
	"context"
	"os"
	"strconv"

	"golang.org/x/sys/windows"
)

// parentGone tells whether the process behind the handle that Jupyter gave has ended.
func parentGone(handle int64) func() bool {
	h := windows.Handle(handle)
	if e, err := windows.WaitForSingleObject(h, 0); err != nil || e == windows.WAIT_OBJECT_0 {
		return nil // no handle of ours
	}
	return func() bool {
		e, err := windows.WaitForSingleObject(h, 0)
		return err == nil && e == windows.WAIT_OBJECT_0
	}
}

// mine is true: a profile's folders are the user's own here.
func mine(os.FileInfo) bool { return true }

// watchInterrupt calls f whenever Jupyter sets the event that it gave in JPY_INTERRUPT_EVENT.
func watchInterrupt(ctx context.Context, f func()) {
	h, err := strconv.ParseInt(os.Getenv("JPY_INTERRUPT_EVENT"), 10, 64)
	if err != nil || h <= 0 {
		return
	}
	go func() {
		const patience = 500 // milliseconds
		for ctx.Err() == nil {
			e, err := windows.WaitForSingleObject(windows.Handle(h), patience)
			if err != nil {
				return
			}
			if e == windows.WAIT_OBJECT_0 {
				f()
			}
		}
	}()
}
