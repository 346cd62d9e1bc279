package datasets

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fastnb/go/cell"
)

// shaInName finds the start of the SHA-256 sum that PyTorch puts into the names of weight files:
// resnet34-333f7ec4.pth.
var shaInName = regexp.MustCompile(`-([0-9a-f]{8,64})\.[a-z0-9]+$`)

// Weights gives the file of pretrained weights that address names, fetching it first if need be: from
// models/ under the home, from the FASTNB_MIRROR (the same file name), or from address. sha256 is
// the start of the file's SHA-256 sum in hex; "" takes it from the name, and if there is none
// the file is not checked. Offline, or when the address cannot be reached, the error has
// ErrUnavailable in its chain.
func Weights(address, sha256 string) (Path, error) {
	name := path.Base(strings.SplitN(address, "?", 2)[0])
	fail := func(err error) (Path, error) {
		return Path{}, fmt.Errorf("fastnb: pretrained weights: %s: %w", name, err)
	}
	if err := checkName(name); err != nil {
		return fail(err)
	}
	if m := shaInName.FindStringSubmatch(name); sha256 == "" && m != nil {
		sha256 = m[1]
	}
	f := file{address: address, dest: modelsDir().Join(name).p, sha256: sha256}
	if _, err := os.Stat(f.dest); err == nil {
		if err := f.check(f.dest); err != nil {
			return fail(fmt.Errorf("%s: %w (remove the file and try again)", f.dest, err))
		}
		return Path{f.dest}, nil
	}
	if m := mirror(); m != "" && !isURL(m) {
		local := filepath.Join(m, name)
		if _, err := os.Stat(local); err == nil {
			if err := f.check(local); err != nil {
				return fail(fmt.Errorf("%s: %w", local, err))
			}
			return Path{local}, nil
		}
	}
	if Offline() {
		return fail(fmt.Errorf("%w: FASTNB_OFFLINE is set (try putting the file into %s)", ErrUnavailable, modelsDir().p))
	}
	if err := os.MkdirAll(modelsDir().p, 0o777); err != nil {
		return fail(explain(err, modelsDir().p, 0))
	}
	unlock, err := lock(cell.Context(), modelsDir().Join("."+name+".lock").p)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if m := mirror(); isURL(m) {
		g := f
		g.address = m + "/" + name
		if err := download(cell.Context(), g); err == nil || !errors.Is(err, ErrUnavailable) {
			return Path{f.dest}, wrapWeights(name, err)
		}
	}
	if err := download(cell.Context(), f); err != nil {
		return fail(fmt.Errorf("%w (try downloading %s by hand into %s)", err, address, modelsDir().p))
	}
	return Path{f.dest}, nil
}

func wrapWeights(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("fastnb: pretrained weights: %s: %w", name, err)
}
