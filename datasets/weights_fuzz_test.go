package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// FuzzWeightsArchive takes weights out of any bytes as a zip archive: what is there then is what the sum says, or
// nothing is.
func FuzzWeightsArchive(f *testing.F) {
	const body = "the weights"
	good := zipOf(f, entry{name: "pkg/w.safetensors", body: body}, entry{name: "pkg/other", body: "x"})
	for _, b := range [][]byte{
		good, good[:len(good)/2], zipOf(f, entry{name: "../w.safetensors", body: body}), zipOf(f, entry{name: "w.safetensors", body: "others"}),
		zipOf(f, entry{name: "w.safetensors", target: "/etc/passwd"}), zipOf(f, entry{name: "a", body: body}), nil, []byte("PK\x05\x06"),
	} {
		f.Add(b)
	}
	sum := sha256.Sum256([]byte(body))
	want := hex.EncodeToString(sum[:])[:8]
	f.Fuzz(func(t *testing.T, b []byte) {
		defer inTime(t)()
		dir := t.TempDir()
		archive := put(t, filepath.Join(dir, "a.whl"), b)
		dest := filepath.Join(dir, "models", "w.safetensors")
		err := unpackOne(archive.p, "w.safetensors", file{dest: dest, sha256: want})
		if got, e := os.ReadFile(dest); err == nil && string(got) != body || err != nil && e == nil {
			t.Errorf("there is %q, error %v", got, err)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "models")); len(left) > 1 {
			t.Errorf("left behind: %v", left)
		}
	})
}
