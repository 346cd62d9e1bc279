package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fastnb": main})
}

// TestScripts runs testdata/*.txt, each a session at a terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.SplitList(e.Getenv("PATH"))[0]) // fastnb, and no Jupyter of the machine's
			e.Setenv("FASTNB_HOME", e.WorkDir+"/home")
			e.Setenv("FASTNB_OFFLINE", "1")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}
