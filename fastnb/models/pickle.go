package models

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// ReadWords reads a Python pickle of a list of strings, such as the words of a language model. Nothing
// else is ever built: a file that asks for a class or a function is refused.
func ReadWords(path string) (words []string, err error) {
	defer func() {
		if r := recover(); r != nil { // the reader panics on some malformed files
			words, err = nil, fmt.Errorf("fastnb: reading words %s: damaged (%v)", path, r)
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading words: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	st, err := f.Stat()
	if err == nil {
		err = newScanner(f, st.Size(), st.Size()).pickle()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading words %s: %w", path, err)
	}
	v, err := refusing(bufio.NewReader(f), "which no list of words needs").Load()
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading words %s: %w", path, err)
	}
	list, ok := v.(*types.List)
	if !ok {
		return nil, fmt.Errorf("fastnb: reading words %s: it holds a %T, not a list", path, v)
	}
	for i, x := range *list {
		s, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("fastnb: reading words %s: entry %d is a %T, not a word", path, i, x)
		}
		words = append(words, s)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("fastnb: reading words %s: the list is empty", path)
	}
	return words, nil
}

// refusing is an unpickler that builds nothing but plain values: whatever a file wants to call is an
// error.
func refusing(r io.Reader, why string) *pickle.Unpickler {
	u := pickle.NewUnpickler(r)
	u.FindClass = func(module, name string) (any, error) {
		return nil, fmt.Errorf("it asks for %s.%s, %s", module, name, why)
	}
	u.PersistentLoad = func(any) (any, error) { return nil, fmt.Errorf("it refers to something outside itself") }
	u.GetExtension = func(int) (any, error) { return nil, fmt.Errorf("it uses an extension code, %s", why) }
	return &u
}
