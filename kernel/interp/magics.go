package interp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// magic is a line that is not Go, at the top of a cell.
type magic struct {
	name, args, help string
	run              func(s *Session, args []string) error
}

var magicList []magic

func init() {
	note := func(what string) func(*Session, []string) error {
		return func(*Session, []string) error {
			fmt.Println(what)
			return nil
		}
	}
	magicList = []magic{
		{"cd", "[FOLDER]", "change the working folder (none: the home folder)", func(_ *Session, a []string) error {
			dir, err := os.UserHomeDir()
			if len(a) > 0 {
				dir, err = strings.Join(a, " "), nil
			}
			if err == nil {
				err = os.Chdir(dir)
			}
			return err
		}},
		{"errors", "auto|explicit", "auto: an error that no variable takes fails the cell; explicit: plain Go", func(s *Session, a []string) error {
			if len(a) != 1 || a[0] != "auto" && a[0] != "explicit" {
				return errors.New("%errors wants auto or explicit")
			}
			s.strict = a[0] == "explicit"
			return nil
		}},
		{"go111module", "on|off", "accepted for gophernotes' notebooks; packages are compiled in", func(_ *Session, a []string) error {
			if len(a) != 1 || a[0] != "on" && a[0] != "off" {
				return errors.New("%go111module wants on or off")
			}
			return nil
		}},
		{"help", "", "list these commands", func(*Session, []string) error { fmt.Print(magicHelp()); return nil }},
		{"matplotlib", "[...]", "accepted for IPython's notebooks: charts show by themselves", note("%matplotlib: not needed, charts show by themselves")},
		{"reload_ext", "[...]", "accepted for IPython's notebooks: there are no extensions", note("%reload_ext: not needed, there are no extensions")},
		{"autoreload", "[...]", "accepted for IPython's notebooks: packages are compiled in", note("%autoreload: not needed, packages are compiled in")},
	}
}

func magicHelp() string {
	var b strings.Builder
	b.WriteString("Lines at the top of a cell that are not Go:\n")
	for _, m := range magicList {
		fmt.Fprintf(&b, "  %-28s %s\n", strings.TrimSpace("%"+m.name+" "+m.args), m.help)
	}
	fmt.Fprintf(&b, "  %-28s %s\n", "$ COMMAND [ARGS]", "run a program (no shell) and show its output")
	return b.String()
}

// magics runs the lines at the top of a cell that are not Go and gives the cell without them; empty
// lines stand in their place, so that line numbers stay.
func (s *Session) magics(ctx context.Context, code string) (string, error) {
	lines := strings.Split(code, "\n")
	for i, l := range lines {
		t := strings.TrimSpace(l)
		if t == "" {
			continue
		}
		var err error
		switch t[0] {
		case '%':
			err = s.magic(t[1:])
		case '$':
			err = s.command(ctx, t[1:])
		default:
			return strings.Join(lines, "\n"), nil
		}
		if err != nil {
			return "", (&CellError{Name: "error", Value: err.Error(), Line: i + 1, Column: 1}).finish(code)
		}
		lines[i] = ""
	}
	return strings.Join(lines, "\n"), nil
}

func (s *Session) magic(line string) error {
	f := strings.Fields(line)
	if len(f) > 0 {
		for _, m := range magicList {
			if m.name == f[0] {
				return m.run(s, f[1:])
			}
		}
	}
	return fmt.Errorf("unknown command %%%s\n%s", strings.TrimSpace(line), magicHelp())
}

// command runs a program with its output going to the cell's.
func (s *Session) command(ctx context.Context, line string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return errors.New("no command after $")
	}
	c := exec.CommandContext(ctx, f[0], f[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("error waiting for command %q: %w", f[0], err)
	}
	return nil
}
