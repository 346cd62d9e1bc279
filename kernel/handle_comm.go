package kernel

import (
	"path/filepath"
	"regexp"

	"github.com/fastnb/go/cell/comm"
	"github.com/fastnb/go/kernel/wire"
)

func init() {
	handlers["comm_info_request"] = func(k *kernel, s *wire.Socket, m *wire.Message) {
		comms := msg{}
		for id, target := range comm.Info(m.String("target_name")) {
			comms[id] = msg{"target_name": target}
		}
		k.reply(s, m, msg{"status": "ok", "comms": comms})
	}
	handlers["comm_open"] = func(k *kernel, _ *wire.Socket, m *wire.Message) {
		k.answering(m, func() { comm.Opened(m.String("comm_id"), m.String("target_name"), dataOf(m)) })
	}
	handlers["comm_msg"] = func(k *kernel, _ *wire.Socket, m *wire.Message) {
		k.answering(m, func() { comm.Deliver(m.String("comm_id"), dataOf(m)) })
	}
	handlers["comm_close"] = func(_ *kernel, _ *wire.Socket, m *wire.Message) { comm.Closed(m.String("comm_id")) }
}

func dataOf(m *wire.Message) comm.Data {
	d, _ := m.Content["data"].(map[string]any)
	return d
}

// answering runs f with m as the parent of what is sent meanwhile.
func (k *kernel) answering(m *wire.Message, f func()) {
	k.commParent.Store(m)
	defer k.commParent.Store(nil)
	f()
}

// carryComms has comms' messages sent by this kernel.
func (k *kernel) carryComms(connectionFile string) (detach func()) {
	return comm.Attach(kernelID(connectionFile), func(kind, _ string, content comm.Data) {
		k.publish(kind, k.commParent.Load(), content)
	})
}

// ofKernel is how Jupyter's server names connection files: by the id that its pages know the kernel by.
var ofKernel = regexp.MustCompile(`^kernel-([0-9a-f]{8}-[0-9a-f-]{27})\.json$`)

func kernelID(connectionFile string) string {
	m := ofKernel.FindStringSubmatch(filepath.Base(connectionFile))
	if m == nil {
		return ""
	}
	return m[1]
}
