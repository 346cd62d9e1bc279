package kernel

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/fastnb/go/kernel/wire"
)

// handlers answer requests other than execute, on the socket they came by.
var handlers = map[string]func(k *kernel, s *wire.Socket, m *wire.Message){}

func init() {
	handlers["kernel_info_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) { k.reply(s, m, info()) }
	handlers["is_complete_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		c := msg{}
		status, indent := k.s.IsComplete(m.String("code"))
		c["status"] = status
		if status == "incomplete" {
			c["indent"] = indent
		}
		k.reply(s, m, c)
	}
	handlers["complete_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		found, start, end := k.s.Complete(m.String("code"), m.Int("cursor_pos", len([]rune(m.String("code")))))
		matches, kinds := make([]string, len(found)), make([]msg, len(found))
		for i, c := range found {
			matches[i], kinds[i] = c.Text, msg{"start": start, "end": end, "text": c.Text, "type": c.Type}
		}
		k.reply(s, m, msg{
			"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
			"metadata": msg{"_jupyter_types_experimental": kinds}, // IPython's name for it, which front ends know
		})
	}
	handlers["inspect_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		data, found := k.s.Inspect(m.String("code"), m.Int("cursor_pos", 0))
		k.reply(s, m, msg{"status": "ok", "found": found, "data": notNil(data), "metadata": msg{}})
	}
	handlers["history_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		k.reply(s, m, msg{"status": "ok", "history": k.history.answer(m)})
	}
	handlers["interrupt_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		k.s.Interrupt()
		k.reply(s, m, msg{"status": "ok"})
	}
	handlers["shutdown_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		c := msg{"status": "ok", "restart": m.Bool("restart", false)}
		k.reply(s, m, c)
		k.publish("shutdown_reply", m, c)
		k.s.Interrupt()
		k.shutdown()
	}
	handlers["connect_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		k.reply(s, m, msg{
			"status": "ok", "shell_port": k.c.ShellPort, "iopub_port": k.c.IOPubPort, "stdin_port": k.c.StdinPort,
			"control_port": k.c.ControlPort, "hb_port": k.c.HBPort,
		})
	}
	handlers["debug_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		k.reply(s, m, msg{
			"type": "response", "success": false, "request_seq": m.Int("seq", 0), "seq": 0, "command": m.String("command"),
			"message": "this kernel has no debugger", "body": msg{},
		})
	}
}

// handle answers one request between busy and idle. A panic of the handler is answered too.
func (k *kernel) handle(s *wire.Socket, m *wire.Message) {
	k.publish("status", m, msg{"execution_state": "busy"})
	defer k.publish("status", m, msg{"execution_state": "idle"})
	defer func() {
		if r := recover(); r != nil {
			k.log.Printf("answering %s: %v", m.Header.MsgType, r)
			k.reply(s, m, msg{"status": "error", "ename": "internal error", "evalue": fmt.Sprint(r), "traceback": []string{}})
		}
	}()
	h, ok := handlers[m.Header.MsgType]
	if !ok {
		k.log.Printf("no handler for %q", m.Header.MsgType)
		if strings.HasSuffix(m.Header.MsgType, "_request") {
			k.reply(s, m, msg{"status": "error", "ename": "unknown request", "evalue": m.Header.MsgType, "traceback": []string{}})
		}
		return
	}
	h(k, s, m)
}

func info() msg {
	return msg{
		"status": "ok", "protocol_version": wire.Protocol, "implementation": "fastnb", "implementation_version": Version,
		"banner": "fastnb: deep learning in Go notebooks",
		"language_info": msg{
			"name": "go", "version": strings.TrimPrefix(runtime.Version(), "go"), "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
		"help_links": []any{}, "debugger": false, "supported_features": []string{},
	}
}
