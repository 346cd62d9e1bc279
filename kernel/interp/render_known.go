package interp

import (
	"bytes"
	"fmt"
	"reflect"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gorgonia.org/tensor"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
)

// known gives the forms of values of libraries that have no render methods of their own: plots of
// gonum as pictures, tensors of Gorgonia with their shape.
func known(v any) (d display.Data, ok bool) {
	const width, height = 6 * vg.Inch, 4 * vg.Inch
	switch x := v.(type) {
	case *plot.Plot:
		var b bytes.Buffer
		w, err := x.WriterTo(width, height, "png")
		if err == nil {
			_, err = w.WriteTo(&b)
		}
		if err != nil {
			return d, false
		}
		return display.Data{Data: cell.Bundle{"image/png": b.Bytes(), "text/plain": "plot " + x.Title.Text}, Metadata: cell.Bundle{}}, true
	case tensor.Tensor:
		if reflect.ValueOf(x).Kind() == reflect.Pointer && x.Shape() != nil {
			return display.Data{Data: cell.Bundle{"text/plain": fmt.Sprintf("%v of %v\n%v", []int(x.Shape()), x.Dtype(), x)}, Metadata: cell.Bundle{}}, true
		}
	}
	return d, false
}
