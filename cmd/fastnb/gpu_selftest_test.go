package main

import (
	"strings"
	"testing"
)

// What was left out for want of time is not ok, and the last line says so.
func TestSelftestVerdict(t *testing.T) {
	r := selftestReport{OK: true, Parts: []selftestPart{{OK: true}, {OK: true, Left: true}}}
	if v := r.Parts[1].verdict(); v != "left" {
		t.Errorf("a part left out is %q", v)
	}
	if v := r.verdict(); !strings.Contains(v, "1 of 2 parts were left out") {
		t.Errorf("verdict %q", v)
	}
	r.Parts = append(r.Parts, selftestPart{})
	r.OK = false
	if r.Parts[0].verdict() != "ok" || r.Parts[2].verdict() != "BAD" || r.verdict() != "SOMETHING IS WRONG" {
		t.Error(r.Parts[0].verdict(), r.Parts[2].verdict(), r.verdict())
	}
}
