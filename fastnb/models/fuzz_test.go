package models

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func tempFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// legacyOf is a checkpoint of the older form around a pickle, with the numbers of the arrays behind it.
func legacyOf(pickle string, keys []string, arrays ...[]byte) []byte {
	var b bytes.Buffer
	b.Write(legacyMagic)
	b.WriteString("\x80\x02M\xe9\x03.\x80\x02}.")
	b.WriteString(pickle)
	b.WriteString("\x80\x02]")
	for _, k := range keys {
		fmt.Fprintf(&b, "U%c%sa", len(k), k)
	}
	b.WriteString(".")
	for _, a := range arrays {
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(a)/4)))
		b.Write(a)
	}
	return b.Bytes()
}

// zipOf is a checkpoint of today's form around a pickle.
func zipOf(t testing.TB, pickle string, arrays map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, body []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	add("x/data.pkl", []byte(pickle))
	for k, a := range arrays {
		add("x/data/"+k, a)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tensorOf is the pickle of a float tensor of a storage with n elements, named and shaped as given; n is an
// instruction.
func tensorOf(key, n, shape string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU" + string(rune(len(key))) + key +
		"U\x03cpu" + n + "NtQK\x00" + shape + "\x89NtR"
}

const vec4 = "K\x04\x85K\x01\x85"

// What each damaged or hostile checkpoint gives: an error with these words, soon, and for little memory.
func TestReadTorchHostile(t *testing.T) {
	data := bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, 4) // four ones
	one := "\x80\x02}U\x01w" + tensorOf("0", "K\x04", vec4) + "s."
	good := legacyOf(one, []string{"0"}, data)
	many := []string{"\x80\x02}("}
	for i := range 20_000 {
		many = append(many, fmt.Sprintf("U\x05%05d", i)+tensorOf("0", "J\x00\x40\x00\x00", "J\x00\x40\x00\x00\x85K\x01\x85"))
	}
	views := strings.Join(append(many, "u."), "")
	nest := "\x80\x02" + strings.Repeat("}U\x01a", 5000) + "N" + strings.Repeat("s", 5000) + "."
	wide := "\x80\x02}q\x00"
	for i := range 12 { // each dictionary holds the one before ten times
		wide += "}("
		for j := range 10 {
			wide += fmt.Sprintf("U\x01%dh%c", j, i)
		}
		wide += fmt.Sprintf("uq%c", i+1)
	}
	big := bytes.Repeat(data, 4096/4*4)
	zipped := zipOf(t, one, map[string][]byte{"0": data})
	wrongSum := bytes.Clone(zipped)
	wrongSum[bytes.Index(zipped, data)+3] ^= 0x40
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"good":           {good, ""},
		"good zip":       {zipped, ""},
		"cut":            {good[:len(good)-1], "cut off"},
		"cut more":       {good[:len(good)-17], "cut off"},
		"no arrays":      {legacyOf(one, nil), "not there"},
		"other length":   {legacyOf(one, []string{"0"}, data[:12]), "elements where"},
		"twice":          {legacyOf(one, []string{"0", "0"}, data, data), "no tensor uses"},
		"unknown array":  {legacyOf(one, []string{"7"}, data), "no tensor uses"},
		"wrong sum":      {wrongSum, "checksum"},
		"wrong length":   {zipOf(t, one, map[string][]byte{"0": data[:12]}), "bytes, not"},
		"missing array":  {zipOf(t, one, nil), "not there"},
		"text size":      {legacyOf(strings.ReplaceAll(one, "U\x03cpuK\x04", "U\x03cpuI1000000000000\n"), []string{"0"}, data), "longer than the file"},
		"long size":      {legacyOf(strings.ReplaceAll(one, "U\x03cpuK\x04", "U\x03cpu\x8a\x06\x00\x00\x00\x00\x01\x00"), []string{"0"}, data), "longer than the file"},
		"negative size":  {legacyOf(strings.ReplaceAll(one, "U\x03cpuK\x04", "U\x03cpuI-4\n"), []string{"0"}, data), "longer than the file"},
		"huge shape":     {legacyOf(strings.ReplaceAll(one, vec4, "I1000000000000\n\x85K\x00\x85"), []string{"0"}, data), "more elements"},
		"shape of zero":  {legacyOf(strings.ReplaceAll(one, vec4, "K\x00I1000000000000\n\x86K\x00K\x00\x86"), []string{"0"}, data), ""},
		"stride out":     {legacyOf(strings.ReplaceAll(one, vec4, "K\x04\x85K\x02\x85"), []string{"0"}, data), "outside its storage"},
		"itself":         {legacyOf("\x80\x02}q\x00U\x01ah\x00s.", nil), "holds itself"},
		"itself in list": {legacyOf("\x80\x02]q\x00h\x00a.", nil), ""},
		"own key":        {legacyOf("\x80\x02}q\x00h\x00Ns.", nil), ""},
		"nested":         {legacyOf(nest, nil), "nested deeper"},
		"laughs":         {legacyOf(wide+".", nil), "values"},
		"views":          {legacyOf(views, []string{"0"}, big), "times the file"},
		"calls itself":   {legacyOf("\x80\x02ccollections\nOrderedDict\n]q\x00h\x00a\x85R.", nil), "no checkpoint"},
		"a function":     {legacyOf("\x80\x02cos\nsystem\nU\x04true\x85R.", nil), "os.system"},
		"a list's":       {legacyOf("\x80\x02cbuiltins\nlist\n]q\x00h\x00ah\x00\x86R.", nil), "builtins.list"},
		"an instance":    {legacyOf("\x80\x02(ios\nsystem\n.", nil), "instruction"},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempFile(t, "w.pth", c.file)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			ts, err := ReadTorch(path)
			runtime.ReadMemStats(&after)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if used := int64(after.TotalAlloc - before.TotalAlloc); used > freeShared+100*int64(len(c.file)) {
				t.Errorf("took %d MB for %d bytes", used>>20, len(c.file))
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
			if strings.HasPrefix(name, "good") && ts["w"].Float32s()[3] != 1 {
				t.Errorf("read %v", ts["w"])
			}
		})
	}
}

