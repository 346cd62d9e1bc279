package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// cards are the architectures that PTX is assembled for: those at or above its own.
var cards = []int{52, 61, 70, 75, 80, 86, 89, 90, 100, 120}

// use is what ptxas says of a kernel on a card.
type use struct {
	entry                         string
	registers, spill, stack, smem int
}

// assemble sees that ptxas takes a unit for all of its cards without spills, and says what its kernels use.
func (j *job) assemble(name, arch, text string) error {
	least, err := strconv.Atoi(strings.TrimPrefix(arch, "compute_"))
	if err != nil {
		return fmt.Errorf("genptx: %s: architecture %q", name, arch)
	}
	var bad []string
	table := map[string]map[int]use{}
	var entries []string
	for _, sm := range cards {
		if sm < least {
			continue
		}
		said, err := runPTXAS(name, sm, text)
		if err != nil {
			return err
		}
		for _, u := range uses(said) {
			if table[u.entry] == nil {
				table[u.entry] = map[int]use{}
				entries = append(entries, u.entry)
			}
			table[u.entry][sm] = u
			if u.spill == 0 && u.registers <= 255 {
				continue
			}
			bad = append(bad, fmt.Sprintf("genptx: %s: %s on sm_%d: %d registers, %d bytes spilled", name, u.entry, sm, u.registers, u.spill))
		}
	}
	if len(entries) == 0 {
		return fmt.Errorf("genptx: %s: ptxas found no kernel in it", name)
	}
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%-12s %-36s", name, e)
		for _, sm := range cards {
			if u, ok := table[e][sm]; ok {
				fmt.Fprintf(&b, "  %d:%d", sm, u.registers)
			}
		}
		u := table[e][90]
		fmt.Fprintf(&b, "  smem %d", u.smem)
		if u.stack > 0 {
			fmt.Fprintf(&b, "  stack %d", u.stack)
		}
		b.WriteByte('\n')
	}
	j.say("%s", strings.TrimRight(b.String(), "\n"))
	if len(bad) > 0 {
		return fmt.Errorf("%s", strings.Join(bad, "\n"))
	}
	return nil
}

// runPTXAS gives ptxas's words for a text on a card; what it said before is kept by hash.
func runPTXAS(name string, sm int, text string) (string, error) {
	ptxas, err := ptxasPath()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("genptx: %w", err)
	}
	kept := filepath.Join(cache, "fastnb", "ptxas", fmt.Sprintf("%x-%d-%s", sha256.Sum256([]byte(text)), sm, ptxasVersion))
	if said, err := os.ReadFile(kept); err == nil {
		return string(said), nil
	}
	dir, err := os.MkdirTemp("", "genptx")
	if err != nil {
		return "", fmt.Errorf("genptx: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in := filepath.Join(dir, name+".ptx")
	if err := os.WriteFile(in, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("genptx: %w", err)
	}
	said, err := exec.Command(ptxas, "-v", fmt.Sprintf("-arch=sm_%d", sm), "-o", filepath.Join(dir, "out"), in).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("genptx: %s: ptxas for sm_%d: %w\n%s", name, sm, err, said)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err == nil {
		_ = write(kept, said)
	}
	return string(said), nil
}

var (
	entryRe = regexp.MustCompile(`Compiling entry function '([^']+)'`)
	stackRe = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	usedRe  = regexp.MustCompile(`Used (\d+) registers`)
	smemRe  = regexp.MustCompile(`(\d+) bytes smem`)
)

// uses reads what ptxas -v says.
func uses(said string) []use {
	var all []use
	number := func(s string) int {
		n, _ := strconv.Atoi(s)
		return n
	}
	for line := range strings.Lines(said) {
		if m := entryRe.FindStringSubmatch(line); m != nil {
			all = append(all, use{entry: m[1]})
		}
		if len(all) == 0 {
			continue
		}
		u := &all[len(all)-1]
		if m := stackRe.FindStringSubmatch(line); m != nil {
			u.stack, u.spill = number(m[1]), number(m[2])+number(m[3])
		}
		if m := usedRe.FindStringSubmatch(line); m != nil {
			u.registers = number(m[1])
		}
		if m := smemRe.FindStringSubmatch(line); m != nil {
			u.smem = number(m[1])
		}
	}
	return all
}
