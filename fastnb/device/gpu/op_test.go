package gpu

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every op that devices are told of has a lowering, so that none runs on the host.
func TestEveryOpHasALowering(t *testing.T) {
	line := regexp.MustCompile(`^//\t([a-z][a-z0-9_]*(?:, [a-z][a-z0-9_]*)*)\s`)
	seen := 0
	for _, file := range []string{"../attrs.go", "../attrs_text.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		table := string(text)
		from, to := strings.Index(table, "//\top "), strings.Index(table, "\ntype ")
		for _, l := range strings.Split(table[from:to], "\n")[1:] {
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			for _, op := range strings.Split(m[1], ", ") {
				seen++
				if ops[op] == nil {
					t.Errorf("%s: %q has no lowering", file, op)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d ops found in the tables", seen)
	}
}
