package kernel

import (
	"context"
	"fmt"
	"strings"

	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/wire"
)

// execute runs a cell and answers.
func (k *kernel) execute(m *wire.Message) {
	k.publish("status", m, msg{"execution_state": "busy"})
	defer k.publish("status", m, msg{"execution_state": "idle"})
	code, ok := m.Content["code"].(string)
	if !ok {
		k.failed(m, errorContent(&interp.CellError{Name: "bad request", Value: fmt.Sprintf("code is %T, want a text", m.Content["code"])}))
		return
	}
	silent := m.Bool("silent", false)
	if store := m.Bool("store_history", true) && !silent; store {
		k.count++
		k.history.add(k.count, code)
	}
	if !silent {
		k.publish("execute_input", m, msg{"code": code, "execution_count": k.count})
	}
	out := &output{k: k, parent: m, asks: m.Bool("allow_stdin", true)}
	if k.before != "" && !silent {
		out.Stream("stderr", k.before)
		k.before = ""
	}
	k.note.running(fmt.Sprintf("running cell %d (%s)\n", k.count, strings.TrimSpace(firstLine(code))))
	defer k.note.running("")
	res := k.s.Run(context.Background(), code, interp.RunOptions{Silent: silent, Count: k.count}, out)
	if res.Err != nil {
		c := errorContent(res.Err)
		if !silent {
			k.publish("error", m, c)
		}
		k.failed(m, c)
		return
	}
	if res.Data != nil && !silent {
		if text, ok := res.Data["text/plain"].(string); ok {
			res.Data["text/plain"] = display.Shorten(text)
		}
		k.publish("execute_result", m, msg{"execution_count": k.count, "data": encode(res.Data), "metadata": notNil(res.Metadata)})
	}
	k.reply(k.w.Shell, m, msg{"status": "ok", "execution_count": k.count, "user_expressions": k.expressions(m, out), "payload": out.payload()})
}

// firstLine is what a cell begins with.
func firstLine(code string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(code), "\n")
	if r := []rune(line); len(r) > 60 {
		line = string(r[:60]) + "..."
	}
	return line
}

// failed answers a cell that failed and, if it asks so, the cells that wait behind it by then.
func (k *kernel) failed(m *wire.Message, c msg) {
	c["status"], c["execution_count"], c["user_expressions"], c["payload"] = "error", k.count, msg{}, []any{}
	waiting := len(k.queue) // what comes after the reply has been seen is not theirs
	k.reply(k.w.Shell, m, c)
	if m.Bool("stop_on_error", true) {
		k.abort(waiting)
	}
}

func errorContent(e *interp.CellError) msg {
	return msg{"ename": e.Name, "evalue": e.Value, "traceback": append([]string{}, e.Traceback...)}
}

// expressions evaluates the request's user_expressions, each one expression of plain Go.
func (k *kernel) expressions(m *wire.Message, out *output) msg {
	all := msg{}
	ue, _ := m.Content["user_expressions"].(map[string]any)
	for name, e := range ue {
		code, _ := e.(string)
		r := k.s.Run(context.Background(), code, interp.RunOptions{Count: k.count, Plain: true}, out)
		if r.Err != nil {
			c := errorContent(r.Err)
			c["status"] = "error"
			all[name] = c
			continue
		}
		all[name] = msg{"status": "ok", "data": encode(r.Data), "metadata": notNil(r.Metadata)}
	}
	return all
}

// abort answers the next n requests: cells among them do not run.
func (k *kernel) abort(n int) {
	for range n {
		m := <-k.queue
		if m.Header.MsgType != "execute_request" {
			k.handle(k.w.Shell, m)
			continue
		}
		k.publish("status", m, msg{"execution_state": "busy"})
		k.reply(k.w.Shell, m, msg{"status": "aborted", "execution_count": k.count})
		k.publish("status", m, msg{"execution_state": "idle"})
	}
}
