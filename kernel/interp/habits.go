package interp

import (
	"regexp"
	"strings"
)

// habit is something that people write who come from Python's notebooks, and what Go has in its place.
type habit struct {
	msg  string         // how the error begins
	line *regexp.Regexp // what the line looks like; nil: any
	hint string
}

// habits are looked at in their order; the first that fits is the hint.
var habits = []habit{
	{"", regexp.MustCompile(`^\s*(import\s+[\w.]+(\s+as\s+\w+)?|from\s+[\w.]+\s+import\b.*)$`), `Cells are Go: import "strings", and the library is there without an import.`},
	{"", regexp.MustCompile(`^\s*def\s+\w+\(`), "Cells are Go: func name(x int) int { return x }."},
	{"", regexp.MustCompile(`^\s*for\s+\w+(\s*,\s*\w+)?\s+in\b`), "Cells are Go: for i := range 3 { ... }, for i, x := range xs { ... }."},
	{"", regexp.MustCompile(`^\s*(if|elif|else|while|class|try|except|with|for)\b.*:\s*$`), "Cells are Go: a block stands in braces, if x == 1 { ... }."},
	{"", regexp.MustCompile(`\blambda\b`), "Cells are Go: func(x int) int { return x }."},
	{"expected statement, found '#'", nil, "Comments begin with //."},
	{"illegal character U+0023", nil, "Comments begin with //."},
	{"illegal rune literal", nil, `A text stands between double quotes: "text".`},
	{"more than one character in rune literal", nil, `A text stands between double quotes: "text".`},
	{"undefined: ", regexp.MustCompile(`^\s*!\s*\w`), "A program is run by $ at the top of a cell: $ ls -l."},
	{"illegal character U+003F", nil, "A name alone with a question mark shows what it is: strings.ToUpper?"},
	{"expected '==', found '='", regexp.MustCompile(`\(.*\w=[^=]`), "Options are functions: GetTransforms(FlipVert(true), MaxZoom(1.05))."},
	{"", regexp.MustCompile(`(^|[(=,\s])\[\s*(-?[\w."']+\s*(,|\]))`), "A list has a type: []int{1, 2, 3}, []string{\"a\", \"b\"}."},
	{"undefined: True", nil, "Go writes true."},
	{"undefined: False", nil, "Go writes false."},
	{"undefined: None", nil, "Go writes nil."},
	{"undefined: help", nil, "A name with a question mark shows what it is: strings.ToUpper?"},
	{"undefined: np", nil, "There is no numpy here: slices, gonum's mat and stat, and tensors do its work."},
	{"undefined: exit", nil, "The kernel is shut down or restarted from the notebook's menu."},
	{"undefined: quit", nil, "The kernel is shut down or restarted from the notebook's menu."},
}

// unlearn is the hint for an error that a habit from Python made, or "". Only what did not parse is judged
// by its looks.
func unlearn(msg, line string, parsed bool) string {
	for _, h := range habits {
		fits := strings.HasPrefix(msg, h.msg) && (h.line == nil || h.line.MatchString(line))
		if fits && (h.msg != "" || !parsed) {
			return h.hint
		}
	}
	return ""
}
