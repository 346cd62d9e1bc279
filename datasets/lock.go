package datasets

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
)

// lock takes the named lock file, so that two kernels do not write one cache at once. It waits until
// the other is done or ctx is. The system frees the lock of a process that dies.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, explain(err, name, 0)
	}
	told := false
	for {
		ok, err := whole.TryLock(f)
		if err != nil {
			_ = f.Close() // nothing was written
			return nil, fmt.Errorf("lock file %s: %w", name, err)
		}
		if ok {
			return func() { _ = f.Close() }, nil // closing frees the lock
		}
		if !told {
			told = true
			_ = cell.Display(cell.Bundle{"text/plain": "waiting for another process that works on the same folder …"})
		}
		select {
		case <-ctx.Done():
			_ = f.Close() // nothing was written
			return nil, cell.ErrInterrupted
		case <-time.After(100 * time.Millisecond):
		}
	}
}
