package data

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
)

// FuzzLoadData tries headers of saved data, with right lengths and checksums.
func FuzzLoadData(f *testing.F) {
	f.Add(`{"version":1,"state":{"kind":{"name":"x"},"label":{"name":"category","state":{"classes":["a"]}},"bs":4},"lists":[{"refs":["a"],"type":"int","labels":[0]},{"refs":[],"type":"none"}]}`, []byte{1, 2})
	f.Add(`{"version":1,"lists":[]}`, []byte{})
	f.Add(`{"version":999}`, []byte{})
	file := filepath.Join(f.TempDir(), "d.fastnb")
	f.Fuzz(func(t *testing.T, head string, rest []byte) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		b := binary.LittleEndian.AppendUint64([]byte(savedMagic), uint64(len(head)))
		b = append(append(b, head...), rest...)
		sum := sha256.Sum256(b)
		if err := os.WriteFile(file, append(b, sum[:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = LoadData(datasets.NewPath(filepath.Dir(file)), "d")
	})
}
