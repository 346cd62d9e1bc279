// Package lang is the language of cells: it checks a cell with go/types against what earlier cells have declared,
// lowers it to forms that the interpreter (gomacro) runs rightly, and runs it. It knows nothing of Jupyter.
//
// An [Engine] is a session's state. A cell goes through
//
//	c, bad := e.Check(code, strict) // split, parse, cell rule, check: parse.go, check.go
//	steps, bad := c.Lower()         // lower_*.go, ranges.go, builtins.go, instances.go
//	err := c.Define()               // what it declares becomes the session's
//	vals, err := steps[i].Run()     // run.go
//
// and nothing has changed before Define. reps.go says what types are represented by, box.go how values of cells'
// types stand in interfaces, format.go, json.go and boundary.go how compiled code sees them, helpers.go what the
// interpreter is helped with; trace.go, probe.go and panics.go tell where code failed and with what. The table of lowered forms is in docs/decisions/070.
//
// Those who complete, inspect or export ask the same scope: [Engine.Lookup] and [Engine.Scope] for what a name
// stands for, [Engine.TypeOf] for an expression's type and object (nothing runs), [Engine.Members] for what can
// follow a dot, [Engine.Package] for a package's types, [Engine.Last] for the cell defined last with its
// types.Info, [Engine.At] for the place of a position in a cell, [Engine.Value] for what a variable holds.
//
// An engine belongs to one goroutine, but for the methods that say otherwise.
package lang
