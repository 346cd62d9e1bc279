package interp

import (
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
)

// replaceFunctions puts functions of ours in the place of those that would hold up or end the
// process that all cells share.
var replaceFunctions = sync.OnceFunc(func() {
	bind.Replace("time", "Sleep", sleep)
	replaceScanning()
	bind.Replace("os", "Exit", func(code int) {
		panic(fmt.Sprintf("os.Exit(%d) would end the kernel (try return, or the notebook's own way to shut it down)", code))
	})
	bind.Replace("log", "Fatal", func(v ...any) { fatal(fmt.Sprint(v...)) })
	bind.Replace("log", "Fatalln", func(v ...any) { fatal(fmt.Sprintln(v...)) })
	bind.Replace("log", "Fatalf", func(format string, v ...any) { fatal(fmt.Sprintf(format, v...)) })
})

// fatal logs and fails the cell.
func fatal(message string) {
	log.Print(message)
	panic(message)
}

// sleep is time.Sleep that an interrupt ends.
func sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-cell.Context().Done():
		stopCell()
	}
}
