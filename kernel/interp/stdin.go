package interp

import (
	"errors"
	"fmt"
	"io"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/lang"
)

// lines is the standard input as cells see it: each line that is read is asked of the front end.
type lines struct{ rest []byte }

func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		line, err := cell.Input("")
		if errors.Is(err, cell.ErrInterrupted) {
			lang.Stop()
		}
		if err != nil {
			return 0, err
		}
		l.rest = append([]byte(line), '\n')
	}
	// One byte at a time: what Scan does not need stays for the next call.
	n := copy(p[:min(1, len(p))], l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// stdin is os.Stdin for cells. The process's own is a pipe that nobody writes to: reading it would wait for
// ever.
var stdin io.Reader = &lines{}

// replaceScanning has os.Stdin, and fmt's functions that read it, ask the front end.
func replaceScanning() {
	in := stdin
	bind.ReplaceVar("os", "Stdin", &stdin)
	bind.Replace("fmt", "Scan", func(a ...any) (int, error) { return fmt.Fscan(in, a...) })
	bind.Replace("fmt", "Scanln", func(a ...any) (int, error) { return fmt.Fscanln(in, a...) })
	bind.Replace("fmt", "Scanf", func(format string, a ...any) (int, error) { return fmt.Fscanf(in, format, a...) })
}
