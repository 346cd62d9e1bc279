package kernel

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/wire"
)

// output sends what a cell shows, as answers to the request that ran it, even when it comes late from
// a goroutine that the cell left behind.
type output struct {
	k      *kernel
	parent *wire.Message
	asks   bool // the front end takes input_requests
	next   []any
}

func (o *output) Stream(name, text string) {
	o.k.publish("stream", o.parent, msg{"name": name, "text": text})
}

func (o *output) Display(data, meta cell.Bundle, id string, update bool) error {
	typ, transient := "display_data", msg{}
	if update {
		typ = "update_display_data"
	}
	if id != "" {
		transient["display_id"] = id
	}
	return o.k.w.Publish(typ, o.parent, msg{"data": encode(data), "metadata": notNil(meta), "transient": transient})
}

func (o *output) ClearOutput(wait bool) error {
	return o.k.w.Publish("clear_output", o.parent, msg{"wait": wait})
}

// NextInput has the front end put text into the next cell.
func (o *output) NextInput(text string) {
	o.next = append(o.next, msg{"source": "set_next_input", "text": text, "replace": false})
}

// Page has the front end show a text that is not the cell's output.
func (o *output) Page(text string) {
	o.next = append(o.next, msg{"source": "page", "data": msg{"text/plain": text}, "start": 0})
}

func (o *output) payload() []any { return append([]any{}, o.next...) }

// Ask sends an input_request and waits for its answer.
func (o *output) Ask(ctx context.Context, prompt string, hidden bool) (string, error) {
	if !o.asks {
		return "", cell.ErrNoInput
	}
	o.k.asking.Lock() // one question at a time
	defer o.k.asking.Unlock()
	for len(o.k.stdin) > 0 { // an answer that came too late for its question
		<-o.k.stdin
	}
	if err := o.k.w.Reply(o.k.w.Stdin, o.parent, "input_request", msg{"prompt": prompt, "password": hidden}); err != nil {
		return "", fmt.Errorf("asking for input: %w", err)
	}
	select {
	case m := <-o.k.stdin:
		return m.String("value"), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func notNil(m cell.Bundle) cell.Bundle {
	if m == nil {
		return cell.Bundle{}
	}
	return m
}

// encode makes a bundle's values what JSON can carry: bytes that are not text go as base64.
func encode(b cell.Bundle) cell.Bundle {
	out := cell.Bundle{}
	for k, v := range b {
		switch x := v.(type) {
		case []byte:
			if strings.HasPrefix(k, "text/") || k == "image/svg+xml" {
				out[k] = strings.ToValidUTF8(string(x), "\uFFFD")
			} else {
				out[k] = base64.StdEncoding.EncodeToString(x)
			}
		case string:
			out[k] = strings.ToValidUTF8(x, "\uFFFD")
		default:
			if strings.HasSuffix(k, "json") {
				out[k] = v
			} else {
				out[k] = fmt.Sprint(v)
			}
		}
	}
	return out
}
