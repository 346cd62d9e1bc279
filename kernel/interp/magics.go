package interp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/fastnb/go/kernel/lang"
)

// magic is a line that is not Go, at the top of a cell.
type magic struct {
	name, args, help string
	run              func(c *cellLines) error
}

// cellLines is what a magic sees and may change: the line it stands on and the cell below it.
type cellLines struct {
	s    *Session
	ctx  context.Context //nolint:containedctx // of the one cell that this describes
	args []string
	line string // what follows the name
	out  Output

	lines   []string // of the cell, from the top; magics become empty lines
	at      int      // the magic's own line
	timed   bool     // tell how long the rest takes
	profile bool     // show where its time goes
	capture string   // the variable that takes what the rest prints, "-" for none
	silent  bool     // what the rest prints is captured
}

// below takes the rest of the cell out of it.
func (c *cellLines) below() string {
	rest := strings.Join(c.lines[c.at+1:], "\n")
	c.lines = c.lines[:c.at+1]
	return rest
}

var magicList []magic

func init() {
	note := func(what string) func(*cellLines) error {
		return func(*cellLines) error {
			fmt.Println(what)
			return nil
		}
	}
	magicList = []magic{
		{"cd", "[FOLDER]", "change the working folder (none: the home folder)", changeDir},
		{"env", "[NAME[=VALUE]]", "show the environment, a variable of it, or set one", environment},
		{"device", "[NAME]", "list the devices, or choose the one of learners made from now on: auto, cpu, cuda, cuda:1, opencl", chooseDevice},
		{"errors", "auto|explicit", "auto: an error that no variable takes fails the cell; explicit: plain Go", errorRule},
		{"capture", "[NAME]", "keep what the cell prints to itself, in a string variable if named", captureRest},
		{"load", "FILE", "put a file's text into the next cell", loadFile},
		{"modules", "", "list the modules that this kernel was built with, and tell how to add one", modules},
		{"pkgs", "", "list the packages that cells can import", func(*cellLines) error {
			fmt.Println(strings.ReplaceAll(lang.Available(), ", ", "\n"))
			return nil
		}},
		{"profile", "[CODE]", "run the code, or the cell, and show where the time of its learners goes: by operation and layer, forward and backward", profileRest},
		{"%profile", "", "the same as %profile", profileRest},
		{"reset", "", "forget all variables, functions, types and imports", func(c *cellLines) error { return c.s.reset() }},
		{"time", "[CODE]", "run the code, or the cell, and tell how long it took", timeRest},
		{"%time", "", "the same as %time", timeRest},
		{"timeit", "[CODE]", "run the code, or the cell, many times and tell how long one takes", timeMany},
		{"version", "", "tell the versions", version},
		{"who", "", "list the names that cells have declared", who},
		{"%writefile", "FILE", "write the rest of the cell to a file", writeFile},
		{"go111module", "on|off", "accepted for gophernotes' notebooks; packages are compiled in", func(c *cellLines) error {
			if len(c.args) != 1 || c.args[0] != "on" && c.args[0] != "off" {
				return errors.New("%go111module wants on or off")
			}
			return nil
		}},
		{"help", "", "list these commands", func(*cellLines) error { fmt.Print(magicHelp()); return nil }},
		{"matplotlib", "[...]", "accepted for IPython's notebooks: charts show by themselves", note("%matplotlib: not needed, charts show by themselves")},
		{"reload_ext", "[...]", "accepted for IPython's notebooks: there are no extensions", note("%reload_ext: not needed, there are no extensions")},
		{"autoreload", "[...]", "accepted for IPython's notebooks: packages are compiled in", note("%autoreload: not needed, packages are compiled in")},
		{"debug", "[...]", "accepted for IPython's notebooks: there is no debugger", note("%debug: there is no debugger; print what you want to see")},
	}
}

