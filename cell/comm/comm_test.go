package comm

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

type sent struct {
	kind, id string
	data     Data
}

func attach(t *testing.T) *[]sent {
	t.Helper()
	var out []sent
	t.Cleanup(Attach("k-1", func(kind, id string, content Data) {
		if content["comm_id"] != id {
			t.Errorf("comm_id %v in a message of %s", content["comm_id"], id)
		}
		d, _ := content["data"].(Data)
		out = append(out, sent{kind, id, d})
	}))
	return &out
}

func TestMessages(t *testing.T) {
	out := attach(t)
	c := New("cleaner", func(d Data) (Data, error) {
		switch d["do"] {
		case "fail":
			return nil, errors.New("no")
		case "panic":
			panic("broken")
		case "quiet":
			return nil, nil
		}
		return Data{"got": d["do"]}, nil
	})
	for _, do := range []string{"add", "fail", "panic", "quiet"} {
		Deliver(c.ID(), Data{"do": do})
	}
	if i := Info("cleaner"); i[c.ID()] != "cleaner" || len(Info("other")) != 0 {
		t.Error(i)
	}
	Closed(c.ID())
	Deliver(c.ID(), Data{})
	want := []sent{
		{"comm_msg", c.ID(), Data{"got": "add"}},
		{"comm_msg", c.ID(), Data{"error": "no"}},
		{"comm_msg", c.ID(), Data{"error": "broken"}},
		{"comm_close", c.ID(), Data{"error": "the kernel was restarted: run the cell again"}},
	}
	if !reflect.DeepEqual(*out, want) {
		t.Errorf("%v", *out)
	}
	if s := c.Script("x", "send({});"); !strings.Contains(s, `"k-1"`) || !strings.Contains(s, c.ID()) || strings.Count(s, "</script>") != 1 {
		t.Error(s)
	}
}

func TestOpen(t *testing.T) {
	out := attach(t)
	OnOpen("echo", func(c *Comm, d Data) (Handler, error) {
		if d["bad"] == true {
			return nil, errors.New("bad")
		}
		return func(d Data) (Data, error) { return d, nil }, nil
	})
	Opened("a", "echo", Data{})
	Deliver("a", Data{"x": 1})
	Opened("b", "echo", Data{"bad": true})
	Opened("c", "nobody", nil)
	want := []sent{{"comm_msg", "a", Data{"x": 1}}, {"comm_close", "b", Data{"error": "bad"}}, {"comm_close", "c", Data{"error": `no target "nobody"`}}}
	if !reflect.DeepEqual(*out, want) {
		t.Errorf("%v", *out)
	}
	Closed("a")
}
