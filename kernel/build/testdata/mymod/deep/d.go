// Package deep is below.
package deep

// Answer is 42.
func Answer() int { return 42 }
