package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
)

// startDir is where the process started; notebooks may change the folder later.
var startDir, _ = os.Getwd()

// fromStart makes a folder named in the environment absolute.
func fromStart(dir string) string {
	if filepath.IsAbs(dir) || startDir == "" {
		return dir
	}
	return filepath.Join(startDir, dir)
}

// Home is the folder for everything fastnb keeps: FASTNB_HOME, by default ~/.fastnb.
func Home() Path {
	if h := os.Getenv("FASTNB_HOME"); h != "" {
		return NewPath(fromStart(h))
	}
	h, err := os.UserHomeDir()
	if err != nil {
		return NewPath(os.TempDir(), "fastnb")
	}
	return NewPath(h, ".fastnb")
}

// DataPath is the folder of the named data set, Home/data/name. It makes the folder if it is not
// there. An impossible name or a home that cannot be written is an error.
func DataPath(name string) (Path, error) {
	if err := checkName(name); err != nil {
		return Path{}, fmt.Errorf("fastnb: data folder: %w", err)
	}
	p := dataDir().Join(name)
	if err := os.MkdirAll(p.p, 0o777); err != nil {
		return Path{}, fmt.Errorf("fastnb: data folder: %s: %w", name, explain(err, p.p, 0))
	}
	return p, nil
}

func dataDir() Path { return Home().Join("data") }

func modelsDir() Path { return Home().Join("models") }

// Offline reports whether FASTNB_OFFLINE forbids to fetch anything.
func Offline() bool { v := os.Getenv("FASTNB_OFFLINE"); return v != "" && v != "0" }

// mirror is FASTNB_MIRROR: an absolute folder or a base address, or "".
func mirror() string {
	m := os.Getenv("FASTNB_MIRROR")
	if m == "" || isURL(m) {
		return strings.TrimRight(m, "/")
	}
	return fromStart(m)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// checkName refuses names that are not one plain element of a path.
func checkName(name string) error {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\:*?"<>|`) {
		return fmt.Errorf("%q is not a name of a data set", name)
	}
	return nil
}

// explain adds to an error of the file system what can be done about it: a full disk (need is the
// number of bytes still wanted, 0 when unknown), a folder that may not be written.
func explain(err error, where string, need int64) error {
	switch {
	case whole.Full(err):
		free := "free some space"
		if need > 0 {
			free = "free at least " + sizeText(need)
		}
		return fmt.Errorf("%w (no room is left on the disk of %s: %s, or set FASTNB_HOME to a folder on another disk)", err, where, free)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (try setting FASTNB_HOME to a folder that you may write in)", err)
	}
	return err
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string { return cell.SizeText(n) }
