package main

import (
	"maps"
	"regexp"
	"strings"
)

// NVRTC is not the same each time: which of the loads from shared memory it joins to vectors, and loads twice,
// follows addresses within the compiler. The rest of a text does not change. alike says whether two texts differ
// in such loads, and in the names and moves of registers that follow from them, at most.
func alike(a, b string) bool {
	return a == b || maps.Equal(census(a), census(b))
}

var (
	guardRe = regexp.MustCompile(`^@!?%\w+\s+`)
	// What follows the choice of loads, and how many registers are declared.
	looseRe = regexp.MustCompile(`^(ld\.shared|mov\.|\.reg )`)
)

// census counts, entry by entry, instructions by their names, and everything else that a text says as it stands.
func census(text string) map[string]int {
	counts := map[string]int{}
	entry := ""
	for line := range strings.Lines(text) {
		line = guardRe.ReplaceAllString(strings.TrimSpace(line), "")
		if strings.Contains(line, ".entry ") {
			entry = line
		}
		switch {
		case looseRe.MatchString(line), strings.HasPrefix(line, "$"), strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "."):
			counts[entry+" "+line]++
		default:
			name, _, _ := strings.Cut(line, " ")
			name, _, _ = strings.Cut(name, "\t")
			counts[entry+" "+name]++
		}
	}
	return counts
}
