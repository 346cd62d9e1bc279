package lang

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

func runCell(e *Engine, code string) (out []Value, err error) {
	c, bad := e.Check(code, false)
	if bad != nil {
		return nil, fmt.Errorf("check %d:%d %s", bad.Line, bad.Column, bad.Msg)
	}
	steps, bad := c.Lower()
	if bad != nil {
		return nil, fmt.Errorf("lower %d:%d %s", bad.Line, bad.Column, bad.Msg)
	}
	if err := c.Define(); err != nil {
		return nil, err
	}
	e.Start()
	for _, s := range steps {
		e.StartStep()
		out, err = s.Run()
		if err != nil {
			break
		}
	}
	return out, e.Finish(err)
}

func TestZZ(t *testing.T) {
	runtime.LockOSThread()
	e, err := New(Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(os.Getenv("ZZ"))
	for _, c := range strings.Split(string(b), "\n====\n") {
		for _, code := range strings.Split(c, "\n---\n") {
			func() {
				defer func() {
					if r := recover(); r != nil {
						fmt.Printf("PANIC in %s: %v\n", code, r)
						if os.Getenv("ZZP") != "" {
							panic(r)
						}
					}
				}()
				v, err := runCell(e, code)
				if err != nil {
					fmt.Printf("## %s\n   ERR %v\n", code, err)
				}
				for _, x := range v {
					fmt.Printf("=> %v\n", x.V)
				}
			}()
		}
	}
}
