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
	if p, ok, err := weightsHere(f, name); ok || err != nil {
		if err != nil {
			return fail(err)
		}
		return p, nil
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
	var answer error
	if m := mirror(); isURL(m) {
		g := f
		g.address = m + "/" + name
		if answer = download(cell.Context(), g); answer == nil {
			return Path{f.dest}, nil
		}
		if !errors.Is(answer, ErrUnavailable) {
			return fail(answer)
		}
	}
	if err := download(cell.Context(), f); err != nil {
		if answer != nil {
			err = fmt.Errorf("%w; the mirror before that: %w", err, answer)
		}
		return fail(fmt.Errorf("%w (try downloading %s by hand into %s)", err, address, modelsDir().p))
	}
	return Path{f.dest}, nil
}

// WeightsHere gives a file of pretrained weights that lies in models/ under the home, or in the FASTNB_MIRROR
// where that is a folder, and whether it does. A sum in its name is checked.
func WeightsHere(name string) (p Path, ok bool, err error) {
	if err = checkName(name); err == nil {
		f := file{dest: modelsDir().Join(name).p}
		if m := shaInName.FindStringSubmatch(name); m != nil {
			f.sha256 = m[1]
		}
		p, ok, err = weightsHere(f, name)
	}
	if err != nil {
		err = fmt.Errorf("fastnb: pretrained weights: %s: %w", name, err)
	}
	return p, ok, err
}

// weightsHere looks for the file in models/ and in a mirror that is a folder.
func weightsHere(f file, name string) (p Path, ok bool, err error) {
	places := []string{f.dest}
	if m := mirror(); m != "" && !isURL(m) {
		places = append(places, filepath.Join(m, name))
	}
	for _, place := range places {
		if _, err := os.Stat(place); err != nil {
			continue
		}
		if err := f.check(place); err != nil {
			return Path{}, false, fmt.Errorf("%s: %w (remove the file and try again)", place, err)
		}
		return Path{place}, true, nil
	}
	return Path{}, false, nil
}
