// Package plotting makes what a notebook shows: grids of pictures, line charts, heat maps, tables.
//
// It is a leaf: it imports nothing of ours. Every function gives a [*Figure], which shows itself at
// the end of a cell because it has gophernotes' Render method; the kernel need not know this package.
// A figure is one bundle of forms: charts are text/html (interactive, with the static picture inside
// the same element, so that a notebook that may not run scripts still shows it), image/png and
// text/plain; grids of pictures are image/png, or image/jpeg where that is much smaller, and text/plain;
// tables are text/html and text/plain.
//
//	fig := plotting.Lines(plotting.LineOpts{
//		XLabel: "Learning Rate", YLabel: "Loss", LogX: true,
//		Series: []plotting.Series{{Name: "loss", X: lrs, Y: losses}},
//	})
//
// Sizes are in inches of 72 nominal pixels, as figure sizes in the lesson are; pictures are drawn with
// more pixels than that and shown at the nominal size, so that they stay crisp.
//
// Interactive charts are drawn by Apache ECharts. Its script is in no output: a page fetches it once, from the
// kernelspec's folder ([ScriptFile]), and pages that stand alone hold it once ([ScriptElement]).
// [SetStatic] leaves scripts out.
package plotting
