package datasets

import (
	"path/filepath"
	"testing"
)

// TestJoinAbsolute: an absolute part begins anew, as Python's pathlib has it.
func TestJoinAbsolute(t *testing.T) {
	if !filepath.IsAbs("/tmp") {
		t.Skip("absolute paths look otherwise here")
	}
	for _, c := range []struct {
		got  Path
		want string
	}{
		{NewPath("data").Join("a", "b"), "data/a/b"},
		{NewPath("data").Join("/tmp/x.csv"), "/tmp/x.csv"},
		{NewPath("data").Join("models", "/tmp", "best"), "/tmp/best"},
		{NewPath("a", "/b", "/c", "d"), "/c/d"},
		{NewPath("/a").Join(""), "/a"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
