package program

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/internal/whole"
	"github.com/fastnb/go/plotting"
)

// out is where the running program's values go; nil outside Main.
var out *files

// Main runs the cells of the notebook of that name and ends the process: with status 1 and a line on
// the standard error if they fail. Pictures go to the folder of the flag -out, by default NAME-out.
// An interrupt ends what the notebook's interrupt button would: the fit, loader or download at work.
func Main(name string, cells func() error) {
	dir := flag.String("out", name+"-out", "folder for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *dir, cells)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, err)
		os.Exit(1)
	}
}

// run runs cells with their displays going to dir.
func run(ctx context.Context, dir string, cells func() error) error {
	plotting.SetStatic(true)
	out = &files{dir: dir, last: map[string]string{}}
	defer cell.Enter(ctx, out)()
	display.SetDisplay(func(d display.Data) error { return out.Display(d.Data, d.Metadata, "", false) })
	err := took(cells)
	out.flush()
	if err != nil && out.cell > 0 {
		err = fmt.Errorf("cell %d: %w", out.cell, err)
	}
	return err
}

// taken is an error on its way from Must to run.
type taken struct{ err error }

// took runs cells and gives their error, one that Must met too.
func took(cells func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			t, ok := r.(taken)
			if !ok {
				panic(r)
			}
			err = t.err
		}
	}()
	return cells()
}

// Must gives v, or ends the cell with err: the notebook's rule for calls inside others. It is for the goroutine that
// runs the cells.
func Must[T any](v T, err error) T {
	check(err)
	return v
}

// Must2 is Must for two values.
func Must2[T, U any](v T, u U, err error) (T, U) {
	check(err)
	return v, u
}

// Must3 is Must for three values.
func Must3[T, U, V any](v T, u U, w V, err error) (T, U, V) {
	check(err)
	return v, u, w
}

func check(err error) {
	if err != nil {
		panic(taken{err})
	}
}

// Cell says that the notebook's cell n (counted from 1, all kinds of cells) begins.
func Cell(n int) {
	if out == nil {
		return
	}
	out.flush()
	out.cell, out.count = n, 0
}

// Show shows the values of a cell's last expression as the notebook does: one that has other forms than
// text in these, the others as text on one line, nil values not at all. The error is the last value if
// that is one, or what a value's Err method gives.
func Show(values ...any) error {
	var shown []any
	for i, v := range values {
		if err, ok := v.(error); ok && i == len(values)-1 {
			return err
		}
		if e, ok := v.(interface{ Err() error }); ok && e.Err() != nil {
			return e.Err()
		}
		if v != nil {
			shown = append(shown, v)
		}
	}
	if len(shown) == 1 {
		if d, ok := display.Forms(shown[0]); ok {
			if d.Data["text/plain"] == nil {
				d.Data["text/plain"] = fmt.Sprint(shown[0])
			}
			return sink().Display(d.Data, d.Metadata, "", false)
		}
	}
	if len(shown) > 0 {
		out.flush()
		fmt.Println(strings.TrimSuffix(fmt.Sprintln(shown...), "\n"))
	}
	return nil
}

func sink() *files {
	if out == nil {
		out = &files{dir: ".", last: map[string]string{}}
	}
	return out
}

// Command runs a program, without a shell, with its output going where this program's goes.
func Command(name string, args ...string) error {
	sink().flush()
	c := exec.CommandContext(cell.Context(), name, args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("error waiting for command %q: %w", name, err)
	}
	return nil
}

// write writes a file of the output folder under a temporary name and renames it.
func write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := whole.WriteBytes(path, b); err != nil {
		return fmt.Errorf("writing %s: %w", path, whole.Reason(err, path))
	}
	return nil
}
