package interp

import (
	"fmt"
	"go/types"
	"path"
	"regexp"
	"strings"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/lang"
)

// refused is the error of a cell that does not check, with what to do about it.
func (s *Session) refused(bad *lang.Error, code string) *CellError {
	e := &CellError{Name: "error", Value: bad.Msg, Line: bad.Line, Column: bad.Column, Hint: bad.Hint}
	if lines := strings.Split(code, "\n"); e.Line > 0 && e.Line <= len(lines) {
		e.Source = lines[e.Line-1]
	}
	if h := unlearn(e.Value, e.Source, bad.Checked); h != "" && bad.Hint == "" {
		e.Hint = h
		return e.finish(code)
	}
	if e.Hint == "" {
		if e.Hint = hint(e.Value); e.Hint == "" || strings.HasPrefix(e.Value, "undefined: ") {
			e.Hint = s.checkHint(bad, code)
		}
	}
	return e.finish(code)
}

var (
	noMember     = regexp.MustCompile(`^(.+?)\.(\w+) undefined \(type (.+) has no field or method \w+`)
	notInPackage = regexp.MustCompile(`^undefined: (\w+)\.(\w+)`)
	hiddenName   = regexp.MustCompile(`^name (\w+) not exported by package (\w+)$`)
	tooFew       = regexp.MustCompile(`(?s)^not enough arguments in call to .*\n\thave \((.*)\)\n\twant \((.*)\)`)
	unfit        = regexp.MustCompile(`(?s)^cannot use .* as (?:\[\])?([\w./]+) value in (argument to|variable|assignment)`)
	mismatch     = regexp.MustCompile(`^assignment mismatch: (\d+) variables? but (.+) returns (\d+) values?$`)
	severalIn    = regexp.MustCompile(`^multiple-value (.+) \(value of type \((.*), error\)\) in single-value context$`)
	mixedText    = regexp.MustCompile(`mismatched types (untyped )?(int|float|string|float64|number).* and (untyped )?(string|int|float|float64)`)
)

// checkHint is what to do about an error of the check; "" if there is nothing to say.
func (s *Session) checkHint(bad *lang.Error, code string) string {
	msg := bad.Msg
	if m := notInPackage.FindStringSubmatch(msg); m != nil {
		return s.packageHint(bad.Package, m[1], m[2])
	}
	if m := hiddenName.FindStringSubmatch(msg); m != nil {
		return s.packageHint(bad.Package, m[2], m[1])
	}
	if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
		if s.assignsTo(name, bad, code) {
			return fmt.Sprintf("A variable is made by := the first time: %s := ...", name)
		}
		return s.undefinedHint(name)
	}
	if m := noMember.FindStringSubmatch(msg); m != nil {
		return s.memberHint(m[1], m[2], bad)
	}
	if m := severalIn.FindStringSubmatch(msg); m != nil {
		return takeError
	}
	if m := mismatch.FindStringSubmatch(msg); m != nil {
		return takeError
	}
	if mixedText.MatchString(msg) {
		return `fmt.Sprint(1, "a") and strconv.Itoa(1) make texts of numbers.`
	}
	if m := tooFew.FindStringSubmatch(msg); m != nil {
		have := 0
		if m[1] != "" {
			have = 1 + strings.Count(m[1], ", ")
		}
		if want := strings.Split(m[2], ", "); have < len(want) {
			return made(s.fittingType(strings.TrimPrefix(want[have], "...")))
		}
	}
	if m := unfit.FindStringSubmatch(msg); m != nil {
		return made(s.fittingType(m[1]))
	}
	return ""
}

const takeError = "Take the error: x, err := ... (the notebook takes it for you only from statements of the cell itself, outside functions)."

// assignsTo reports whether the line of an error assigns to a name that nothing declares.
func (s *Session) assignsTo(name string, bad *lang.Error, code string) bool {
	lines := strings.Split(code, "\n")
	if bad.Line < 1 || bad.Line > len(lines) || bad.Column < 1 || bad.Column > len(lines[bad.Line-1]) {
		return false
	}
	rest, ok := strings.CutPrefix(lines[bad.Line-1][bad.Column-1:], name)
	rest = strings.TrimSpace(rest)
	return ok && strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==")
}

