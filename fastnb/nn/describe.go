package nn

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
)

// Describe writes a layer as PyTorch prints a module: each child on a line below its parent with its
// name, and for layers with numbers of their own the widths, kernel, stride and what else is not as usual.
func Describe(l Layer) string {
	var b strings.Builder
	describe(&b, l, "")
	return b.String()
}

func describe(b *strings.Builder, l Layer, indent string) {
	b.WriteString(TypeName(l))
	children := l.Children()
	if len(children) == 0 {
		fmt.Fprintf(b, "(%s)", settings(l))
		return
	}
	b.WriteString("(\n")
	for _, c := range children {
		fmt.Fprintf(b, "%s  (%s): ", indent, c.Name)
		describe(b, c.Layer, indent+"  ")
		b.WriteByte('\n')
	}
	b.WriteString(indent + ")")
}

// Settings are the numbers of a layer without children, as Describe writes them: "64, 128, kernel=3, stride=2".
func Settings(l Layer) string { return settings(l) }

// settings are a leaf's numbers; of a layer that is not known here, the shapes of its parameters.
func settings(l Layer) string {
	switch l := l.(type) {
	case *Conv2D:
		return l.settings()
	case *Linear:
		return fmt.Sprintf("%d, %d", l.Weight.Shape[1], l.Weight.Shape[0])
	case *BatchNorm:
		return fmt.Sprint(tensor.Count(l.Weight.Shape))
	case *Dropout:
		return fmt.Sprintf("p=%g", l.P)
	case *Pool:
		s := fmt.Sprintf("max=%t, size=%d, stride=%d", l.max, l.attrs.Size[0], l.attrs.Stride[0])
		if p := l.attrs.Pad[0]; p != 0 {
			s += fmt.Sprintf(", pad=%d", p)
		}
		return s
	case *GlobalPool:
		return fmt.Sprintf("max=%t, avg=%t", l.attrs.Max, l.attrs.Avg)
	case *SigmoidRange:
		return fmt.Sprintf("%g, %g", l.Lo, l.Hi)
	case *MergeLayer:
		return fmt.Sprintf("dense=%t", l.Dense)
	}
	var shapes []string
	for _, p := range l.Params() {
		shapes = append(shapes, fmt.Sprintf("%s %v", p.Leaf, p.Shape))
	}
	return strings.Join(shapes, ", ")
}

func (c *Conv2D) settings() string {
	w := c.Weight.Shape
	s := fmt.Sprintf("%d, %d, kernel=%d, stride=%d", w[1]*max(1, c.attrs.Groups), w[0], w[2], c.attrs.Stride[0])
	switch {
	case c.same:
		s += ", pad=same"
	case c.attrs.Pad[0] != 0:
		s += fmt.Sprintf(", pad=%d", c.attrs.Pad[0])
	}
	if c.attrs.Groups > 1 {
		s += fmt.Sprintf(", groups=%d", c.attrs.Groups)
	}
	if c.Bias == nil {
		s += ", bias=false"
	}
	return s
}

// TypeName is what kind of layer l is: "Conv2D".
func TypeName(l Layer) string {
	t := reflect.TypeOf(l)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// String is the container and what is in it, as Describe writes it.
func (s *Sequential) String() string { return Describe(s) }

// String is the container and what is in it, as Describe writes it.
func (s *SequentialEx) String() string { return Describe(s) }