func magicHelp() string {
	var b strings.Builder
	b.WriteString("Lines at the top of a cell that are not Go:\n")
	for _, m := range magicList {
		fmt.Fprintf(&b, "  %-28s %s\n", strings.TrimSpace("%"+m.name+" "+m.args), m.help)
	}
	fmt.Fprintf(&b, "  %-28s %s\n", "$ COMMAND [ARGS]", "run a program (no shell) and show its output")
	fmt.Fprintf(&b, "  %-28s %s\n", "NAME?", "show what a name is: declaration, comment, value")
	return b.String()
}

// magics runs the lines at the top of a cell that are not Go. In what it gives, empty lines stand in
// their place, so that line numbers stay.
func (s *Session) magics(ctx context.Context, code string, out Output) (*cellLines, error) {
	c := &cellLines{s: s, ctx: ctx, out: out, lines: strings.Split(code, "\n")}
	for c.at = 0; c.at < len(c.lines); c.at++ {
		t := strings.TrimSpace(c.lines[c.at])
		if t == "" {
			continue
		}
		var err error
		switch t[0] {
		case '%':
			c.lines[c.at] = ""
			err = c.magic(t[1:])
		case '$':
			c.lines[c.at] = ""
			err = s.command(ctx, t[1:])
		default:
			name := asked(t)
			if name == "" {
				return c, nil
			}
			c.lines[c.at] = ""
			err = c.answer(name)
		}
		if err != nil {
			var e *CellError
			if !errors.As(err, &e) {
				e = &CellError{Name: "error", Value: err.Error(), Line: c.at + 1, Column: 1}
			}
			return c, e.finish(code)
		}
	}
	return c, nil
}

// magic runs one line, and puts the code of one like `%time CODE` in its place.
func (c *cellLines) magic(line string) error {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	for _, m := range magicList {
		if m.name == name {
			c.line, c.args = strings.TrimSpace(rest), strings.Fields(rest)
			return m.run(c)
		}
	}
	return unknownMagic(name)
}

// unknownMagic is the error of a command that there is not, with what may be meant.
func unknownMagic(name string) error {
	var all []string
	for _, m := range magicList {
		all = append(all, m.name)
	}
	e := fmt.Sprintf("unknown command %%%s", name)
	switch like := alike(name, all); {
	case like != "":
		return fmt.Errorf("%s (did you mean %%%s? %%help lists all)", e, like)
	case strings.HasPrefix(name, "%"):
		return fmt.Errorf("%s (%%help lists all: cells are Go)", e)
	}
	if _, err := exec.LookPath(name); err == nil {
		return fmt.Errorf("%s (%%help lists all; $ %s runs the program)", e, name)
	}
	return fmt.Errorf("%s (%%help lists all)", e)
}

var question = regexp.MustCompile(`^(?:\?{1,2}\s*([\pL_][\pL\d_.]*)|([\pL_][\pL\d_.]*)\?{1,2})$`)

// asked is the name that a line asks about, as IPython's `name?` and `?name` do; "" if it does not ask.
func asked(line string) string {
	m := question.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// pager is a front end that can show a text beside the cell's output.
type pager interface{ Page(text string) }

// answer shows what there is to say about a name.
func (c *cellLines) answer(name string) error {
	text := c.s.describe("", name)
	if text == "" {
		return &CellError{Name: "error", Value: "undefined: " + name, Line: c.at + 1, Column: 1, Hint: c.s.undefinedHint(name)}
	}
	if p, ok := c.out.(pager); ok {
		p.Page(text)
		return nil
	}
	fmt.Println(text)
	return nil
}

// command runs a program with its output going to the cell's. An interrupt ends it and what it has started.
func (s *Session) command(ctx context.Context, line string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return errors.New("no command after $")
	}
	c := exec.CommandContext(ctx, f[0], f[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	stop := together(c)
	defer stop()
	if err := c.Run(); err != nil {
		return fmt.Errorf("error waiting for command %q: %w", f[0], err)
	}
	return nil
}
