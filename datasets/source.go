package datasets

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/internal/whole"
)

// Where a data set came from.
const (
	sourceReal   = "real"
	sourceMirror = "mirror"
	sourceTwin   = "twin"
)

// origin is kept in a hidden file beside a data set's folder.
type origin struct {
	Source string `json:"source"`
	From   string `json:"from,omitempty"`  // address or archive
	Items  int    `json:"items,omitempty"` // of a twin
	Size   string `json:"size,omitempty"`  // of a twin's pictures, heightxwidth
}

func originFile(dir Path) string {
	return filepath.Join(filepath.Dir(dir.p), "."+filepath.Base(dir.p)+".json")
}

// note remembers where dir came from.
func note(dir Path, o origin) error {
	t, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(originFile(dir), append(t, '\n'))
}

func readOrigin(dir Path) (o origin, ok bool) {
	t, err := os.ReadFile(originFile(dir))
	return o, err == nil && json.Unmarshal(t, &o) == nil
}

// Source tells where the data set that holds path came from: "real" (its own address, or put there
// by hand), "mirror" (FASTNB_MIRROR) or "twin" (generated).
func Source(path Path) string {
	for p := filepath.Clean(path.p); ; p = filepath.Dir(p) {
		if o, ok := readOrigin(Path{p}); ok && o.Source != "" {
			return o.Source
		}
		if p == filepath.Dir(p) || filepath.Base(p) == p {
			break
		}
	}
	for _, part := range strings.Split(filepath.ToSlash(path.p), "/") {
		if strings.HasSuffix(part, twinSuffix) {
			return sourceTwin
		}
	}
	return sourceReal
}

// writeFile puts a whole file in place at once: readers see the old one or the new one.
func writeFile(name string, content []byte) error {
	if err := whole.WriteBytes(name, content); err != nil {
		return fmt.Errorf("writing %s: %w", name, explain(err, filepath.Dir(name), int64(len(content))))
	}
	return nil
}
