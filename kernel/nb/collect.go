package nb

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
)

// collector is the sink of a headless run: it turns what cells show into notebook outputs.
type collector struct {
	mu      sync.Mutex
	static  bool
	cell    *Cell                   // the running cell
	byID    map[string][]Output     // displays that can be updated, by display id
	clear   bool                    // clear when the next output arrives
	onWrite func(name, text string) // echo of streams; may be nil
}

func newCollector(static bool) *collector {
	return &collector{static: static, byID: map[string][]Output{}}
}

func (c *collector) begin(cl *Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cell, c.clear = cl, false
	cl.Outputs = nil
}

func (c *collector) add(o Output) {
	if c.clear {
		c.cell.Outputs, c.clear = nil, false
	}
	c.cell.Outputs = append(c.cell.Outputs, o)
}

// Stream appends text to the cell's last stream of that name, or starts one.
func (c *collector) Stream(name, s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cell == nil || s == "" {
		return
	}
	if c.onWrite != nil {
		c.onWrite(name, s)
	}
	if n := len(c.cell.Outputs); n > 0 && !c.clear {
		if last := c.cell.Outputs[n-1]; last.Type() == "stream" && last["name"] == name {
			last["text"] = last["text"].(string) + s
			return
		}
	}
	c.add(Output{"output_type": "stream", "name": name, "text": s})
}

// Display adds a display_data output or replaces those that carry the id.
func (c *collector) Display(data, meta cell.Bundle, id string, update bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cell == nil {
		return nil
	}
	d := c.bundle(data)
	if update {
		for _, o := range c.byID[id] {
			o["data"], o["metadata"] = d, orEmpty(meta)
		}
		return nil
	}
	o := Output{"output_type": "display_data", "data": d, "metadata": orEmpty(meta)}
	c.add(o)
	if id != "" {
		c.byID[id] = append(c.byID[id], o)
	}
	return nil
}

// ClearOutput empties the running cell, at once or before its next output.
func (c *collector) ClearOutput(wait bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cell == nil {
		return nil
	}
	if wait {
		c.clear = true
	} else {
		c.cell.Outputs = nil
	}
	return nil
}

func (c *collector) result(data, meta cell.Bundle, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text, ok := data["text/plain"].(string); ok {
		data["text/plain"] = display.Shorten(text)
	}
	c.add(Output{"output_type": "execute_result", "data": c.bundle(data), "metadata": orEmpty(meta), "execution_count": count})
}

func (c *collector) fail(name, value string, traceback []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tb := []any{}
	for _, t := range traceback {
		tb = append(tb, t)
	}
	c.add(Output{"output_type": "error", "ename": name, "evalue": value, "traceback": tb})
}

var script = regexp.MustCompile(`(?is)<script\b.*?</script\s*>`)

// bundle makes the values of a bundle what a file may hold: text, or base64 for bytes.
func (c *collector) bundle(b cell.Bundle) map[string]any {
	out := map[string]any{}
	for k, v := range b {
		switch v := v.(type) {
		case []byte:
			if strings.HasPrefix(k, "text/") || k == "image/svg+xml" {
				out[k] = string(v)
			} else {
				out[k] = base64.StdEncoding.EncodeToString(v)
			}
		case string:
			if c.static && k == "text/html" {
				v = script.ReplaceAllString(v, "")
			}
			out[k] = v
		default:
			if strings.HasSuffix(k, "json") {
				out[k] = v
			} else {
				out[k] = fmt.Sprint(v)
			}
		}
	}
	if c.static {
		delete(out, "application/javascript")
	}
	return out
}
