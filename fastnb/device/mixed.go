package device

import "github.com/fastnb/go/fastnb/tensor"

// Mixed is dev with activations in a kind of half precision, one of its Info().Mixed, where a plan names none.
// Both use the same memory and the same programs' queues.
func Mixed(dev Device, kind tensor.DType) Device { return mixed{dev, kind} }

type mixed struct {
	Device
	kind tensor.DType
}

func (m mixed) Info() Info {
	i := m.Device.Info()
	i.Activations = m.kind
	return i
}

func (m mixed) Compile(p *Plan) (Program, error) {
	q := *p
	if !q.Activations.Half() {
		q.Activations = m.kind
	}
	return m.Device.Compile(&q)
}
