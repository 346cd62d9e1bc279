package badinput

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
)

var update = flag.Bool("update", false, "write docs/bad-input.md anew")

const page = "../../docs/bad-input.md"

// mistake is a row of the page.
type mistake struct {
	input string // what is wrong
	after string // what is left and what goes on
	make  func(d *desk) error
	// vary rewrites what differs between machines; nil for nothing.
	vary func(msg string) string
	only string // systems on which it can be made: "" all, "unix", "linux"
}

// TestMain serves as the second kernel too.
func TestMain(m *testing.M) {
	flag.Parse()
	if address := os.Getenv(secondKernel); address != "" {
		p, err := datasets.UntarData(datasets.URL{Name: "flowers", Address: address})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestPage makes each mistake and compares what is said with the page.
func TestPage(t *testing.T) {
	old, err := os.ReadFile(page)
	if err != nil && !*update {
		t.Fatal(err)
	}
	rows := []string{}
	for _, m := range mistakes() {
		t.Run(m.input, func(t *testing.T) {
			msg, made := m.message(t)
			if !made { // not on this system: the page's row stands
				if row := rowOf(string(old), m.input); row != "" {
					rows = append(rows, row)
				}
				return
			}
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s |", m.input, msg, m.after))
		})
	}
	if t.Failed() {
		return
	}
	got := head + strings.Join(rows, "\n") + "\n"
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(string(old), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s does not tell what is said (go test ./internal/badinput -update writes it anew):\n%s", filepath.Base(page), d)
	}
}

// head is the page above its rows.
const head = `# Bad input

What a cell says when something is wrong, and what is left. Each row is made and compared by ` + "`go test ./internal/badinput`" + `,
which also writes this page (` + "`-update`" + `). ` + "`/there`" + ` stands for the folders of the test, ` + "`N`" + ` for figures of the machine. Broken messages, clients and cells: [kernel-bad-input.md](kernel-bad-input.md).

| what is wrong | what the cell says | what is left |
|---|---|---|
`

func rowOf(page, input string) string {
	for _, l := range strings.Split(page, "\n") {
		if strings.HasPrefix(l, "| "+input+" |") {
			return l
		}
	}
	return ""
}

// message makes the mistake.
func (m mistake) message(t *testing.T) (msg string, made bool) {
	if !here(m.only) {
		return "", false
	}
	d := newDesk(t)
	err := m.make(d)
	if err == nil {
		t.Fatal("no error")
	}
	msg = d.clean(err.Error())
	if m.vary != nil {
		msg = m.vary(msg)
	}
	if strings.ContainsAny(msg, "\n|`") {
		t.Errorf("not one line: %q", msg)
	}
	return msg, true
}