// undefinedHint is what to do about a name that is not defined.
func (s *Session) undefinedHint(name string) string {
	switch like, pkg := alike(name, s.known()), importable(name); {
	case pkg != "":
		return fmt.Sprintf("Was the cell that defines it run? If the package is meant: import %q first.", pkg)
	case like != "":
		return fmt.Sprintf("Did you mean %s?", like)
	}
	return "Is it spelled right? Was the cell that defines it run?"
}

// importable is the path of a package of that name that cells may import, or "".
func importable(name string) string {
	for _, p := range bind.Available() {
		if path.Base(p) == name || strings.HasSuffix(path.Dir(p), "/"+name) && path.Base(p) == "v2" {
			return p
		}
	}
	return ""
}

// known are the names that a cell may use without a dot.
func (s *Session) known() (out []string) {
	for n := range s.e.Scope() {
		out = append(out, n)
	}
	for n := range s.e.Prelude() {
		out = append(out, n)
	}
	return out
}

// memberHint is what to do about a name that stands after a dot behind x, a value that has none such.
func (s *Session) memberHint(x, name string, bad *lang.Error) string {
	t := bad.Operand
	if t == nil {
		if tv, _, ok := s.e.TypeOf(x); ok {
			t = tv.Type
		}
	}
	if t != nil {
		var all []string
		for _, m := range s.e.Members(t) {
			all = append(all, m.Name)
		}
		if like := alike(name, all); like != "" {
			return fmt.Sprintf("Did you mean %s.%s?", x, like)
		}
	}
	return memberHint
}

const memberHint = "The Tab key after the dot shows what there is."

// packageHint is what to do about a name that an imported package does not have.
func (s *Session) packageHint(p *types.Package, pkg, name string) string {
	if p == nil {
		return ""
	}
	var all []string
	for _, o := range lang.Exported(p) {
		all = append(all, o.Name())
	}
	if like := alike(name, all); like != "" {
		return fmt.Sprintf("Did you mean %s.%s?", pkg, like)
	}
	if s.e.Lookup(name) != nil {
		return fmt.Sprintf("%s stands by itself, without a package.", name)
	}
	return ""
}

// fittingType is what can be given where a value of a type of the library is wanted.
func (s *Session) fittingType(name string) []Completion {
	pkg, typ, ok := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ".")
	if !ok {
		pkg, typ = "", name
	}
	for _, o := range s.e.Prelude() {
		if tn, ok := o.(*types.TypeName); ok && tn.Name() == typ && (pkg == "" || tn.Pkg().Name() == pkg) {
			return s.fits(tn.Type())
		}
		if p, ok := o.(*types.PkgName); ok && p.Name() == pkg {
			if tn, ok := p.Imported().Scope().Lookup(typ).(*types.TypeName); ok {
				return s.fits(tn.Type())
			}
		}
	}
	return nil
}

// made lists the functions among what fits.
func made(fits []Completion) string {
	const most = 12
	var names []string
	for _, c := range fits {
		if c.Type == "function" {
			names = append(names, path.Base(c.Text)+"(...)")
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("What fits: %s and %d others; the Tab key in the parentheses shows all.", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "What fits: " + strings.Join(names, ", ") + "."
}

// alike is the name of those in all that is meant by name: Python's way of writing it (fit_one_cycle),
// other capitals, or one letter of four, two of seven amiss; "" if none is close.
func alike(name string, all []string) string {
	best, least := "", 1+min(2, (len(name)-1)/3)
	for _, n := range all {
		if strings.ContainsRune(n, '\u02b9') || n == name || n == "_" {
			continue
		}
		d := distance(plain(name), plain(n), least+1)
		if d < least || d == least && best != "" && n < best {
			best, least = n, d
		}
	}
	return best
}

// plain is a name without capitals and underscores.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// distance is how many letters must be put in, taken out or changed to make b of a (Levenshtein's
// distance); at least most if that is not less.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal, row[j] = row[j], min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
