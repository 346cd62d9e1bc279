package lang

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"sync/atomic"

	"github.com/fastnb/go/kernel/bind"
)

// replaceFunctions puts functions of ours in the place of those of fmt and log that would print the name of
// our own types.
var replaceFunctions = sync.OnceFunc(func() {
	r := func(name string, f any) { bind.Replace("fmt", name, f) }
	r("Printf", func(format string, a ...any) (int, error) {
		format, a = formatted(format, a)
		return fmt.Printf(format, a...)
	})
	r("Sprintf", func(format string, a ...any) string {
		weighed(a)
		format, a = formatted(format, a)
		return fmt.Sprintf(format, a...)
	})
	r("Fprintf", func(w io.Writer, format string, a ...any) (int, error) {
		format, a = formatted(format, a)
		return fmt.Fprintf(w, format, a...)
	})
	r("Errorf", func(format string, a ...any) error {
		format, a = formatted(format, a)
		return fmt.Errorf(format, a...)
	})
	r("Appendf", func(b []byte, format string, a ...any) []byte {
		format, a = formatted(format, a)
		return fmt.Appendf(b, format, a...)
	})
	r("Print", func(a ...any) (int, error) { return fmt.Fprint(os.Stdout, spaced(a)...) })
	r("Sprint", func(a ...any) string { weighed(a); return fmt.Sprint(spaced(a)...) })
	r("Sprintln", func(a ...any) string { weighed(a); return fmt.Sprintln(a...) })
	r("Fprint", func(w io.Writer, a ...any) (int, error) { return fmt.Fprint(w, spaced(a)...) })
	bind.Replace("log", "Printf", func(format string, a ...any) {
		format, a = formatted(format, a)
		log.Printf(format, a...)
	})
})

// weigh is the Affordable of the engine that was made last: one process has one, except in tests.
var weigh atomic.Pointer[func(size, n int)]

// weighed asks for room for the texts that fmt is to put together, where they are large: it holds them up to four
// times, and Go would end the process.
func weighed(args []any) {
	n := 0
	for _, a := range args {
		switch a := a.(type) {
		case string:
			n += len(a)
		case []byte:
			n += len(a)
		}
	}
	if f := weigh.Load(); n > heavy && f != nil {
		(*f)(1, 4*n)
	}
}
