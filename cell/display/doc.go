// Package display is the display package of gophernotes' notebooks: functions that make something to
// show in many forms, and the interfaces by which a value shows itself.
//
// A leaf beside [github.com/fastnb/go/cell]. Cells import it as "display" or
// "github.com/gopherdata/gophernotes"; programs exported from notebooks import it by its path. [Forms]
// asks a value for all it can show.
package display
