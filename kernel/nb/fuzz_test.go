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
	for _, s := range []string{
		`{"cells": [{"cell_type": "code", "source": {"a": 1}, "outputs": "x", "execution_count": 1e300, "metadata": [1]}], "metadata": null, "nbformat": 4}`,
		`{"cells": [{"cell_type": "code", "source": ["%%html\n", "<script>", 7], "outputs": [{"output_type": "display_data", "data": {"image/png": ["not", "base64"], "image/svg+xml": 5, "text/html": ["</body>"], "application/json": {"a": [1]}, "text/latex": "$$"}}, {"output_type": "stream", "name": 3, "text": {"a": 1}}, {"output_type": "error", "ename": [], "traceback": "x"}, {"output_type": "no such"}], "execution_count": -3}], "metadata": {}, "nbformat": 4}`,
		`{"cells": [{"cell_type": "raw", "source": "x", "attachments": {"a.png": {"image/png": "AAAA"}}}, {"cell_type": "no such", "source": ""}, {"cell_type": "markdown", "source": ["[a](javascript:x)", "![](attachment:a.png)", "<img onerror=x>", "$\frac{1}$"]}], "metadata": {}, "nbformat": 4}`,
		`{"cells": [{"cell_type": "code", "id": "a", "source": "// The knobs\nx := 1", "metadata": {"tags": ["parameters", 3], "fastnb": {"original": -1}}}, {"cell_type": "code", "id": "a", "source": ""}], "metadata": {"fastnb": {"originals": 1e99}}, "nbformat": 4, "nbformat_minor": -9}`,
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
		if page, err := n.HTML("x"); err == nil && !bytes.HasSuffix(bytes.TrimSpace(page), []byte("</html>")) {
			t.Errorf("the page has no end: %q", page[max(0, len(page)-200):])
		}
		_ = Override(n, map[string]string{"x": "2"})
		_, _ = n.Steps(), n.Beside()
		for _, c := range n.Cells {
			_, _ = c.Original()
			_, _ = c.Shape(), c.Shows()
		}
	})
}
