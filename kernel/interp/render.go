package interp

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/kernel/lang"
)

// render gives the forms of a cell's last values: those of the one value that shows itself, else
// plain text; nil if all are nil.
func render(vals []any) (data, meta cell.Bundle) {
	var one any
	n := 0
	for i, v := range vals {
		vals[i] = lang.Unshim(v)
		if v != nil {
			one = vals[i]
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	if n == 1 {
		if d, ok := forms(one); ok {
			if d.Data == nil {
				d.Data = cell.Bundle{}
			}
			if _, ok := d.Data["text/plain"]; !ok {
				d.Data["text/plain"] = text(one)
			}
			return d.Data, d.Metadata
		}
	}
	var parts []string
	for _, v := range vals {
		parts = append(parts, text(v))
	}
	return cell.Bundle{"text/plain": strings.Join(parts, " ")}, nil
}

// forms collects what a value gives of itself.
func forms(v any) (d display.Data, ok bool) {
	if x, is := v.(lang.Boxed); is {
		return ofCell(x)
	}
	if d, is := known(v); is {
		return d, true
	}
	return display.Forms(v)
}

// text is a value as plain text, without a panic of its String method ending the cell.
func text(v any) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("%T (its String method panicked: %v)", v, r)
		}
	}()
	if x, is := v.(lang.Boxed); is && x.Nil() {
		return "<nil>"
	}
	if b, ok := v.([]byte); ok && len(b) > 1<<16 {
		return fmt.Sprintf("[]byte of %d", len(b))
	}
	var b bytes.Buffer
	fmt.Fprint(&b, v)
	return b.String()
}
