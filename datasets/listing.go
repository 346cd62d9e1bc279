package datasets

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
)

// Listing is the content of a folder. At the end of a cell it shows itself: the number of entries and
// the first of them.
type Listing []Path

// shownEntries is how many names a listing shows.
const shownEntries = 20

// String is the number of entries and the first names.
func (l Listing) String() string {
	names := make([]string, 0, shownEntries+1)
	for i, p := range l {
		if i == shownEntries {
			names = append(names, "…")
			break
		}
		names = append(names, p.p)
	}
	return fmt.Sprintf("(#%d) [%s]", len(l), strings.Join(names, ", "))
}

// HTML is the same with a name a line.
func (l Listing) HTML() string {
	var b strings.Builder
	word := "entries"
	if len(l) == 1 {
		word = "entry"
	}
	fmt.Fprintf(&b, "<div>%d %s</div><pre style=\"margin:0\">", len(l), word)
	for i, p := range l {
		if i == shownEntries {
			b.WriteString("…\n")
			break
		}
		b.WriteString(html.EscapeString(p.p) + "\n")
	}
	b.WriteString("</pre>")
	return b.String()
}

// Len is the number of entries.
func (l Listing) Len() int { return len(l) }

// Ls lists the folder p, sorted by name. A path that is no folder, or cannot be read, is an error.
func (p Path) Ls() (Listing, error) {
	entries, err := os.ReadDir(p.p)
	if err != nil {
		return nil, fmt.Errorf("fastnb: list folder: %w", err)
	}
	out := make(Listing, len(entries))
	for i, e := range entries {
		out[i] = p.Join(e.Name())
	}
	return out, nil
}

// Glob lists what matches pattern below p, sorted: "*.jpg", "*/rgb.cal". A malformed pattern is an
// error; no match is none.
func (p Path) Glob(pattern string) (Listing, error) {
	if !filepath.IsLocal(filepath.FromSlash(pattern)) {
		return nil, fmt.Errorf("fastnb: glob: pattern %q leaves the folder %s", pattern, p.p)
	}
	found, err := filepath.Glob(filepath.Join(globEscape(p.p), filepath.FromSlash(pattern)))
	if err != nil {
		return nil, fmt.Errorf("fastnb: glob: pattern %q: %w", pattern, err)
	}
	out := make(Listing, len(found))
	for i, f := range found {
		out[i] = Path{f}
	}
	return out, nil
}

// globEscape keeps the folder's own name from being read as a pattern.
func globEscape(dir string) string {
	if filepath.Separator == '\\' {
		return dir // Windows has no escapes in patterns, and no stars in names
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// ReadText is the content of the file p as text.
func (p Path) ReadText() (string, error) {
	t, err := os.ReadFile(p.p)
	if err != nil {
		return "", fmt.Errorf("fastnb: read file: %w", err)
	}
	return string(t), nil
}

// ReadLines are the lines of the file p, without line ends; a last line that is empty does not count.
func (p Path) ReadLines() ([]string, error) {
	t, err := p.ReadText()
	if err != nil {
		return nil, err
	}
	t = strings.TrimSuffix(strings.ReplaceAll(t, "\r\n", "\n"), "\n")
	if t == "" {
		return nil, nil
	}
	return strings.Split(t, "\n"), nil
}

// WriteText puts text into the file p, at once: readers see the old file or the whole new one.
func (p Path) WriteText(text string) error {
	if err := writeFile(p.p, []byte(text)); err != nil {
		return fmt.Errorf("fastnb: write file: %w", err)
	}
	return nil
}

// Open opens the file p for reading.
func (p Path) Open() (*os.File, error) {
	f, err := os.Open(p.p)
	if err != nil {
		return nil, fmt.Errorf("fastnb: open file: %w", err)
	}
	return f, nil
}

// Size is the length of the file p in bytes.
func (p Path) Size() (int64, error) {
	st, err := os.Stat(p.p)
	if err != nil {
		return 0, fmt.Errorf("fastnb: size of file: %w", err)
	}
	return st.Size(), nil
}

// Rel is p as seen from base, or p itself where there is no way from there.
func (p Path) Rel(base Path) Path {
	r, err := filepath.Rel(base.p, p.p)
	if err != nil {
		return p
	}
	return Path{r}
}
