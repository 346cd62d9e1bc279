//go:build unix

package interp

import (
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// patience is how long a command that was interrupted has to end by itself.
const patience = time.Second

// together makes a command and the programs that it starts one group, which an interrupt of the cell asks
// to end and soon after kills. stop says that the command is over.
func together(c *exec.Cmd) (stop func()) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	diesWithUs(c.SysProcAttr)
	var killing sync.WaitGroup
	over := make(chan struct{})
	c.Cancel = func() error {
		group := -c.Process.Pid
		err := syscall.Kill(group, syscall.SIGINT)
		killing.Go(func() {
			select {
			case <-over: // what it has left behind goes at once
			case <-time.After(patience):
			}
			_ = syscall.Kill(group, syscall.SIGKILL) // nobody may be left
		})
		return err
	}
	return func() {
		close(over)
		killing.Wait()
	}
}
