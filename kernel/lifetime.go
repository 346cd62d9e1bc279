package kernel

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// watchParent ends the kernel when the server that started it is gone, as ipykernel does: nobody could reach
// it any more, and what it trains would train on unseen. Jupyter gives its own process in JPY_PARENT_PID (on
// Windows a handle of it); a kernel that was started by hand has no parent and lives on.
func (k *kernel) watchParent(ctx context.Context) {
	parent, err := strconv.ParseInt(os.Getenv("JPY_PARENT_PID"), 10, 64)
	if err != nil || parent <= 1 {
		return
	}
	gone := parentGone(parent)
	if gone == nil {
		return
	}
	go func() {
		for tick := time.NewTicker(parentEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if gone() {
					k.log.Print("the server that started this kernel is gone: so is the kernel")
					k.end()
					return
				}
			}
		}
	}()
}

// parentEvery is how often the parent is looked for.
const parentEvery = time.Second

// signals interrupts the running cell at SIGINT, as a front end does whose kernels are interrupted by signal
// (and Ctrl-C at a terminal), and ends the kernel at SIGTERM and SIGHUP.
func (k *kernel) signals(ctx context.Context) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer signal.Stop(c)
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-c:
				if s == os.Interrupt {
					if k.opened.Load() {
						k.s.Interrupt()
					}
					continue
				}
				k.end()
			}
		}
	}()
	watchInterrupt(ctx, func() {
		if k.opened.Load() {
			k.s.Interrupt()
		}
	})
}

// end stops the running cell and the kernel.
func (k *kernel) end() {
	if k.opened.Load() {
		k.s.Interrupt()
	}
	k.shutdown()
}
