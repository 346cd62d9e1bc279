package cpu

// wanted are columns of lines of memory that will be read once the tiles now at work are done: rows of gates, cells and
// outputs lie far apart, so that no processor sees by itself what comes, and what the layers before left is no longer in
// its caches. While a block is multiplied the rows of the next are fetched, a column with each tile.
type wanted struct {
	columns []wantedColumn
	at      int
	per     int // lines that a tile fetches
}

type wantedColumn struct {
	first *float32
	ld    int
}

// begin lets tiles of so many steps take what is added.
func (w *wanted) begin(steps int) { w.columns, w.at, w.per = w.columns[:0], 0, max(1, steps/8) }

// add takes so many lines of rows [N, ld] in.
func (w *wanted) add(f []float32, ld, rows, lines int) {
	const line = 16 // floats
	for l := range lines {
		for r := 0; r < rows && r*ld+l*line < len(f); r += w.per {
			w.columns = append(w.columns, wantedColumn{&f[r*ld+l*line], ld})
		}
	}
}

// take is the next column, or one of nothing new.
func (w *wanted) take(none *float32) (first *float32, ld int) {
	if w == nil || w.at == len(w.columns) {
		return none, 0
	}
	c := w.columns[w.at]
	w.at++
	return c.first, c.ld
}
