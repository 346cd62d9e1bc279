package interp

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// %profile shows the tables before the value of the code, and ends its measurement where the code fails too.
func TestProfileMagic(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ cell, fails string }{
		{"%profile 1 + 3", ""},
		{"%%profile\nx := 2\nx * x", ""},
		{"%profile panic(\"no\")", "no"},
		{"%profile undefinedName", "undefined"},
		{"%profile 2 + 2", ""},
	} {
		r := &recorder{}
		res := s.Run(context.Background(), c.cell, RunOptions{}, r)
		if (res.Err != nil) != (c.fails != "") || res.Err != nil && !strings.Contains(res.Err.Value, c.fails) {
			t.Errorf("%s: %v", c.cell, res.Err)
		}
		if got := fmt.Sprint(r.displays); (c.fails == "") != (strings.Contains(got, "in all") && strings.Contains(got, "<table")) {
			t.Errorf("%s shows %s", c.cell, got)
		}
		if c.fails == "" && !strings.Contains(fmt.Sprint(res.Data["text/plain"]), "4") {
			t.Errorf("%s: %v", c.cell, res.Data)
		}
	}
}
