// Package list is the one list of what cells see. The generator of kernel/bind and the prelude both
// read it. It imports nothing.
package list

// Dotted packages are visible in cells without their name, in this order. No two of them may export
// the same name.
var Dotted = []string{
	"github.com/fastnb/go/datasets",
	"github.com/fastnb/go/plotting",
	"github.com/fastnb/go/fastnb/tensor",
	"github.com/fastnb/go/fastnb/data",
	"github.com/fastnb/go/fastnb",
	"github.com/fastnb/go/fastnb/vision",
	"github.com/fastnb/go/fastnb/text",
}

// Named packages are visible by their names without an import.
var Named = []string{
	"github.com/fastnb/go/cell",
	"github.com/fastnb/go/fastnb/models",
	"github.com/fastnb/go/fastnb/nn",
	"errors", "fmt", "math", "os", "sort", "strconv", "strings", "time",
}

// Importable packages are compiled in; a cell imports them as usual.
var Importable = []string{
	"bufio", "bytes", "cmp", "context", "encoding/base64", "encoding/binary", "encoding/csv", "encoding/hex", "encoding/json",
	"flag", "html", "image", "image/color", "image/draw", "image/jpeg", "image/png", "io", "io/fs", "iter", "log", "maps",
	"math/big", "math/bits", "math/cmplx", "math/rand", "math/rand/v2", "mime/multipart", "net", "net/http", "net/url", "os/exec", "path", "path/filepath",
	"reflect", "regexp", "runtime", "runtime/debug", "slices", "sync", "sync/atomic", "text/tabwriter", "text/template", "unicode", "unicode/utf8",
	"github.com/disintegration/imaging",
	"github.com/fastnb/go/cell/comm",
	"github.com/go-echarts/go-echarts/v2/charts",
	"github.com/go-echarts/go-echarts/v2/components",
	"github.com/go-echarts/go-echarts/v2/opts",
	"github.com/go-echarts/go-echarts/v2/types",
	"gonum.org/v1/gonum/floats",
	"gonum.org/v1/gonum/mat",
	"gonum.org/v1/gonum/stat",
	"gonum.org/v1/plot",
	"gonum.org/v1/plot/plotter",
	"gonum.org/v1/plot/vg",
	"gorgonia.org/gorgonia",
	"gorgonia.org/tensor",
}

// Paths are all packages that are compiled in.
func Paths() []string {
	return append(append(append([]string{}, Dotted...), Named...), Importable...)
}
