package vision

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"html"
	"image/jpeg"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/disintegration/imaging"

	"github.com/fastnb/go/cell/comm"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/internal/whole"
	"github.com/fastnb/go/plotting"
)

// Cleaner is the pictures that a model finds hardest, with what shall become of each: kept, given another
// label, or left out. It deletes no file.
type Cleaner struct {
	mu      sync.Mutex
	path    datasets.Path
	classes []string
	all     []cleanItem // of training and validation
	hard    []int       // of all, largest loss first
	losses  []float64
	note    string
	line    *comm.Comm
}

type cleanItem struct {
	file  datasets.Path
	label string
	out   bool
}

// thumbSide is the longer side of the cleaner's pictures in pixels.
const thumbSide = 160

// ImageCleaner finds the n pictures with the largest losses of a classifier. At the end of a cell it shows them
// with a choice of labels and a mark to leave each out, and a button that writes Path/cleaned.csv; from a cell,
// Relabel, Delete and Write do the same. Where the page cannot answer it is a table. Options: On (Valid).
// (fastai's ImageCleaner over DatasetFormatter().from_toplosses, which has On(Train) in view too)
func ImageCleaner(l *fastnb.Learner, n int, o ...data.PredsOption) (*Cleaner, error) {
	on := data.NewPredsConfig(data.Valid, o...).On
	interp, err := l.Interpret(o...)
	if err != nil {
		return nil, fmt.Errorf("fastnb: image cleaner: %w", err)
	}
	c := &Cleaner{path: l.Data.Path, classes: l.Data.Classes}
	from := 0
	for _, t := range []data.DSType{data.Train, data.Valid} {
		ds := l.Data.Dataset(t)
		if ds == nil {
			continue
		}
		if t == on || on == data.Fix && t == data.Train {
			from = len(c.all)
		}
		for i, f := range ds.Items() {
			y, err := ds.Y(i)
			if err != nil {
				return nil, fmt.Errorf("fastnb: image cleaner: %s: %w", f, err)
			}
			c.all = append(c.all, cleanItem{file: f, label: y.String()})
		}
	}
	losses, items := interp.TopLosses(max(n, 1))
	for _, i := range items {
		c.hard = append(c.hard, from+i)
	}
	c.losses = losses
	return c, nil
}

// Len is how many pictures are shown.
func (c *Cleaner) Len() int { return len(c.hard) }

// Relabel gives picture k, counted from 0 in the order shown, another label.
func (c *Cleaner) Relabel(k int, label string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case k < 0 || k >= len(c.hard):
		return fmt.Errorf("fastnb: image cleaner: picture %d of %d", k, len(c.hard))
	case !slices.Contains(c.classes, label):
		return fmt.Errorf("fastnb: image cleaner: %q is none of the labels %s", label, strings.Join(c.classes, ", "))
	}
	c.all[c.hard[k]].label = label
	return nil
}

// Delete leaves picture k out of the table, or with false takes it back. The file stays.
func (c *Cleaner) Delete(k int, out ...bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k < 0 || k >= len(c.hard) {
		return fmt.Errorf("fastnb: image cleaner: picture %d of %d", k, len(c.hard))
	}
	c.all[c.hard[k]].out = len(out) == 0 || out[0]
	return nil
}

// Write writes Path/cleaned.csv, a row with name and label for each picture that is kept, training and
// validation pictures alike: ImageListFromTable reads it. The file appears whole or not at all.
func (c *Cleaner) Write() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := c.path.Join("cleaned.csv")
	rows := [][]string{{"name", "label"}}
	for _, it := range c.all {
		if !it.out {
			rows = append(rows, []string{c.name(it), it.label})
		}
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return fmt.Errorf("fastnb: image cleaner: %w", err)
	}
	if err := whole.WriteBytes(name.String(), b.Bytes()); err != nil {
		return fmt.Errorf("fastnb: image cleaner: %w", err)
	}
	c.note = fmt.Sprintf("%s: %d of %d pictures", name.Name(), len(rows)-1, len(c.all))
	return nil
}

// name is a picture's file below the data's path, with slashes.
func (c *Cleaner) name(it cleanItem) string {
	if r, err := filepath.Rel(c.path.String(), it.file.String()); err == nil && !strings.HasPrefix(r, "..") {
		return filepath.ToSlash(r)
	}
	return it.file.String()
}

