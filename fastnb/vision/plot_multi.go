package vision

import (
	"fmt"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// PlotMulti lays out rows by cols of figures; f makes the one of row i and column j. Options: FigSize
// (12x6 inches), Title. (fastai/core.py, plot_multi.)
func PlotMulti(rows, cols int, f func(i, j int) (*plotting.Figure, error), opts ...data.ShowOption) (*plotting.Figure, error) {
	if f == nil {
		return nil, fmt.Errorf("fastnb: plot multi: no function that makes figures")
	}
	return plotFlat("plot multi", rows, cols, rows*cols, func(k int) (*plotting.Figure, error) { return f(k/cols, k%cols) }, opts)
}

// plotFlat lays out n figures in rows.
func plotFlat(verb string, rows, cols, n int, f func(k int) (*plotting.Figure, error), opts []data.ShowOption) (*plotting.Figure, error) {
	if rows < 1 || cols < 1 || f == nil {
		return nil, fmt.Errorf("fastnb: %s: %d rows of %d figures", verb, rows, cols)
	}
	c := data.NewShowConfig(data.Train, opts...)
	if err := c.Refuse(verb, "PlotMulti"); err != nil {
		return nil, err
	}
	if c.W == 0 || c.H == 0 {
		c.W, c.H = 12, 6
	}
	var tiles []plotting.Tile
	for k := range n {
		at := fmt.Sprintf("fastnb: %s: row %d, column %d", verb, k/cols, k%cols)
		fig, err := f(k)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", at, err)
		case fig == nil || fig.Err() == nil && fig.Image() == nil:
			return nil, fmt.Errorf("%s: there is no picture", at)
		case fig.Err() != nil:
			return nil, fmt.Errorf("%s: %w", at, fig.Err())
		}
		tiles = append(tiles, plotting.Tile{Image: fig.Image()})
	}
	return plotting.Grid(tiles, plotting.GridOpts{Rows: rows, Cols: cols, W: c.W, H: c.H, Suptitle: c.Title}), nil
}

// ShowMulti lays out rows by cols of pictures; f gives the one of row i and column j. Options: FigSize (9x9
// inches), Title. (fastai/vision/image.py and core.py, show_multi.)
func ShowMulti(rows, cols int, f func(i, j int) (*Image, error), opts ...data.ShowOption) (*plotting.Figure, error) {
	if f == nil {
		return nil, fmt.Errorf("fastnb: show multi: no function that gives pictures")
	}
	return PlotMulti(rows, cols, func(i, j int) (*plotting.Figure, error) {
		x, err := f(i, j)
		if err != nil || x == nil {
			return nil, err
		}
		return x.Show(), nil
	}, append([]data.ShowOption{data.FigSize(9, 9)}, opts...)...)
}

// ShowAll lays out items, pictures or masks, in so many rows, the last filled as far as there are items.
// Options: FigSize (12x6 inches), Title. (fastai/core.py, show_all.)
func ShowAll(items []data.Item, rows int, opts ...data.ShowOption) (*plotting.Figure, error) {
	if rows < 1 || len(items) < rows {
		return nil, fmt.Errorf("fastnb: show all: %d items in %d rows", len(items), rows)
	}
	return plotFlat("show all", rows, (len(items)+rows-1)/rows, len(items), func(k int) (*plotting.Figure, error) { return items[k].Show(), nil }, opts)
}

// PlotFlat lays out rows by cols of figures as PlotMulti does; f gets the number of each, counted along the
// rows. Options: FigSize (12x6 inches), Title. (fastai/core.py, plot_flat.)
func PlotFlat(rows, cols int, f func(k int) (*plotting.Figure, error), opts ...data.ShowOption) (*plotting.Figure, error) {
	return plotFlat("plot flat", rows, cols, rows*cols, f, opts)
}
