package datasets

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/fastnb/go/internal/whole"
)

// maxWeights is the most that a file of weights may unpack to.
const maxWeights = 8 << 30

// WeightsFromArchive gives a file of pretrained weights that no address serves: from models/ under the
// home or from a FASTNB_MIRROR folder, or out of the zip archive that holds it, looked for in the same
// places and unpacked into models/. sha256 is the start of the file's SHA-256 sum in hex. If neither is there the
// error has ErrUnavailable in its chain and says how to bring the archive: hint.
func WeightsFromArchive(name, sha256, archive, hint string) (Path, error) {
	fail := func(err error) (Path, error) {
		return Path{}, fmt.Errorf("fastnb: pretrained weights: %s: %w", name, err)
	}
	for _, n := range []string{name, archive} {
		if err := checkName(n); err != nil {
			return fail(err)
		}
	}
	f := file{dest: modelsDir().Join(name).p, sha256: sha256}
	if p, ok, err := weightsHere(f, name); ok || err != nil {
		if err != nil {
			return fail(err)
		}
		return p, nil
	}
	from, ok, err := weightsHere(file{dest: modelsDir().Join(archive).p}, archive)
	if err != nil {
		return fail(err)
	}
	if !ok {
		return fail(fmt.Errorf("%w: neither the file nor %s is in %s (try %s)", ErrUnavailable, archive, modelsDir().p, hint))
	}
	if err := unpackOne(from.p, name, f); err != nil {
		return fail(fmt.Errorf("%s: %w", from.p, err))
	}
	return Path{f.dest}, nil
}

// unpackOne takes the entry with the base name `name` out of a zip archive to f.dest, under another name
// until its sum is found right.
func unpackOne(archive, name string, f file) (err error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }() // only read
	for _, e := range z.File {
		if path.Base(e.Name) != name {
			continue
		}
		in, err := e.Open()
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
		if err := os.MkdirAll(filepath.Dir(f.dest), 0o777); err != nil {
			return err
		}
		return writeChecked(in, f)
	}
	return fmt.Errorf("it holds no %s", name)
}

func writeChecked(in io.Reader, f file) error {
	return whole.Write(f.dest, func(w io.Writer) error {
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(in, maxWeights))
		if err != nil {
			return err
		}
		if n == maxWeights {
			return fmt.Errorf("it unpacks to more than %s", sizeText(maxWeights))
		}
		return sameSum(f.sha256, sum)
	})
}
