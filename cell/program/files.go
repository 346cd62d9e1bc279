package program

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/fastnb/go/cell"
)

// files is the sink of a program: text is printed, pictures and pages become files of dir. What is
// replaced while the cell runs, as progress bars are, is printed once, when something else comes or
// the cell ends.
type files struct {
	mu      sync.Mutex
	dir     string
	cell    int
	count   int               // files of the cell so far
	last    map[string]string // file of a display that can be replaced, by its id
	pending []pending         // texts that may still be replaced
}

type pending struct{ id, text string }

// kinds are the forms that become files, best first, with their extensions.
var kinds = []struct{ mime, ext string }{
	{"image/png", ".png"}, {"image/jpeg", ".jpg"}, {"image/svg+xml", ".svg"}, {"application/pdf", ".pdf"}, {"text/html", ".html"},
}

// Display is cell.Sink's.
func (f *files) Display(data, _ cell.Bundle, id string, update bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, _ := data["text/plain"].(string)
	for _, k := range kinds {
		v, ok := data[k.mime]
		if !ok || k.mime == "text/html" && text != "" && text != v {
			continue // a page that has a text beside it: the text will do
		}
		name, err := f.file(v, k.mime, k.ext, id)
		if err != nil {
			return err
		}
		if k.mime == "text/html" {
			text = ""
		}
		text = fmt.Sprintf("[%s] %s", name, text)
		break
	}
	if id == "" {
		f.print()
		fmt.Println(text)
		return nil
	}
	for i := range f.pending {
		if f.pending[i].id == id {
			f.pending[i].text = text
			return nil
		}
	}
	if !update {
		f.pending = append(f.pending, pending{id, text})
	}
	return nil
}

// file writes one form and gives the file's path.
func (f *files) file(v any, mime, ext, id string) (string, error) {
	var b []byte
	switch v := v.(type) {
	case []byte:
		b = v
	case string:
		b = []byte(v)
		if mime == "image/png" || mime == "image/jpeg" || mime == "application/pdf" {
			var err error
			if b, err = base64.StdEncoding.DecodeString(v); err != nil {
				return "", fmt.Errorf("display of %s: %w", mime, err)
			}
		}
	default:
		b = []byte(fmt.Sprint(v))
	}
	name := f.last[id]
	if id == "" || name == "" {
		f.count++
		name = filepath.Join(f.dir, fmt.Sprintf("cell%02d-%d%s", f.cell, f.count, ext))
		if id != "" {
			f.last[id] = name
		}
	}
	return name, write(name, b)
}

// ClearOutput is cell.Sink's: what has not been printed yet is dropped.
func (f *files) ClearOutput(bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = nil
	return nil
}

// print prints what waited; f.mu is held.
func (f *files) print() {
	for _, p := range f.pending {
		if p.text != "" {
			fmt.Println(p.text)
		}
	}
	f.pending = nil
}

func (f *files) flush() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.print()
}
