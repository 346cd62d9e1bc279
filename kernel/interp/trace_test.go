package interp

import (
	"context"
	"strings"
	"testing"
)

// TestWhereItHappened: an error inside functions tells the calls on the way, with cell and line of each, the figures of a
// bad index and what was nil.
func TestWhereItHappened(t *testing.T) {
	s := session(t)
	for i, code := range []string{
		"func pick(xs []int, i int) int {\n\treturn xs[i]\n}",
		"type L struct {\n\tnext *L\n\tv int\n\tm map[string]int\n\tf func()\n}\nfunc (l *L) Second() int {\n\treturn l.next.v\n}\nfunc (l *L) Note() { l.m[\"a\"] = 1 }\nfunc (l *L) Do() { l.f() }",
		"func both(xs []int) int {\n\tif len(xs) > 0 {\n\t\treturn 1\n\t}\n\n\treturn pick(xs, 2) + 1\n}\nfunc put(xs []int) int {\n\tdefer func() { _ = len(xs) }()\n\tfor range 3 {\n\t\tif xs == nil { continue }\n\t\tbreak\n\t}\n\treturn both(xs)\n}",
		"func down(n int) int {\n\tif n == 0 {\n\t\tvar p *L\n\t\treturn p.v\n\t}\n\treturn down(n-1) + 1\n}",
		"import \"sort\"\nfunc each[T any](xs []T, f func(T)) {\n\tfor _, x := range xs {\n\t\tf(x)\n\t}\n}\nfunc sorted(xs []int) {\n\tsort.Slice(xs, func(i, j int) bool {\n\t\treturn xs[i+9] < xs[j]\n\t})\n}",
		"type St struct{ xs []int }\nfunc (s St) Top() int { return s.xs[len(s.xs)-1] }\ntype Topper interface{ Top() int }\nfunc top(t Topper) int { return t.Top() }",
	} {
		if r := s.Run(context.Background(), code, RunOptions{Count: i + 1}, &recorder{}); r.Err != nil {
			t.Fatalf("%s\n%v", code, r.Err)
		}
	}
	for _, c := range []struct{ code, want string }{
		{"x := 1\npick(nil, x)", "index out of range [1] with length 0|line 2: pick(nil, x)|in pick, line 2 of cell [1]: return xs[i]"},
		{"(&L{}).Second()", "invalid memory address or nil pointer dereference: l.next is nil|line 1: (&L{}).Second()|in L.Second, line 8 of cell [2]: return l.next.v"},
		{"(&L{}).Note()", "assignment to entry in nil map: l.m is nil|line 1: (&L{}).Note()|in L.Note, line 10 of cell [2]: func (l *L) Note() { l.m[\"a\"] = 1 }"},
		{"(&L{}).Do()", "invalid memory address or nil pointer dereference: l.f is nil|line 1: (&L{}).Do()|in L.Do, line 11 of cell [2]: func (l *L) Do() { l.f() }"},
		{"put(nil)", "index out of range [2] with length 0|line 1: put(nil)|in put, line 14 of cell [3]: return both(xs)|in both, line 6 of cell [3]: return pick(xs, 2) + 1|in pick, line 2 of cell [1]: return xs[i]"},
		{"func own() {\n\tput(nil)\n}\nfor i := 0; i < 2; i++ {\n\town()\n}", "index out of range [2] with length 0|line 5: \town()|in own, line 2: put(nil)|in put, line 14 of cell [3]: return both(xs)|in both, line 6 of cell [3]: return pick(xs, 2) + 1|in pick, line 2 of cell [1]: return xs[i]"},
		{"down(3)", "invalid memory address or nil pointer dereference: p is nil|line 1: down(3)|in down, line 6 of cell [4] (3 times): return down(n-1) + 1|in down, line 4 of cell [4]: return p.v"},
		{"each([]int{1}, func(i int) {\n\t_ = [3]int{}[i*5]\n})", "index out of range [5] with length 3|line 1: each([]int{1}, func(i int) {|in each, line 4 of cell [5]: f(x)|in func literal, line 2: _ = [3]int{}[i*5]"},
		{"sorted([]int{2, 1})", "index out of range [10] with length 2|line 1: sorted([]int{2, 1})|in sorted, line 8 of cell [5]: sort.Slice(xs, func(i, j int) bool {|in func literal in sorted, line 9 of cell [5]: return xs[i+9] < xs[j]"},
		{"top(St{})", "index out of range [-1]|line 1: top(St{})|in top, line 4 of cell [6]: func top(t Topper) int { return t.Top() }|in St.Top, line 2 of cell [6]: func (s St) Top() int { return s.xs[len(s.xs)-1] }"},
		{"var none Topper\ntop(none)", "invalid memory address or nil pointer dereference: t is nil|line 2: top(none)|in top, line 4 of cell [6]: func top(t Topper) int { return t.Top() }"},
		{"defer pick([]int{1}, 1)\n1", "index out of range [1] with length 1|line 2: 1|in pick, line 2 of cell [1]: return xs[i]"},
		{"m := map[string]*L{}\nm[\"a\"].v = 3", "invalid memory address or nil pointer dereference: m[\"a\"] is nil|line 2: m[\"a\"].v = 3"},
		{"func() {\n\tdefer func() { recover(); panic(\"second\") }()\n\tpanic(\"first\")\n}()", "second|line 1: func() {|in func literal, line 3: panic(\"first\")|in func literal, line 2: defer func() { recover(); panic(\"second\") }()"},
		{"done := make(chan int)\ngo func() {\n\tdefer close(done)\n\tpick(nil, 0)\n}()\n<-done\ntime.Sleep(50 * time.Millisecond)", "a goroutine panicked: index out of range [0] with length 0|line 2: go func() {|in func literal, line 4: pick(nil, 0)|in pick, line 2 of cell [1]: return xs[i]"},
	} {
		r := s.Run(context.Background(), c.code, RunOptions{Count: 99}, &recorder{})
		if r.Err == nil {
			t.Errorf("%s\ndoes not fail", c.code)
			continue
		}
		var got []string
		for _, l := range r.Err.Traceback {
			got = append(got, strings.TrimPrefix(l, "  "))
		}
		if all := strings.TrimPrefix(strings.Join(got, "|"), "\x1b[31merror\x1b[0m: "); all != c.want {
			t.Errorf("%s\ngives\n%s\nwant\n%s", c.code, strings.ReplaceAll(all, "|", "\n"), strings.ReplaceAll(c.want, "|", "\n"))
		}
	}
}
