package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	_ "github.com/fastnb/go/fastnb/text"   // texts' models
	_ "github.com/fastnb/go/fastnb/vision" // and pictures'
)

// Source is an exported model and the name it is asked by.
type Source struct {
	Name string
	Path datasets.Path
	// Address is where the file is fetched from, once, where it is not here: https://HOST/FILE. Path is not
	// looked at then.
	Address string
	Sum     string // the file's SHA-256, in hex; "" is not checked
	// Content is the file itself, where it lies in none.
	Content []byte
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// ParseSource reads "PATH", "NAME=PATH" or the same with an address, "https://HOST/FILE#sha256=SUM"; a path gives the
// file's name, without its ending.
func ParseSource(s string) (Source, error) {
	name, path, named := strings.Cut(s, "=")
	if !named || strings.ContainsAny(name, `/\`) {
		name, path, named = "", s, false
	}
	if named && name == "" {
		return Source{}, fmt.Errorf("fastnb: serve: %s: the name is missing (try NAME=PATH)", s)
	}
	src := Source{Name: name, Path: datasets.NewPath(path)}
	if isAddress(path) {
		address, about, _ := strings.Cut(path, "#")
		sum, ok := strings.CutPrefix(about, "sha256=")
		if about != "" && !ok {
			return Source{}, fmt.Errorf("fastnb: serve: %s: #%s is no checksum (try #sha256=SUM)", s, about)
		}
		bare, _, _ := strings.Cut(address, "?")
		src = Source{Name: name, Path: datasets.NewPath(bare), Address: address, Sum: sum}
	}
	if src.Name == "" {
		src.Name = strings.TrimSuffix(src.Path.Name(), filepath.Ext(src.Path.Name()))
	}
	if !goodName.MatchString(src.Name) {
		return Source{}, fmt.Errorf("fastnb: serve: %s: %q is no name for a model (try NAME=PATH with letters, digits, . _ -)", s, src.Name)
	}
	return src, nil
}

// fetch brings the file here, where it is not, and gives where it lies.
func (s *Source) fetch(ctx context.Context) error {
	if s.Address == "" {
		return nil
	}
	p, err := datasets.FetchExport(ctx, s.Address, s.Sum)
	if err == nil {
		s.Path, s.Address = p, ""
	}
	return err
}

// loaded is a model as long as somebody uses it.
type loaded struct {
	*fastnb.Model
	users sync.WaitGroup
	kept  bool // it is somebody else's: not closed here
}

// entry is a model by its name; the file may be replaced while it serves.
type entry struct {
	Source
	mu   sync.Mutex
	now  *loaded
	when time.Time
	size int64
}

// use gives the model, and what ends its use.
func (e *entry) use() (*fastnb.Model, func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.now
	m.users.Add(1)
	return m.Model, m.users.Done
}

func (e *entry) stat() (time.Time, int64, error) {
	st, err := os.Stat(e.Path.String())
	if err != nil {
		return time.Time{}, 0, err
	}
	if st.IsDir() {
		return time.Time{}, 0, nil
	}
	return st.ModTime(), st.Size(), nil
}

// load reads the file. Who is being answered by the old model still is.
func (e *entry) load() error {
	defer frugal()()
	if e.Content != nil {
		m, err := fastnb.LoadModelFrom(e.Name, e.Content)
		if err == nil {
			e.now, e.Content = &loaded{Model: m}, nil
		}
		return err
	}
	when, size, err := e.stat()
	if err != nil {
		return fmt.Errorf("fastnb: serve: %s: %w (try learn.Export)", e.Name, err)
	}
	m, err := fastnb.LoadModel(e.Path)
	if err != nil {
		return err
	}
	e.mu.Lock()
	old := e.now
	e.now, e.when, e.size = &loaded{Model: m}, when, size
	e.mu.Unlock()
	old.end()
	if old != nil {
		debug.FreeOSMemory() // what the file was read into
	}
	return nil
}

// loading is held while a file is read: one at a time.
var loading sync.Mutex

// frugal lets the collector work more often until the function that it gives is called: what a file is read into
// is garbage of several times its size, and would be the most that the process ever takes.
func frugal() func() {
	loading.Lock()
	before := debug.SetGCPercent(50)
	return func() {
		debug.SetGCPercent(before)
		loading.Unlock()
	}
}

// end closes a model when nobody uses it any more.
func (l *loaded) end() {
	if l == nil || l.kept {
		return
	}
	go func() {
		l.users.Wait()
		l.Close()
	}()
}

// changed reports whether the file was replaced by another since, and is whole: two looks see the same.
func (e *entry) changed() bool {
	when, size, err := e.stat()
	if err != nil || when.IsZero() {
		return false
	}
	e.mu.Lock()
	same := when.Equal(e.when) && size == e.size
	e.mu.Unlock()
	return !same
}

// store is the models of a server.
type store struct {
	byName map[string]*entry
	names  []string // the first is the one asked without a name
}

func newStore(ctx context.Context, sources []Source) (*store, error) {
	s := &store{byName: map[string]*entry{}}
	for _, src := range sources {
		if s.byName[src.Name] != nil {
			s.close()
			return nil, fmt.Errorf("fastnb: serve: two models are named %s (try NAME=PATH)", src.Name)
		}
		e := &entry{Source: src}
		err := e.fetch(ctx)
		if err == nil {
			err = e.load()
		}
		if err != nil {
			s.close()
			return nil, err
		}
		s.byName[src.Name] = e
		s.names = append(s.names, src.Name)
	}
	return s, nil
}

// of is the model of this name, or the first one for "".
func (s *store) of(name string) (*entry, error) {
	if name == "" {
		name = s.names[0]
	}
	if e := s.byName[name]; e != nil {
		return e, nil
	}
	sorted := append([]string{}, s.names...)
	sort.Strings(sorted)
	return nil, fail(404, fmt.Sprintf("there is no model %q (try %s)", name, strings.Join(sorted, ", ")))
}

// close ends all models.
func (s *store) close() {
	for _, e := range s.byName {
		e.mu.Lock()
		m := e.now
		e.mu.Unlock()
		if m != nil && !m.kept {
			m.users.Wait()
			m.Close()
		}
	}
}