// answer does what a page asks for.
func (c *Cleaner) answer(d comm.Data) (comm.Data, error) {
	k, _ := d["k"].(float64)
	var err error
	switch d["do"] {
	case "label":
		label, _ := d["label"].(string)
		err = c.Relabel(int(k), label)
	case "delete":
		out, _ := d["out"].(bool)
		err = c.Delete(int(k), out)
	case "write":
		if err = c.Write(); err == nil {
			return comm.Data{"note": c.note}, nil
		}
	default:
		err = fmt.Errorf("fastnb: image cleaner: nothing is known of %v", d["do"])
	}
	return nil, err
}

// String is the cleaner as a table.
func (c *Cleaner) String() string { return c.figure().String() }

func (c *Cleaner) figure() *plotting.Figure {
	c.mu.Lock()
	defer c.mu.Unlock()
	var rows [][]string
	for k, i := range c.hard {
		do := "keep"
		if c.all[i].out {
			do = "leave out"
		}
		rows = append(rows, []string{fmt.Sprint(k), c.name(c.all[i]), c.all[i].label, fmt.Sprintf("%.4f", c.losses[k]), do})
	}
	return plotting.HTMLTable([]string{"picture", "file", "label", "loss", "decision"}, rows)
}

// Render gives the cleaner's forms for a notebook (gophernotes' Renderer): the page with buttons, which
// without a kernel shows what was decided, and the table.
func (c *Cleaner) Render() struct{ Data, Metadata, Transient map[string]any } {
	out := c.figure().Render()
	if c.line == nil {
		c.line = comm.New("fastnb.cleaner", c.answer)
	}
	out.Data["text/html"] = c.page("fastnb-cleaner-" + c.line.ID())
	return out
}

// page is the pictures with their choices.
func (c *Cleaner) page(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, `<div id="%s" class="fastnb-cleaner"><style>.fastnb-cleaner .pics{display:flex;flex-wrap:wrap;gap:12px}.fastnb-cleaner figure{margin:0;width:%dpx}.fastnb-cleaner img{max-width:100%%;display:block}.fastnb-cleaner select{width:100%%;margin:4px 0}.fastnb-cleaner figure.out img{opacity:.25}.fastnb-cleaner.fastnb-alone select,.fastnb-cleaner.fastnb-alone input,.fastnb-cleaner.fastnb-alone button{pointer-events:none;opacity:.6}</style><div class="pics">`, id, thumbSide)
	for k, i := range c.hard {
		it := c.all[i]
		class, checked := "", ""
		if it.out {
			class, checked = ` class="out"`, " checked"
		}
		fmt.Fprintf(&b, `<figure%s data-k="%d" title="%s, loss %.4f">%s<select aria-label="label">`, class, k, html.EscapeString(c.name(it)), c.losses[k], thumb(it.file))
		for _, l := range c.classes {
			on := ""
			if l == it.label {
				on = " selected"
			}
			fmt.Fprintf(&b, `<option%s>%s</option>`, on, html.EscapeString(l))
		}
		fmt.Fprintf(&b, `</select><label><input type="checkbox"%s> leave out</label></figure>`, checked)
	}
	fmt.Fprintf(&b, `</div><p><button type="button">Write cleaned.csv</button> <span class="fastnb-note">%s</span></p></div>`, html.EscapeString(c.note))
	b.WriteString(c.line.Script(id, cleanerCode))
	return b.String()
}

// cleanerCode is what the page does.
const cleanerCode = `var note=box.querySelector(".fastnb-note");
receive=function(d){note.textContent=d.error||d.note||"";};
box.querySelectorAll("figure").forEach(function(f){var k=+f.dataset.k,s=f.querySelector("select"),x=f.querySelector("input");
s.onchange=function(){send({"do":"label",k:k,label:s.value});};
x.onchange=function(){f.classList.toggle("out",x.checked);send({"do":"delete",k:k,out:x.checked});};});
box.querySelector("button").onclick=function(){send({"do":"write"});};box.classList.add("fastnb-ready");`

// thumb is a small picture as an HTML element, or the reason why there is none.
func thumb(file datasets.Path) string {
	x, err := OpenImage(file)
	if err != nil {
		return html.EscapeString(err.Error())
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, imaging.Fit(x.Picture(), thumbSide, thumbSide, imaging.Box), &jpeg.Options{Quality: 85}); err != nil {
		return html.EscapeString(err.Error())
	}
	return fmt.Sprintf(`<img alt="%s" src="data:image/jpeg;base64,%s">`, html.EscapeString(file.Name()), base64.StdEncoding.EncodeToString(b.Bytes()))
}
