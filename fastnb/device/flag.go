package device

import "fmt"

// BadIndexError is what a kernel finds where data names something that there is not, such as a target that is no
// class. A device whose kernels cannot give errors raises a flag with these numbers, and says so at the next
// Wait.
type BadIndexError struct {
	What  string // "target" or "word"
	Value int64
	Row   int
	Place int // in the row
	Count int // how many there are
}

// Error says what was found and where.
func (b BadIndexError) Error() string {
	if b.What == "word" {
		return fmt.Sprintf("word %d of row %d is number %d, the vocabulary has %d", b.Place, b.Row, b.Value, b.Count)
	}
	return fmt.Sprintf("%s %d of row %d is not one of %d classes", b.What, b.Value, b.Row, b.Count)
}

// StepError is what went wrong in a step of a plan.
func StepError(p *Plan, st *Step, err error) error {
	where := st.Op
	if st.Layer != "" {
		where = st.Layer + ": " + st.Op
	}
	return fmt.Errorf("fastnb: %s: %s: %w", p.Name, where, err)
}
