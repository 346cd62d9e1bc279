// Package ptx holds the PTX of the kernels' units, made by internal/genptx (make generate-ptx).
package ptx

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
)

//go:embed *.ptx.gz
var files embed.FS

// Text is the PTX of a unit, as the driver takes it but for the zero byte behind it.
func Text(unit string) (string, error) {
	f, err := files.Open(unit + ".ptx.gz")
	if err != nil {
		return "", fmt.Errorf("cuda: unit %s: no PTX was made of it (try make generate-ptx)", unit)
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		return "", fmt.Errorf("cuda: unit %s: %w", unit, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("cuda: unit %s: %w", unit, err)
	}
	return string(text), nil
}
