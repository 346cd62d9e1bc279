package wire

import (
	"bytes"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	s := Signer{[]byte("secret")}
	f, err := s.Encode([][]byte{[]byte("peer")}, Header{MsgID: "1", MsgType: "execute_request"}, nil, map[string]any{"code": "1+1", "n": 3, "silent": true})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Decode(f)
	if err != nil || m.String("code") != "1+1" || m.Int("n", 0) != 3 || !m.Bool("silent", false) || !bytes.Equal(m.IDs[0], []byte("peer")) {
		t.Fatalf("%+v, error %v", m, err)
	}
	f[len(f)-1] = []byte(`{"code":"2"}`)
	if _, err := s.Decode(f); err == nil {
		t.Error("a changed message was taken")
	}
}

func FuzzDecode(f *testing.F) {
	s := Signer{}
	good, err := s.Encode(nil, Header{MsgType: "x"}, nil, map[string]any{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Join(good, []byte("\n")))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = s.Decode(bytes.Split(b, []byte("\n"))) })
}
