package bind

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"sync"
)

//go:embed gen_docs.json.gz
var packed []byte

var docs = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.NewDecoder(z).Decode(&all)
	}
	if err != nil {
		return map[string]string{} // the generator's test keeps the file whole
	}
	return all
})

// Doc is the declaration and the comment of "path", "path.Name" or "path.Type.Method", or "".
func Doc(name string) string {
	if d, ok := extras.docs[name]; ok {
		return d
	}
	return docs()[name]
}
