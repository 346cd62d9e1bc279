package interp

import (
	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/fastnb"
)

// profileRest is %profile.
func profileRest(c *cellLines) error {
	c.profile = true
	return c.goOn()
}

// profiled runs what follows %profile and shows where its time went, of a cell that failed or was interrupted too.
func profiled(run func() ([]any, error)) ([]any, error) {
	p, err := fastnb.StartProfile()
	if err != nil {
		return nil, err
	}
	vals, err := func() ([]any, error) {
		ended := false
		defer func() {
			if !ended { // a panic on its way up
				p.Stop()
			}
		}()
		vals, err := run()
		ended = true
		return vals, err
	}()
	got := p.Stop()
	if err != nil && !got.Computed() {
		return nil, err // the error says it all
	}
	d, _ := display.Forms(got)
	if e := cell.Display(d.Data); e != nil && err == nil {
		err = e
	}
	return vals, err
}
