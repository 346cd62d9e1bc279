package devicetest

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb/device"
)

// T is what the suite wants of a test.
type T interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Run(name string, f func(T))
}

// Run runs the suite on dev.
func Run(t *testing.T, dev device.Device) { run(goTest{t}, dev) }

// goTest is a test of package testing.
type goTest struct{ *testing.T }

func (t goTest) Run(name string, f func(T)) { t.T.Run(name, func(t *testing.T) { f(goTest{t}) }) }

// Result is what became of one case of the suite.
type Result struct {
	Name    string   `json:"name"`
	Errors  []string `json:"errors,omitempty"`
	Seconds float64  `json:"seconds"`
}

// Check is Run outside of tests, for who has a card and no Go. report gets each case as it ends; where it gives
// false, and where the device is lost, the rest is left out.
func Check(dev device.Device, report func(Result) bool) {
	c := &check{report: report, dev: dev, more: true}
	run(c, dev)
}

// check is a case, or the whole suite where name is empty.
type check struct {
	report func(Result) bool
	dev    device.Device
	name   string
	errors []string
	more   bool
	inner  bool // it has cases of its own
}

func (c *check) Helper() {}

// mostErrors is how many errors of a case are kept.
const mostErrors = 5

func (c *check) Error(args ...any) {
	if len(c.errors) < mostErrors {
		c.errors = append(c.errors, strings.TrimSpace(fmt.Sprintln(args...)))
	}
}
func (c *check) Errorf(format string, args ...any) { c.Error(fmt.Sprintf(format, args...)) }

func (c *check) Fatal(args ...any) {
	c.Error(args...)
	runtime.Goexit()
}
func (c *check) Fatalf(format string, args ...any) { c.Fatal(fmt.Sprintf(format, args...)) }

func (c *check) Run(name string, f func(T)) {
	if !c.more {
		return
	}
	c.inner = true
	if c.name != "" {
		name = c.name + "/" + name
	}
	in, start, done := &check{report: c.report, dev: c.dev, name: name, more: true}, time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				in.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		f(in)
	}()
	<-done
	c.more = in.more
	if in.inner && len(in.errors) == 0 {
		return
	}
	if !c.report(Result{name, in.errors, time.Since(start).Seconds()}) || len(in.errors) > 0 && lost(c.dev) {
		c.more = false
	}
}

// lost reports whether a device does not do the least any more.
func lost(dev device.Device) bool {
	_, err := dev.Alloc(device.Spec{Shape: []int{1}})
	return errors.Is(err, device.ErrLost)
}
