package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// folder is where the driver embeds the PTX from, below the module's root.
const folder = "fastnb/device/gpu/cuda/ptx"

// header begins a unit's PTX. What follows it depends on what it names alone, so a file that begins with the
// header of today's source is current; a plain test sees that without a compiler.
func header(name, source, arch string) string {
	return fmt.Sprintf("// fastnb unit %s for %s, compiled by NVRTC %s\n// options %s\n// source sha256 %x\n",
		name, arch, nvrtcVersion, strings.Join(options(arch), " "), sha256.Sum256([]byte(source)))
}

// options are what NVRTC is called with.
func options(arch string) []string {
	return []string{"--gpu-architecture=" + arch, "--fmad=true", "--diag-suppress=177"} // 177: functions nobody uses
}

// plain takes the compiler's own comments away: they name builds, and could name places.
func plain(ptx string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(ptx, "\x00")) {
		t := strings.TrimSpace(line)
		if t == "" || strings.HasPrefix(t, "//") && !strings.Contains(t, "inline asm") {
			continue
		}
		b.WriteString(strings.TrimRight(line, " \t\n"))
		b.WriteByte('\n')
	}
	return b.String()
}

// pack compresses, with nothing in the result but the text.
func pack(text string) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// read gives the text of a packed file.
func read(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(text), nil
}

// write puts a file in place whole.
func write(file string, data []byte) error {
	t, err := os.CreateTemp(filepath.Dir(file), ".genptx-*")
	if err != nil {
		return fmt.Errorf("genptx: %w", err)
	}
	_, err = t.Write(data)
	if e := t.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(t.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		_ = os.Remove(t.Name())
		return fmt.Errorf("genptx: %w", err)
	}
	return nil
}

// moduleRoot is the folder of go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("genptx: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("genptx: no go.mod here or above (try it in the module's folder, or -out)")
		}
		dir = up
	}
}
