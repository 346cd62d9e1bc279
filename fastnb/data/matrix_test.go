package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
)

const calibration = `517.679 0 320 
0 517.679 240.5 
0 0 1 

0 0 0 0 

0.999947 0.00432361 0.00929419 
-0.00446314 0.999877 0.0150443 
-0.009228 -0.015085 0.999844 

-24.0198 5.8896 -13.2308 

640 480
`

func writeText(t *testing.T, text string) datasets.Path {
	t.Helper()
	f := filepath.Join(t.TempDir(), "numbers.txt")
	if err := os.WriteFile(f, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return datasets.NewPath(f)
}

func TestLoadMatrix(t *testing.T) {
	cal, err := LoadMatrix(writeText(t, calibration), SkipFooter(6))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint([][]float64(cal)); got != "[[517.679 0 320] [0 517.679 240.5] [0 0 1]]" {
		t.Error(got)
	}
	if got := cal.String(); got != "[[517.679       0     320]\n [      0 517.679   240.5]\n [      0       0       1]]" {
		t.Error(got)
	}
	pose := "1 0 0 \n0 1 0 \n0 0 1 \n\n187.332 40.3892 893.135 \n"
	ctr, err := LoadMatrix(writeText(t, pose), SkipHeader(3), OfShape(1, 3))
	if err != nil || fmt.Sprint([][]float64(ctr)) != "[[187.332 40.3892 893.135]]" {
		t.Error(ctr, err)
	}
}

func TestLoadMatrixErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opts []MatrixOption
		want string
	}{
		"a number is missing": {"1 0 0\n0 1 0\n0 0 1\n\n187.332 40.3892\n", []MatrixOption{SkipHeader(3), OfShape(1, 3)}, "1 rows of 2 numbers from line 5 on, expected 1 of 3"},
		"uneven":              {"1 0 0\n0 1\n", nil, "line 2 has 2 numbers, line 1 has 3"},
		"NaN":                 {"1 nan 0\n", nil, `line 1, number 2: "nan" is not a finite number`},
		"infinite":            {"1 2 1e999\n", nil, `number 3: "1e999" is not a finite number`},
		"word":                {"# x y\n1 2\n3 four\n", nil, `line 3, number 2: "four"`},
		"empty":               {"\n\n", nil, "there are no numbers"},
		"all skipped":         {"1 2\n", []MatrixOption{SkipFooter(3)}, "there are no numbers"},
		"negative":            {"1 2\n", []MatrixOption{SkipFooter(-1)}, "must not be negative"},
	} {
		p := writeText(t, c.text)
		_, err := LoadMatrix(p, c.opts...)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), p.String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := LoadMatrix(datasets.NewPath(t.TempDir(), "rgb.cal"))
	if err == nil || !strings.Contains(err.Error(), "rgb.cal: there is no such file") {
		t.Error(err)
	}
	// Inside a label function it panics; the error names item and file.
	list := rows(2).SplitByIdx([]int{1})
	bad := writeText(t, "1 2\n")
	l := list.LabelFromFunc(func(datasets.Path) float64 { return MustLoadMatrix(bad, OfShape(-1, 3))[0][0] })
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "label: from func: 0: ") || !strings.Contains(err.Error(), "expected any number of 3") {
		t.Error(err)
	}
}

func TestLoadStrings(t *testing.T) {
	got, err := LoadStrings(writeText(t, "Animal\r\nArchway \n\nWall\n"))
	if err != nil || fmt.Sprintf("%q", got) != `["Animal" "Archway" "Wall"]` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := LoadStrings(datasets.NewPath("nowhere", "codes.txt")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}

// TestSizes: a number and a measured size are cut to fit, a pair is squeezed.
func TestSizes(t *testing.T) {
	src := rows(6).SplitByIdx([]int{5}).LabelConst(1.)
	for _, c := range []struct {
		opts   []TransformOption
		h, w   int
		method Resize
		fails  string
	}{
		{[]TransformOption{Size(20)}, 20, 20, ResizeCrop, ""},
		{[]TransformOption{Size(20, 30)}, 20, 30, ResizeSquish, ""},
		{[]TransformOption{SizeOf(Dims{40, 61}.Div(2))}, 20, 30, ResizeCrop, ""},
		{[]TransformOption{SizeOf(Dims{20, 30}), ResizeMethod(ResizePad)}, 20, 30, ResizePad, ""},
		{[]TransformOption{Size(20, 31), Mult(8)}, 24, 32, ResizeSquish, ""},
		{[]TransformOption{Mult(8)}, 0, 0, 0, "no effect without a size (try Size)"},
		{[]TransformOption{Size(100, 3), Mult(8)}, 0, 0, 0, "rounds to 0"},
		{[]TransformOption{SizeOf(Dims{1, 1}.Div(2))}, 0, 0, 0, "not positive"},
		{[]TransformOption{Size(1, 2, 3)}, 0, 0, 0, "not 3 numbers"},
	} {
		l := src.Transform(noise{}, c.opts...)
		if err := l.Err(); (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%v: %v, want %q", c, err, c.fails)
		}
		if a := l.pipe.args; l.Err() == nil && (a.Height != c.h || a.Width != c.w || a.Method != c.method) {
			t.Errorf("%dx%d, method %d; want %dx%d, %d", a.Height, a.Width, a.Method, c.h, c.w, c.method)
		}
	}
}
