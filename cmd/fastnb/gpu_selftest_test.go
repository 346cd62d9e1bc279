package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
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

// A part that fails, panics or is interrupted takes no other along, and each is told when it ends, also where the
// report is JSON and comes last.
func TestSelftestGoesOn(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var told strings.Builder
	s := selftest{ctx: ctx, told: &told, json: true, seconds: 60, start: time.Now(), report: selftestReport{OK: true}}
	part := func(name string, f func() error) {
		s.part(name, func() (string, map[string]any, []string, error) { return "seen", nil, nil, f() })
	}
	part("lost", func() error { return errors.New("the card is lost") })
	part("odd", func() error { panic("index out of range") })
	part("fine", func() error { return nil })
	part("cut", func() error { stop(); return ctx.Err() })
	part("late", func() error { t.Error("begun behind an interrupt"); return nil })
	for i, want := range []string{"BAD", "BAD", "ok", "left", "left"} {
		if p := s.report.Parts[i]; p.verdict() != want || !strings.Contains(told.String(), p.Name) {
			t.Errorf("%s is %s, want %s", p.Name, p.verdict(), want)
		}
	}
	if s.report.OK || !strings.Contains(told.String(), "index out of range") || !strings.Contains(told.String(), "interrupted") {
		t.Error(s.report.OK, told.String())
	}
}
