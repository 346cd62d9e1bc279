package models

import (
	"fmt"
	"os"
)

// maxPickle bounds the pickles that are read: lists of words and of names.
const maxPickle = 1 << 30

// ReadWords reads a Python pickle of a list of strings, such as the words of a language model. Nothing
// else is ever built: a file that asks for a class or a function is refused.
func ReadWords(path string) (words []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading words: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	st, err := f.Stat()
	if err == nil && st.Size() > maxPickle {
		err = fmt.Errorf("a file of %d bytes is no list of words", st.Size())
	}
	var v any
	if err == nil {
		v, err = newUnpickler(f, st.Size(), "which no list of words needs").load()
	}
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading words %s: %w", path, err)
	}
	list, ok := v.(*pyList)
	if !ok {
		return nil, fmt.Errorf("fastnb: reading words %s: it holds %s, not a list", path, pyKind(v))
	}
	for i, x := range list.items {
		s, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("fastnb: reading words %s: entry %d is %s, not a word", path, i, pyKind(x))
		}
		words = append(words, s)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("fastnb: reading words %s: the list is empty", path)
	}
	return words, nil
}

// pyKind is what Python calls a value of this kind.
func pyKind(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "a truth value"
	case int64, pyLong:
		return "a whole number"
	case float64:
		return "a number"
	case string:
		return "a text"
	case []byte:
		return "bytes"
	case *pyList:
		return "a list"
	case pyTuple:
		return "a tuple"
	case *pyDict:
		return "a dictionary"
	}
	return "something else"
}
