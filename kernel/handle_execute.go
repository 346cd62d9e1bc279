package kernel

import (
	"context"
	"fmt"

	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/wire"
)

// execute runs a cell and answers.
func (k *kernel) execute(m *wire.Message) {
	k.publish("status", m, msg{"execution_state": "busy"})
	defer k.publish("status", m, msg{"execution_state": "idle"})
	k.parent.Store(m)
	code, silent := m.String("code"), m.Bool("silent", false)
	store := m.Bool("store_history", true) && !silent
	if store {
		k.count++
		k.history.add(k.count, code)
	}
	if !silent {
		k.publish("execute_input", m, msg{"code": code, "execution_count": k.count})
	}
	res := k.s.Run(context.Background(), code, interp.RunOptions{Silent: silent, Count: k.count}, output{k})
	if res.Err != nil {
		c := errorContent(res.Err)
		if !silent {
			k.publish("error", m, c)
		}
		c["status"], c["execution_count"] = "error", k.count
		k.reply(k.w.Shell, m, c)
		if m.Bool("stop_on_error", true) {
			k.abort()
		}
		return
	}
	if res.Data != nil && !silent {
		k.publish("execute_result", m, msg{"execution_count": k.count, "data": encode(res.Data), "metadata": notNil(res.Metadata)})
	}
	k.reply(k.w.Shell, m, msg{"status": "ok", "execution_count": k.count, "user_expressions": k.expressions(m), "payload": []any{}})
}

func errorContent(e *interp.CellError) msg {
	return msg{"ename": e.Name, "evalue": e.Value, "traceback": append([]string{}, e.Traceback...)}
}

// expressions evaluates the request's user_expressions.
func (k *kernel) expressions(m *wire.Message) msg {
	out := msg{}
	ue, _ := m.Content["user_expressions"].(map[string]any)
	for name, e := range ue {
		r := k.s.Run(context.Background(), fmt.Sprint(e), interp.RunOptions{Count: k.count}, output{k})
		if r.Err != nil {
			c := errorContent(r.Err)
			c["status"] = "error"
			out[name] = c
			continue
		}
		out[name] = msg{"status": "ok", "data": encode(r.Data), "metadata": notNil(r.Metadata)}
	}
	return out
}

// abort answers the cells that are queued behind one that failed: they do not run. Requests of other
// kinds are handled.
func (k *kernel) abort() {
	for n := len(k.queue); n > 0; n-- {
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