// No checkpoint that is cut anywhere is read, and none of which a byte of what is stored was changed in
// today's form, which has checksums.
func TestReadTorchCutAnywhere(t *testing.T) {
	for _, name := range []string{"tiny_resnet_zip.pth", "tiny_resnet_legacy.pth", "views_legacy.pth", "tiny_awd_lstm_legacy.pth"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		step := max(len(whole)/200, 1)
		path := tempFile(t, name, whole)
		for n := len(whole) - 1; n >= 0; n -= step {
			if err := os.Truncate(path, int64(n)); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadTorch(path); err == nil {
				t.Errorf("%s: read though cut to %d of %d bytes", name, n, len(whole))
			}
		}
	}
	whole, err := os.ReadFile("testdata/tiny_resnet_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReadTorch("testdata/tiny_resnet_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += max(len(whole)/300, 1) {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		got, err := ReadTorch(tempFile(t, "flip.pth", b))
		if err != nil {
			continue
		}
		for k, x := range want {
			if got[k] == nil || x.DType() != got[k].DType() || fmt.Sprint(x.Shape(), x.Float32s()) != fmt.Sprint(got[k].Shape(), got[k].Float32s()) {
				t.Errorf("byte %d changed: read, and %s is another", at, k)
				break
			}
		}
	}
}

// program turns bytes into a pickle of instructions that mostly fit together: each byte chooses one.
func program(choices []byte) string {
	parts := []string{
		"}", "]", "(", ")", "N", "\x88", "K\x02", "K\x04", "I1000000000000\n", "U\x01a", "U\x01b", "X\x02\x00\x00\x00zz", "q\x00", "q\x01", "h\x00", "h\x01",
		"\x94", "s", "u", "a", "e", "t", "l", "d", "\x85", "\x86", "\x87", "0", "1", "2", "b", "R", "Q", "ccollections\nOrderedDict\n)R",
		tensorOf("0", "K\x04", vec4), tensorOf("0", "K\x04", "K\x02K\x02\x86K\x02K\x01\x86"), "U\x01w" + tensorOf("1", "K\x02", "K\x02\x85K\x01\x85") + "s",
		"ctorch\nFloatStorage\n", "ctorch\nLongStorage\n", "ctorch._utils\n_rebuild_tensor_v2\n", "U\x07storage", "U\x010", "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", "G?\xf0\x00\x00\x00\x00\x00\x00",
		"F1.5\n", "V\\u0041\n", "S'a'\n", "\x8c\x01c", "C\x01x", "\x95\x00\x00\x00\x00\x00\x00\x00\x00", "cos\nsystem\n", "\x93", "\x8f", "\x81",
	}
	var b strings.Builder
	b.WriteString("\x80\x02")
	for _, c := range choices {
		b.WriteString(parts[int(c)%len(parts)])
	}
	b.WriteString(".")
	return b.String()
}

func inTime(t *testing.T) func() {
	timer := time.AfterFunc(20*time.Second, func() { panic(t.Name() + ": it takes too long") })
	return func() { timer.Stop() }
}

// Whatever the bytes, there is a list of words or an error.
func FuzzReadWords(f *testing.F) {
	for _, s := range []string{"(lp0\nVword\na.", "cos\nsystem\n(S'true'\ntR.", "\x80\x02]q\x00(X\x01\x00\x00\x00aX\x01\x00\x00\x00be.", "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f]\x94.", "I7\n.", "\x80\x02\x82\x01.", "X\nV\na", "\x80\x02]q\x00h\x00a."} {
		f.Add([]byte(s))
	}
	words, err := os.ReadFile("testdata/tiny_itos.pkl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(words)
	path := filepath.Join(f.TempDir(), "words.pkl")
	f.Fuzz(func(t *testing.T, b []byte) {
		defer inTime(t)()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := ReadWords(path); err == nil && len(w) == 0 {
			t.Fatal("neither words nor an error")
		}
	})
}

func checkTorch(t *testing.T, path string) {
	t.Helper()
	ts, err := ReadTorch(path)
	if err != nil {
		return
	}
	for name, x := range ts {
		if x.Len() < 0 {
			t.Fatalf("%s: shape %v", name, x.Shape())
		}
	}
}

// Whatever the bytes, there are tensors that hold what their shapes say, or an error.
func FuzzReadTorch(f *testing.F) {
	for _, name := range []string{"views_zip.pth", "views_legacy.pth"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "weights.pth")
	f.Fuzz(func(t *testing.T, b []byte) {
		defer inTime(t)()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		checkTorch(t, path)
	})
}

// The same by instructions, in both forms, so that what is tried gets past the first byte.
func FuzzPickleInstructions(f *testing.F) {
	f.Add([]byte{0, 36}, uint8(4))
	f.Add([]byte{0, 9, 34, 17, 12, 10, 14, 17}, uint8(4))
	f.Add([]byte{33, 2, 9, 34, 10, 35, 18, 30}, uint8(200))
	path := filepath.Join(f.TempDir(), "weights.pth")
	f.Fuzz(func(t *testing.T, choices []byte, stored uint8) {
		defer inTime(t)()
		pickle, data := program(choices), make([]byte, int(stored)*4)
		two := data[:min(8, len(data))]
		for _, b := range [][]byte{legacyOf(pickle, []string{"0"}, data), legacyOf(pickle, []string{"0", "1"}, data, two), zipOf(t, pickle, map[string][]byte{"0": data, "1": two})} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			checkTorch(t, path)
		}
	})
}

// The numbers of half precision, against single ones computed.
func TestHalf(t *testing.T) {
	for h, want := range map[uint16]float32{0: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.33325195, 0x0001: 5.9604645e-08, 0x8400: -6.1035156e-05, 0x7bff: 65504} {
		if got := half(h); got != want {
			t.Errorf("half(%#x) = %v, want %v", h, got, want)
		}
	}
	if v := half(0x7c00); v < 1e38 {
		t.Errorf("infinity is %v", v)
	}
	if v := half(0x7e01); v == v {
		t.Errorf("NaN is %v", v)
	}
}
