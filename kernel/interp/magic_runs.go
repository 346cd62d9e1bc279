package interp

import (
	"bytes"
	"errors"
	"fmt"
	"go/types"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
	"github.com/fastnb/go/kernel/lang"
)

// What the magics do, one function each.

func changeDir(c *cellLines) error {
	dir, err := os.UserHomeDir()
	if c.line != "" {
		dir, err = c.line, nil
	}
	if err == nil {
		err = os.Chdir(dir)
	}
	return err
}

func environment(c *cellLines) error {
	name, value, set := strings.Cut(c.line, "=")
	name = strings.TrimSpace(name)
	switch {
	case c.line == "":
		all := os.Environ()
		sort.Strings(all)
		fmt.Println(strings.Join(all, "\n"))
	case set:
		return os.Setenv(name, strings.TrimSpace(value))
	default:
		v, ok := os.LookupEnv(name)
		if !ok {
			return fmt.Errorf("%%env: %s is not set", name)
		}
		fmt.Println(v)
	}
	return nil
}

func errorRule(c *cellLines) error {
	if len(c.args) != 1 || c.args[0] != "auto" && c.args[0] != "explicit" {
		return errors.New("%errors wants auto or explicit")
	}
	c.s.strict = c.args[0] == "explicit"
	return nil
}

func captureRest(c *cellLines) error {
	if len(c.args) > 1 || len(c.args) == 1 && !isName(c.args[0]) {
		return errors.New("%capture wants one name, or none")
	}
	c.silent = true
	if len(c.args) == 1 {
		c.capture = c.args[0]
	}
	return nil
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// captured collects what a cell prints; what it displays is dropped.
type captured struct {
	Output
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *captured) Stream(_, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(text)
}
func (c *captured) Display(cell.Bundle, cell.Bundle, string, bool) error { return nil }
func (c *captured) ClearOutput(bool) error                               { return nil }

// nextInput is a front end that can put text into the next cell.
type nextInput interface{ NextInput(text string) }

func loadFile(c *cellLines) error {
	if c.line == "" {
		return errors.New("%load wants a file")
	}
	b, err := os.ReadFile(c.line)
	if err != nil {
		return fmt.Errorf("%%load: %w", err)
	}
	to, ok := c.out.(nextInput)
	if !ok {
		return errors.New("%load: there is no next cell here")
	}
	to.NextInput(string(bytes.ToValidUTF8(b, []byte("\uFFFD"))))
	return nil
}

func timeRest(c *cellLines) error {
	c.timed = true
	return c.goOn()
}

// goOn puts the code that follows a magic in its place.
func (c *cellLines) goOn() error {
	if c.line != "" {
		c.lines[c.at] = c.line
		c.at-- // it is Go now: the loop over the lines ends there
	}
	return nil
}

// timeMany runs code often enough to tell times as short as one statement's.
func timeMany(c *cellLines) error {
	code := c.line
	if code == "" {
		code = c.below()
	}
	const name = "timed\u02b9"
	if _, err := c.s.eval(c.ctx, name+" := func() {\n"+code+"\n}"); err != nil {
		e := wrap(err, c.s.last, code)
		e.Line += c.at
		return e
	}
	f := c.s.e.Func(name)
	if f == nil {
		return errors.New("%timeit: the code is no statement")
	}
	run := func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if err := c.s.guard(f); err != nil {
				return 0, err
			}
		}
		return time.Since(start), c.ctx.Err()
	}
	n := 1
	for {
		d, err := run(n)
		if err != nil {
			return err
		}
		if d > 100*time.Millisecond || n >= 1e8 {
			break
		}
		n *= 10
	}
	const rounds = 5
	var each [rounds]float64
	mean, spread := 0.0, 0.0
	for i := range each {
		d, err := run(n)
		if err != nil {
			return err
		}
		each[i] = float64(d) / float64(n)
		mean += each[i] / rounds
	}
	for _, e := range each {
		spread += (e - mean) * (e - mean) / rounds
	}
	fmt.Printf("%v ± %v per run (%d rounds of %d)\n", short(mean), short(math.Sqrt(spread)), rounds, n)
	return nil
}

// guard calls a function of a cell and gives its panic as an error.
func (s *Session) guard(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &lang.PanicError{Value: r}
		}
	}()
	f()
	return nil
}

// short is a duration with three digits.
func short(ns float64) time.Duration {
	unit := time.Duration(1)
	for ns >= 1000*float64(unit) {
		unit *= 10
	}
	return time.Duration(ns).Round(unit)
}

// Version is what %version and the kernel's info say.
const Version = "0.1"

func version(*cellLines) error {
	fmt.Printf("fastnb %s, %s %s/%s\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasPrefix(d.Path, "gorgonia.org/") || strings.HasSuffix(d.Path, "/gomacro") {
				fmt.Println(d.Path, d.Version)
			}
		}
	}
	return nil
}

// who lists what cells declared, of each its type.
func who(c *cellLines) error {
	var lines []string
	for name, o := range c.s.e.Scope() {
		if !c.s.own(name) {
			continue
		}
		switch o := o.(type) {
		case *types.PkgName:
		case *types.TypeName:
			lines = append(lines, fmt.Sprintf("%-16s type of %s", name, kindWord(o.Type())))
		default:
			lines = append(lines, fmt.Sprintf("%-16s %s", name, lang.Spelled(o.Type())))
		}
	}
	if len(lines) == 0 {
		fmt.Println("no names declared")
		return nil
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
	return nil
}

// kindWord is what a type is made of, in a word.
func kindWord(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Name()
	case *types.Struct:
		return "struct"
	case *types.Interface:
		return "interface"
	case *types.Slice:
		return "slice"
	case *types.Array:
		return "array"
	case *types.Map:
		return "map"
	case *types.Chan:
		return "chan"
	case *types.Pointer:
		return "ptr"
	}
	return "func"
}

// own reports whether a name is one that cells can have declared.
func (s *Session) own(name string) bool {
	return !strings.Contains(name, "\u02b9") && name != "_" && name != ""
}

// reset starts the interpreter anew.
func (s *Session) reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start()
}

// writeFile writes the cell below it, under a temporary name first.
func writeFile(c *cellLines) error {
	if c.line == "" {
		return errors.New("%%writefile wants a file")
	}
	text := c.below()
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if err := replaceFile(c.line, text); err != nil {
		return fmt.Errorf("%%%%writefile: %w", err)
	}
	fmt.Println("wrote", c.line)
	return nil
}

// replaceFile writes a file as a whole. Its permissions stay what they are, and a link goes on leading to it.
func replaceFile(name, text string) error {
	if to, err := filepath.EvalSymlinks(name); err == nil {
		name = to
	}
	return whole.WriteBytes(name, []byte(text))
}
