package cpu

// scratch gives working memory that is valid until the next op: slot 0 is shared, 1 + worker is a
// worker's own.
func (d *Device) scratch(slot, n int) []float32 {
	for len(d.pack) <= slot {
		d.pack = append(d.pack, nil)
	}
	if d.pack[slot] == nil || len(d.pack[slot].f) < n {
		d.pack[slot].free()
		d.pack[slot] = newMemory(n + n/4)
	}
	return d.pack[slot].f[:n]
}

// What ops keep in working memory of their own, beside that of products.
const (
	slotDropped = iota // recurrent weights with their mask, or derivatives that will get one
	slotWeights        // packed recurrent weights
	slotGates          // gates that no backward pass will want
	slotState          // outputs and cells of a step
	slotStart          // the state before the first step
	slotScores         // of the words of a vocabulary
	slotDecoder        // what its workers need
)

// keep is working memory beside that of products, valid until the next op.
func (d *Device) keep(slot, n int) []float32 { return d.scratch(1+d.team.n+slot, n) }
