package nb

import (
	"bytes"
	"testing"
	"time"
)

// FuzzNotebook reads any bytes as a notebook: what is one is written again, the same each time, and has a
// page.
func FuzzNotebook(f *testing.F) {
	for _, s := range []string{
		`{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`,
		`{"cells": [{"cell_type": "code", "id": "a", "metadata": {"tags": ["x"]}, "source": ["a\n", "b"], "execution_count": null, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["x"]}, {"output_type": "display_data", "data": {"text/html": "<b>", "image/png": "AAAA"}, "metadata": {}}, {"output_type": "error", "ename": "e", "evalue": "v", "traceback": ["\u001b[31mx"]}]}, {"cell_type": "markdown", "metadata": {}, "source": "# x"}], "metadata": {"fastnb": {"originals": 3}}, "nbformat": 4, "nbformat_minor": 5}`,
		`{"worksheets": [{"cells": []}], "nbformat": 3}`, `{"cells": [{}], "nbformat": 4}`, `[]`, `{"cells": {"a": 1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		n, err := Parse(b)
		if err != nil {
			return
		}
		one, err := n.Bytes()
		if err != nil {
			return
		}
		again, err := Parse(one)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		two, err := again.Bytes()
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("written twice, %v:\n%s\n%s", err, one, two)
		}
		if _, err := n.HTML("x"); err != nil {
			t.Logf("page: %v", err)
		}
	})
}
