package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/internal/opt"
)

// FileKind is a Kind whose references are files: lists from folders take the files with its
// extensions, lists from tables check that each file is there.
type FileKind interface {
	Kind
	Extensions() []string // lower case, with the dot
}

// RowKind is a Kind whose items are made of the fields of a table's row, which may be several.
type RowKind interface {
	Kind
	Ref(fields []string) string // what Open gets
}

// FromOption is an option of making a list.
type FromOption interface {
	FactoryOption
	applyFrom(*fromConfig)
}

type fromConfig struct {
	folder, suffix   string
	cols             []any
	recurse          bool
	include, exclude []string
	ext              []string
	skipMissing      bool
	kind             []func(Kind) (Kind, error)
	csv              csvConfig
	given            opt.Given
}

// What takes the options of lists.
const (
	ofFolders = "lists from folders"
	ofTables  = "lists from tables"
	ofCSV     = "lists from CSV files"
	ofFiles   = "lists of files from tables"
)

// from makes an option that some sources take.
func from(name string, f func(*fromConfig), takers ...string) FromOption {
	return fromFunc(func(c *fromConfig) { f(c); c.given.Note(name, takers...) })
}

type fromFunc func(*fromConfig)

func (f fromFunc) applyFrom(c *fromConfig) { f(c) }

// Folder is where the files of a table are, below the list's path.
func Folder(name string) FromOption {
	return from("Folder", func(c *fromConfig) { c.folder = name }, ofFiles)
}

// Suffix is put after each name of the table, such as ".jpg".
func Suffix(s string) FromOption {
	return from("Suffix", func(c *fromConfig) { c.suffix = s }, ofFiles)
}

// Col is the column with the items, by name or number (default 0).
func Col(c any) FromOption { return from("Col", func(f *fromConfig) { f.cols = []any{c} }, ofTables) }

// Cols are the columns with the items, by name or number (default 0), for kinds that are made of several,
// such as texts.
func Cols(cols ...any) FromOption {
	return from("Cols", func(c *fromConfig) { c.cols = cols }, ofTables)
}

// ForKind changes the list's kind of item: options of packages above are made with it.
func ForKind(f func(Kind) (Kind, error)) FromOption {
	return fromFunc(func(c *fromConfig) { c.kind = append(c.kind, f) })
}

// Recurse says whether folders inside the folder are searched too (default true).
func Recurse(on bool) FromOption {
	return from("Recurse", func(c *fromConfig) { c.recurse = on }, ofFolders)
}

// Include keeps only these folders directly below the path.
func Include(names ...string) FromOption {
	return from("Include", func(c *fromConfig) { c.include = names }, ofFolders)
}

// Exclude leaves out these folders directly below the path.
func Exclude(names ...string) FromOption {
	return from("Exclude", func(c *fromConfig) { c.exclude = names }, ofFolders)
}

// Extensions are the endings of files to take, such as ".jpg"; default those of the kind of item.
func Extensions(ext ...string) FromOption {
	return from("Extensions", func(c *fromConfig) { c.ext = ext }, ofFolders)
}

// SkipMissing leaves out the rows of a table whose file is absent, and says how many there were,
// instead of failing (default false).
func SkipMissing(on bool) FromOption {
	return from("SkipMissing", func(c *fromConfig) { c.skipMissing = on }, ofFiles)
}

func fromOptions(opts []FromOption) fromConfig {
	c := fromConfig{cols: []any{0}, recurse: true, csv: csvConfig{comma: ',', header: true}}
	for _, o := range opts {
		o.applyFrom(&c)
	}
	return c
}

// kindOf is k as the options want it.
func (c fromConfig) kindOf(k Kind) (Kind, error) {
	for _, f := range c.kind {
		n, err := f(k)
		if err != nil {
			return k, err
		}
		k = n
	}
	if e, ok := k.(EncodedKind); ok && c.csv.encoding != "" {
		if _, err := encodingOf(c.csv.encoding); err != nil {
			return k, err
		}
		k = e.WithEncoding(c.csv.encoding)
	}
	return k, nil
}

// ListFromFolder is the list of the files below path with the kind's extensions. Hidden files and
// folders are left out; links to files and folders are followed. Options: Recurse (true), Include, Exclude,
// Extensions, and for text files Encoding.
//
// Items are in the order of their names, folder by folder, where fastai keeps the order of the file
// system: a split with a seed is then the same on every machine.
func ListFromFolder(k Kind, path datasets.Path, opts ...FromOption) *ItemList {
	c := fromOptions(opts)
	if err := c.given.Refuse("item list", ofFolders); err != nil {
		return &ItemList{Path: path, kind: k, err: err}
	}
	k, err := c.kindOf(k)
	if err == nil {
		err = isDir(path.String())
	}
	if err != nil {
		return failedList(k, path, "from folder: %w", err)
	}
	if c.ext == nil {
		if f, ok := k.(FileKind); ok {
			c.ext = f.Extensions()
		}
	}
	for i, e := range c.ext {
		c.ext[i] = strings.ToLower(e)
	}
	if _, ok := k.(EncodedKind); !ok && c.csv.encoding != "" {
		return failedList(k, path, "from folder: option Encoding has no effect on items of %s (try it with lists of text files)", k.Name())
	}
	l := &ItemList{Path: path, kind: k}
	w := folderWalk{c: c}
	err = w.folder(path.String(), true)
	l.refs = w.files
	if err != nil {
		return failedList(k, path, "from folder: %s: %w", path, reason(err))
	}
	if len(l.refs) == 0 {
		return failedList(k, path, "from folder: %s: no file ends in %s (%d other files)", path, strings.Join(c.ext, ", "), w.others)
	}
	return l
}

