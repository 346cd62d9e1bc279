package device

import (
	"errors"
	"fmt"
	"strings"
)

// Found is a device of the machine, or why there is none of its kind.
type Found struct {
	Name string // as Open takes it: "cuda", "cuda:1"
	Info Info
	Free int64 // bytes
	Err  error
}

// mostCards is how many cards of a kind are looked for.
const mostCards = 16

// List opens what there is, and closes it again where nobody uses it: the kinds that Open finds by itself, and those
// that ask to be named.
func List() []Found {
	var all []Found
	for _, kind := range names() {
		for card := range mostCards {
			name := kind
			if card > 0 {
				name = fmt.Sprintf("%s:%d", kind, card)
			}
			f := look(name)
			if card > 0 && f.Err != nil {
				break
			}
			all = append(all, f)
			if f.Err != nil || f.Info.Kind == CPU {
				break
			}
		}
	}
	return all
}

// names are the kinds of device that users choose from, the first to be tried first.
func names() []string {
	driversMu.Lock()
	defer driversMu.Unlock()
	var names []string
	for _, d := range drivers {
		if d.priority >= 0 {
			names = append(names, d.name)
		}
	}
	return names
}

func look(name string) Found {
	f := Found{Name: name}
	dev, err := Open(name)
	if err != nil {
		f.Err = err
		return f
	}
	f.Info, f.Free = dev.Info(), dev.FreeMemory()
	_ = dev.Close() // nothing was done on it
	return f
}

// String is a line for people.
func (f Found) String() string {
	if f.Err != nil {
		text := strings.TrimPrefix(f.Err.Error(), "fastnb: opening device "+f.Name+": ")
		text, _, _ = strings.Cut(text, "\n")
		if errors.Is(f.Err, ErrNotFound) {
			text = strings.TrimPrefix(text, ErrNotFound.Error()+": ")
			return fmt.Sprintf("%-10s none: %s", f.Name, text)
		}
		return fmt.Sprintf("%-10s CANNOT BE USED: %s", f.Name, text)
	}
	var parts []string
	if f.Info.Card != "" {
		parts = append(parts, f.Info.Card)
	}
	if f.Info.Kind == CPU {
		parts = append(parts, "the machine's own processors")
	}
	parts = append(parts, fmt.Sprintf("%.1f GB, %.1f GB free", float64(f.Info.Memory)/1e9, float64(f.Free)/1e9))
	if len(f.Info.Mixed) > 0 {
		parts = append(parts, "mixed precision")
	}
	return fmt.Sprintf("%-10s %s", f.Name, strings.Join(parts, "; "))
}

// Describe says in a sentence which device this is and why it was taken: "device cuda:0, NVIDIA T4 (the best one
// found)".
func Describe(d Device) string {
	i := d.Info()
	name := "device " + i.Name
	if i.Card != "" {
		name += ", " + i.Card
	}
	if i.Name == "cpu" {
		name = "the processor"
	}
	if w := Why(d); w != "" {
		name += " (" + w + ")"
	}
	return name
}
