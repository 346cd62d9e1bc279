package fastnb

import (
	"fmt"
	"os"

	"github.com/fastnb/go/datasets"
)

// Example is an input that an export carries, for those to try who have none at hand.
type Example struct {
	Name    string `json:"name"`
	Content []byte `json:"content,omitempty"` // of a file
	Text    string `json:"text,omitempty"`
}

// Limits of what an export carries beside the model.
const (
	mostExamples = 16
	mostExample  = 1 << 20 // bytes of one
)

// ExportOption changes ExportWith.
type ExportOption interface{ applyExport(*exportConfig) }

type exportConfig struct {
	file     string
	examples []Example
	err      error
}

type exportOption func(*exportConfig)

func (o exportOption) applyExport(c *exportConfig) { o(c) }

// FileOption is the option File.
type FileOption struct{ name string }

func (o FileOption) applyLoad(c *loadConfig)     { c.file, c.named = o.name, true }
func (o FileOption) applyExport(c *exportConfig) { c.file = o.name }

// File is the name of the exported file: export.fastnb by default.
func File(name string) FileOption { return FileOption{name} }

// Examples are files, such as pictures of the validation set, that the export carries as they are, for the page of
// fastnb serve to offer: at most 16 of at most 1 MB. Whoever has the export has them.
func Examples(files ...datasets.Path) ExportOption {
	return exportOption(func(c *exportConfig) {
		for _, f := range files {
			b, err := os.ReadFile(f.String())
			if err == nil && len(b) > mostExample {
				err = fmt.Errorf("%s has %d bytes, an example has at most %d (try a smaller one)", f, len(b), mostExample)
			}
			if err != nil && c.err == nil {
				c.err = err
			}
			c.examples = append(c.examples, Example{Name: f.Name(), Content: b})
		}
	})
}

// ExampleTexts are Examples of a model of texts.
func ExampleTexts(texts ...string) ExportOption {
	return exportOption(func(c *exportConfig) {
		for i, s := range texts {
			if len(s) > mostExample && c.err == nil {
				c.err = fmt.Errorf("example %d has %d bytes, an example has at most %d", i, len(s), mostExample)
			}
			c.examples = append(c.examples, Example{Name: fmt.Sprintf("text %d", i+1), Text: s})
		}
	})
}

// ExportWith is Export with options: File (export.fastnb), Examples and ExampleTexts (none).
func (l *Learner) ExportWith(o ...ExportOption) error {
	c := exportConfig{file: exportFile}
	for _, o := range o {
		o.applyExport(&c)
	}
	if c.err == nil && len(c.examples) > mostExamples {
		c.err = fmt.Errorf("%d examples, at most %d go into an export", len(c.examples), mostExamples)
	}
	if c.err != nil {
		return because("export: examples", c.err)
	}
	return l.export(c)
}

// Examples are the inputs that the model's export carries.
func (m *Model) Examples() []Example { return m.examples }