// folderWalk finds the files of a list.
type folderWalk struct {
	c      fromConfig
	files  []string
	others int           // files with other endings
	inside []fs.FileInfo // the folders that are being walked through, the outermost first
}

// folder takes the files of a folder and of those inside it, in the order of their names. Links are followed,
// but not to a folder that holds them.
func (w *folderWalk) folder(dir string, top bool) error {
	here, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(w.inside, func(o fs.FileInfo) bool { return os.SameFile(o, here) }) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	w.inside = append(w.inside, here)
	defer func() { w.inside = w.inside[:len(w.inside)-1] }()
	for _, e := range entries {
		name, p := e.Name(), filepath.Join(dir, e.Name())
		isFolder := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			if st, err := os.Stat(p); err == nil { // a link to nothing is told when it is opened
				isFolder = st.IsDir()
			}
		}
		switch {
		case strings.HasPrefix(name, "."):
		case isFolder:
			if !w.c.recurse || top && (w.c.include != nil && !slices.Contains(w.c.include, name) || slices.Contains(w.c.exclude, name)) {
				continue
			}
			if err := w.folder(p, false); err != nil {
				return err
			}
		case top && w.c.include != nil:
		case w.c.ext == nil || slices.Contains(w.c.ext, strings.ToLower(filepath.Ext(p))):
			w.files = append(w.files, p)
		default:
			w.others++
		}
	}
	return nil
}

// ListFromCSV is the list of the files that the table path/name names in its first column. Options:
// Folder, Suffix, Col (0), Delimiter (","), Header (true), Encoding, SkipMissing (false). A file that is absent is
// an error that names table, line and file.
func ListFromCSV(k Kind, path datasets.Path, name string, opts ...FromOption) *ItemList {
	c := fromOptions(opts)
	if err := isDir(path.String()); err != nil {
		return failedList(k, path, "from csv: %w", err)
	}
	file := path.Join(name).String()
	if filepath.IsAbs(name) {
		file = name
	}
	t, err := readCSV(file, c.csv)
	if err != nil {
		return &ItemList{Path: path, kind: k, err: err}
	}
	return listFromTable(k, path, t, c, ofCSV)
}

// ListFromTable is ListFromCSV for a table in memory.
func ListFromTable(k Kind, path datasets.Path, t *Table, opts ...FromOption) *ItemList {
	if t == nil {
		return failedList(k, path, "from table: no table given")
	}
	return listFromTable(k, path, t, fromOptions(opts), ofTables)
}

// listFromTable makes the list; source is what the options were given to.
func listFromTable(k Kind, path datasets.Path, t *Table, c fromConfig, source string) *ItemList {
	k, err := c.kindOf(k)
	if err != nil {
		return failedList(k, path, "%w", err)
	}
	_, files := k.(FileKind)
	takers := []string{source, ofTables}
	if files {
		takers = append(takers, ofFiles)
	} else {
		takers[0] = "lists of " + k.Name() + " " + strings.TrimPrefix(source, "lists ")
		takers = append(takers, source)
	}
	if err := c.given.Refuse("item list", takers...); err != nil {
		return &ItemList{Path: path, kind: k, err: err}
	}
	if _, ok := k.(EncodedKind); c.csv.encoding != "" && source == ofTables && (!ok || !files) {
		return failedList(k, path, "option Encoding has no effect on %s from a table that is read already (try it with ReadCSV)", k.Name())
	}
	cols, err := t.columns(c.cols)
	if err != nil {
		return failedList(k, path, "%w", err)
	}
	rowKind, rows := k.(RowKind)
	if !rows && len(cols) != 1 {
		return failedList(k, path, "%s: %d columns for items of %s, which are made of one (try Col)", t.name, len(cols), k.Name())
	}
	dir := path.Join(c.folder)
	if files {
		if err := isDir(dir.String()); err != nil {
			return failedList(k, path, "%s: %w (try Folder)", t.name, err)
		}
	}
	l := &ItemList{Path: path, kind: k, table: t, refs: make([]string, t.Len())}
	there := dirCache{}
	var keep []int
	for r, row := range t.rows {
		for _, col := range cols {
			if strings.TrimSpace(row[col]) == "" {
				return failedList(k, path, "%s: column %q is empty", t.place(r), t.cols[col])
			}
		}
		v := row[cols[0]]
		if !files {
			if rows {
				v = rowKind.Ref(t.fields(r, cols))
			}
			l.refs[r], keep = v, append(keep, r)
			continue
		}
		l.refs[r] = dir.Join(v + c.suffix).String()
		switch {
		case there.has(l.refs[r]):
			keep = append(keep, r)
		case !c.skipMissing:
			return failedList(k, path, "%s: %s: there is no such file (try Folder, Suffix, or SkipMissing(true))", t.place(r), l.refs[r])
		}
	}
	if n := len(l.refs) - len(keep); n > 0 {
		warn("%s: %d of %d files are absent and left out", t.name, n, len(l.refs))
		l = l.pick(keep)
	}
	return l
}

// dirCache answers whether files exist by listing each folder once: asking the system for each of
// 40,000 files takes far longer on network file systems.
type dirCache map[string]map[string]bool

func (c dirCache) has(file string) bool {
	dir, name := filepath.Split(file)
	names, ok := c[dir]
	if !ok {
		names = map[string]bool{}
		entries, err := os.ReadDir(dir)
		if err == nil {
			for _, e := range entries {
				names[e.Name()] = true
			}
		}
		c[dir] = names
	}
	return names[name]
}

// warn tells of something that is not an error; in a cell it stands in the cell's output.
func warn(format string, a ...any) {
	fmt.Fprintf(os.Stderr, "fastnb: "+format+"\n", a...)
}
