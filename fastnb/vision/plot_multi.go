package vision

import (
	"fmt"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// PlotMulti lays out rows by cols of figures; f makes the one of row i and column j. Options: FigSize
// (12x6 inches), Title. (fastai/core.py, plot_multi.)
func PlotMulti(rows, cols int, f func(i, j int) (*plotting.Figure, error), opts ...data.ShowOption) (*plotting.Figure, error) {
	if rows < 1 || cols < 1 || f == nil {
		return nil, fmt.Errorf("fastnb: plot multi: %d rows of %d figures", rows, cols)
	}
	c := data.NewShowConfig(data.Train, opts...)
	if c.W == 0 || c.H == 0 {
		c.W, c.H = 12, 6
	}
	var tiles []plotting.Tile
	for i := range rows {
		for j := range cols {
			fig, err := f(i, j)
			switch {
			case err != nil:
				return nil, fmt.Errorf("fastnb: plot multi: row %d, column %d: %w", i, j, err)
			case fig == nil || fig.Err() == nil && fig.Image() == nil:
				return nil, fmt.Errorf("fastnb: plot multi: row %d, column %d: there is no picture", i, j)
			case fig.Err() != nil:
				return nil, fmt.Errorf("fastnb: plot multi: row %d, column %d: %w", i, j, fig.Err())
			}
			tiles = append(tiles, plotting.Tile{Image: fig.Image()})
		}
	}
	return plotting.Grid(tiles, plotting.GridOpts{Rows: rows, Cols: cols, W: c.W, H: c.H, Suptitle: c.Title}), nil
}
