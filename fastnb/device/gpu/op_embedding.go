package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["embedding"] = lowerEmbedding
	ops["embedding_dw"] = lowerEmbeddingDW
}

// words are the arguments that both kernels take; rng is the step's last input if rows are dropped.
func words(c *compiler, a device.Embedding, ids, rng device.ValueID, v, e int) (args []any, r ref) {
	s := c.shape(ids)
	drop, r := 0, c.val(ids)
	if a.P > 0 {
		drop, r = 1, c.val(rng)
	}
	limit, scale := chance(a.P)
	return []any{s[0], s[1], a.From, v, e, drop, a.Chunk, a.ID, limit, scale}, r
}

// lowerEmbedding: in is ids [N, T], w [V, E] [, rng].
func lowerEmbedding(c *compiler, st *device.Step) error {
	a := st.Attrs.(device.Embedding)
	table := c.shape(st.In[1])
	w := c.as(st.In[1], tensor.Float32)
	args, rng := words(c, a, st.In[0], st.In[len(st.In)-1], table[0], table[1])
	kind := c.store(st.Out[0])
	y, done := c.out(st.Out[0], kind)
	places := (a.To - a.From) * c.shape(st.In[0])[0]
	args = append(append([]any{c.val(st.In[0]), w, rng, y, c.flag}, args...), c.number())
	c.run("embedding_"+suffix(kind), "embedding", [3]int{places, 1, 1}, 128, args...)
	done()
	return nil
}

// lowerEmbeddingDW: in is dy, ids [, rng].
func lowerEmbeddingDW(c *compiler, st *device.Step) error {
	a := st.Attrs.(device.Embedding)
	table := c.shape(st.Out[0])
	dy := c.val(st.In[0])
	args, rng := words(c, a, st.In[1], st.In[len(st.In)-1], table[0], table[1])
	dw, done := c.out(st.Out[0], tensor.Float32)
	c.clear(dw)
	shape := c.shape(st.In[1])
	places := (a.To - a.From) * shape[0]
	buckets := max(1, min(512, places/8))
	unit := "embedding_" + suffix(dy.kind)
	ints := func(n int) ref { return c.temp(tensor.Float32, n) } // as wide
	counts, starts, list, named := ints(buckets), ints(buckets+1), ints(places), ints(places)
	of := []any{shape[0], shape[1], a.From, table[0], a.Pad, places, buckets}
	c.run(unit, "embedding_count", [3]int{buckets, 1, 1}, 256, append([]any{c.val(st.In[1]), counts}, of...)...)
	c.run(unit, "embedding_list", [3]int{buckets, 1, 1}, 256, append([]any{c.val(st.In[1]), counts, starts, list, named}, of...)...)
	args = append(append([]any{dy, starts, list, named, rng, dw}, args...), buckets)
	c.run(unit, "embedding_dw", [3]int{places, (table[1] + 511) / 512, 1}, 128, args...)
	done()
	return nil
}
