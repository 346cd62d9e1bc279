package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"

	"github.com/fastnb/go/fastnb/tensor"
)

// ReadTorch reads the tensors of a PyTorch checkpoint, of the zip form or the older one, by their
// state_dict names. Nested dictionaries join their names with dots. Nothing but lists, dictionaries,
// strings, numbers and tensors is ever built: a file that asks for anything else is refused.
func ReadTorch(path string) (out map[string]*tensor.Tensor, err error) {
	defer func() {
		if r := recover(); r != nil { // the reader panics on some malformed files
			out, err = nil, fmt.Errorf("fastnb: reading PyTorch file %s: damaged (%v)", path, r)
		}
	}()
	if err := checkTorch(path); err != nil {
		return nil, fmt.Errorf("fastnb: reading PyTorch file %s: %w", path, err)
	}
	v, err := pytorch.LoadWithUnpickler(path, func(r io.Reader) pickle.Unpickler {
		u := pickle.NewUnpickler(r)
		u.FindClass = func(module, name string) (any, error) {
			return nil, fmt.Errorf("it asks for %s.%s, which no checkpoint of weights needs", module, name)
		}
		return u
	})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading PyTorch file %s: %w", path, err)
	}
	out = map[string]*tensor.Tensor{}
	if err := collect(out, "", v); err != nil {
		return nil, fmt.Errorf("fastnb: reading PyTorch file %s: %w", path, err)
	}
	return out, nil
}

// legacyMagic is what a checkpoint of the older form begins with: PyTorch's magic number, pickled.
var legacyMagic = []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")

// checkTorch refuses a file that is neither form, or says to be longer than it is, before the reader, which can
// go on for ever about an empty one, sees it.
func checkTorch(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(legacyMagic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head[:n], []byte("PK\x03\x04")):
		return scanZip(f, st.Size())
	case !bytes.Equal(head[:n], legacyMagic):
		return errors.New("it is not a checkpoint written by torch.save")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return scanLegacy(f, st.Size())
}

// collect walks dictionaries and gathers tensors.
func collect(out map[string]*tensor.Tensor, name string, v any) error {
	under := func(k any) string {
		if name == "" {
			return fmt.Sprint(k)
		}
		return name + "." + fmt.Sprint(k)
	}
	switch v := v.(type) {
	case *types.OrderedDict:
		for e := v.List.Front(); e != nil; e = e.Next() {
			ent := e.Value.(*types.OrderedDictEntry)
			if err := collect(out, under(ent.Key), ent.Value); err != nil {
				return err
			}
		}
	case *types.Dict:
		for _, ent := range *v {
			if err := collect(out, under(ent.Key), ent.Value); err != nil {
				return err
			}
		}
	case *pytorch.Tensor:
		t, err := convert(v)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		out[name] = t
	}
	return nil
}

// convert copies a tensor, of any strides, into a dense one. Floating point becomes float32,
// whole numbers int64.
func convert(t *pytorch.Tensor) (*tensor.Tensor, error) {
	if len(t.Stride) != len(t.Size) {
		return nil, fmt.Errorf("its shape %v has strides %v", t.Size, t.Stride)
	}
	n, most := 1, storageLen(t.Source)
	for _, d := range t.Size {
		if d < 0 || d > 0 && n > most/d { // a view that repeats what is stored is no weight
			return nil, fmt.Errorf("its shape %v has more elements than the %d stored", t.Size, most)
		}
		n *= d
	}
	pick := func(size int, set func(dst, src int)) error {
		idx := make([]int, len(t.Size))
		for i := range n {
			src := t.StorageOffset
			for d, k := range idx {
				src += k * t.Stride[d]
			}
			if src < 0 || src >= size {
				return fmt.Errorf("element %d lies outside its storage of %d", i, size)
			}
			set(i, src)
			for d := len(idx) - 1; d >= 0; d-- {
				if idx[d]++; idx[d] < t.Size[d] {
					break
				}
				idx[d] = 0
			}
		}
		return nil
	}
	floats := func(src []float32) (*tensor.Tensor, error) {
		dst := make([]float32, n)
		err := pick(len(src), func(i, j int) { dst[i] = src[j] })
		return tensor.FromFloat32(dst, t.Size...), err
	}
	switch s := t.Source.(type) {
	case *pytorch.FloatStorage:
		return floats(s.Data)
	case *pytorch.HalfStorage:
		return floats(s.Data)
	case *pytorch.BFloat16Storage:
		return floats(s.Data)
	case *pytorch.DoubleStorage:
		dst := make([]float32, n)
		err := pick(len(s.Data), func(i, j int) { dst[i] = float32(s.Data[j]) })
		return tensor.FromFloat32(dst, t.Size...), err
	case *pytorch.LongStorage:
		dst := make([]int64, n)
		err := pick(len(s.Data), func(i, j int) { dst[i] = s.Data[j] })
		return tensor.FromInt64(dst, t.Size...), err
	}
	return nil, fmt.Errorf("elements of kind %T are not read", t.Source)
}

// storageLen is the number of elements of a storage that convert reads.
func storageLen(s any) int {
	switch s := s.(type) {
	case *pytorch.FloatStorage:
		return len(s.Data)
	case *pytorch.HalfStorage:
		return len(s.Data)
	case *pytorch.BFloat16Storage:
		return len(s.Data)
	case *pytorch.DoubleStorage:
		return len(s.Data)
	case *pytorch.LongStorage:
		return len(s.Data)
	}
	return 0
}
