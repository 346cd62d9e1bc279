package vision

import (
	"fmt"
	"os"
	"sync"
)

// told are the notices given so far.
var told sync.Map

// notice tells of something that is not an error, once; in a cell it stands in the cell's output.
func notice(format string, a ...any) {
	s := fmt.Sprintf(format, a...)
	if _, before := told.LoadOrStore(s, true); !before {
		fmt.Fprintln(os.Stderr, "fastnb: "+s)
	}
}
