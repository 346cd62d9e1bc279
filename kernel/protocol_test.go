package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/fastnb/go/kernel/wire"
)

// ask sends a request on the shell socket and gives the answer.
func (c *client) ask(typ string, content map[string]any) *wire.Message {
	c.t.Helper()
	return c.reply(c.send(c.shell, typ, content))
}

// TestProtocol holds the conversation to what the messaging protocol says, one subject after the other.
func TestProtocol(t *testing.T) {
	c := start(t, "tcp")
	for _, sub := range []struct {
		name string
		f    func(*testing.T, *client)
	}{
		{"silent", silent},
		{"expressions", userExpressions},
		{"abort", abortsTheQueue},
		{"wrong types", wrongTypes},
		{"input", input},
		{"late output", lateOutput},
		{"comms", comms},
		{"requests", otherRequests},
		{"queue", longQueue},
		{"large", largeCell},
		{"streams", manyLines},
		{"endless", endlessOutput},
		{"hostile", hostileCells},
	} {
		t.Run(sub.name, func(t *testing.T) {
			c.t = t
			sub.f(t, c)
		})
		c.t = t
	}
	if got, _ := c.run("1+1"); strings.Join(got, "|") != "execute_result 2" {
		t.Errorf("afterwards %q", got)
	}
}

func silent(t *testing.T, c *client) {
	before := c.ask("execute_request", map[string]any{"code": "1"}).Int("execution_count", -1)
	m := c.ask("execute_request", map[string]any{"code": "2", "silent": true})
	if m.Int("execution_count", -1) != before {
		t.Errorf("a silent cell counts: %v after %d", m.Content, before)
	}
	if m := c.ask("execute_request", map[string]any{"code": "2", "store_history": false}); m.Int("execution_count", -1) != before {
		t.Errorf("a cell that is not stored counts: %v after %d", m.Content, before)
	}
}

func userExpressions(t *testing.T, c *client) {
	m := c.ask("execute_request", map[string]any{"code": "ux := 4", "user_expressions": map[string]any{"a": "ux * 2", "b": "nothere", "c": "ux = 5", "d": 7, "e": "os.Remove(\"/no/such\")"}})
	all, _ := m.Content["user_expressions"].(map[string]any)
	for name, want := range map[string]string{"a": "ok", "b": "error", "c": "error", "d": "error", "e": "ok"} {
		if x, _ := all[name].(map[string]any); x["status"] != want {
			t.Errorf("expression %s: %v, want status %s", name, x, want)
		}
	}
	if a, _ := all["a"].(map[string]any); fmt.Sprint(a["data"]) != "map[text/plain:8]" {
		t.Errorf("a is %v", all["a"])
	}
	if got, m2 := c.run("ux"); strings.Join(got, "|") != "execute_result 4" || m2.Int("execution_count", 0) != m.Int("execution_count", 0)+1 {
		t.Errorf("expressions had effects: %q, count %v after %v", got, m2.Content["execution_count"], m.Content["execution_count"])
	}
}

func abortsTheQueue(t *testing.T, c *client) {
	first := c.send(c.shell, "execute_request", map[string]any{"code": "time.Sleep(300 * time.Millisecond)\npanic(1)"})
	second := c.send(c.shell, "execute_request", map[string]any{"code": "2"})
	info := c.send(c.shell, "kernel_info_request", map[string]any{})
	for id, want := range map[string]string{first: "error", second: "aborted", info: "ok"} {
		if m := c.reply(id); m.String("status") != want {
			t.Errorf("status %q, want %q", m.String("status"), want)
		}
	}
	// What is sent after the error was seen runs, and so does what does not want to stop.
	if m := c.ask("execute_request", map[string]any{"code": "3"}); m.String("status") != "ok" {
		t.Errorf("the next cell: %v", m.Content)
	}
	first = c.send(c.shell, "execute_request", map[string]any{"code": "time.Sleep(100 * time.Millisecond)\npanic(1)", "stop_on_error": false})
	second = c.send(c.shell, "execute_request", map[string]any{"code": "4"})
	if a, b := c.reply(first).String("status"), c.reply(second).String("status"); a != "error" || b != "ok" {
		t.Errorf("without stop_on_error: %s, %s", a, b)
	}
}

func wrongTypes(t *testing.T, c *client) {
	for _, x := range []struct {
		typ     string
		content any
	}{
		{"execute_request", map[string]any{"code": 5}},
		{"execute_request", map[string]any{}},
		{"execute_request", nil},
		{"execute_request", map[string]any{"code": "1", "silent": "yes", "user_expressions": []int{1}, "stop_on_error": 3}},
		{"complete_request", map[string]any{"code": []int{1}, "cursor_pos": "x"}},
		{"complete_request", map[string]any{"code": "ab", "cursor_pos": -7}},
		{"complete_request", map[string]any{"code": "ab", "cursor_pos": 1e18}},
		{"inspect_request", map[string]any{"code": "fmt", "cursor_pos": 1e30}},
		{"inspect_request", map[string]any{"code": nil}},
		{"is_complete_request", map[string]any{"code": map[string]any{}}},
		{"history_request", map[string]any{"hist_access_type": 4, "n": "q", "session": 1e20}},
		{"history_request", map[string]any{"hist_access_type": "search", "pattern": "[a(*"}},
		{"comm_info_request", []int{1}},
		{"nonsense_request", map[string]any{}},
		{"execute_request", map[string]any{"code": "\xff\xfe x \x00"}},
	} {
		id := wire.NewID()
		f, err := c.sign.Encode(nil, wire.Header{MsgID: id, MsgType: x.typ}, nil, x.content)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.shell.SendMulti(zmq4.NewMsgFrom(f...)); err != nil {
			t.Fatal(err)
		}
		if _, isList := x.content.([]int); isList {
			continue // no object: dropped
		}
		c.reply(id)
	}
}

func input(t *testing.T, c *client) {
	c.answer = "Ada"
	got, _ := c.run("who := cell.Input(\"name? \")\npw, err := cell.Password(\"pw\")\nfmt.Print(who, pw, err, \" \")\nvar w string\nfmt.Scanln(&w)\nw")
	if strings.Join(got, "|") != "stream AdaAda<nil> |execute_result Ada" {
		t.Errorf("input gives %q", got)
	}
	if c.prompts != "name?  false;pw true; false;" {
		t.Errorf("prompts %q", c.prompts)
	}
	got, _ = c.run("import \"bufio\"\nsc := bufio.NewScanner(os.Stdin)\nsc.Scan()\nline, err := bufio.NewReader(os.Stdin).ReadString('\\n')\nfmt.Print(sc.Text(), \"+\", line)")
	if strings.Join(got, "|") != "stream Ada+Ada\n" {
		t.Errorf("os.Stdin gives %q", got)
	}
	m := c.ask("execute_request", map[string]any{"code": "who = cell.Input(\"?\")", "allow_stdin": false})
	if m.String("status") != "error" || !strings.Contains(m.String("evalue"), "takes no input") {
		t.Errorf("without stdin: %v", m.Content)
	}
	c.answer = "" // nobody answers: an interrupt ends the question
	id := c.send(c.shell, "execute_request", map[string]any{"code": "fmt.Println(1)\nwho = cell.Input(\"?\")"})
	c.awaitStream(id)
	c.reply(c.send(c.control, "interrupt_request", map[string]any{}))
	if m := c.reply(id); m.String("ename") != "interrupted" {
		t.Errorf("interrupted question: %v", m.Content)
	}
}

func lateOutput(t *testing.T, c *client) {
	id := c.send(c.shell, "execute_request", map[string]any{"code": "h2 := cell.NewDisplay(map[string]any{\"text/plain\": \"0\"})\ngo func() { time.Sleep(300 * time.Millisecond); h2.Update(map[string]any{\"text/plain\": \"1\"}) }()"})
	c.reply(id)
	c.reply(c.send(c.shell, "execute_request", map[string]any{"code": "5"}))
	late := time.After(patience)
	for {
		select {
		case m := <-c.iopub:
			if m.Header.MsgType == "update_display_data" {
				if m.Parent.MsgID != id {
					t.Errorf("a late display belongs to %s, want %s", m.Parent.MsgID, id)
				}
				return
			}
		case <-late:
			t.Fatal("no late display")
		}
	}
}

// comms: a cell's handler answers a page; the answer belongs to the page's message; a page may end it.
func comms(t *testing.T, c *client) {
	got, _ := c.run("import \"github.com/fastnb/go/cell/comm\"\nline := comm.New(\"test.line\", func(d comm.Data) (comm.Data, error) { return comm.Data{\"twice\": 2 * d[\"n\"].(float64)}, nil })\nline.ID()")
	if len(got) != 1 {
		t.Fatalf("published %q", got)
	}
	id := strings.TrimPrefix(got[0], "execute_result ")
	open := c.ask("comm_info_request", map[string]any{"target_name": "test.line"})
	if fmt.Sprint(open.Content["comms"]) != "map["+id+":map[target_name:test.line]]" {
		t.Errorf("open comms: %v", open.Content)
	}
	asked := c.send(c.shell, "comm_msg", map[string]any{"comm_id": id, "data": map[string]any{"n": 21}})
	late := time.After(patience)
	for answered := false; !answered; {
		select {
		case m := <-c.iopub:
			if answered = m.Header.MsgType == "comm_msg"; answered {
				d, _ := m.Content["data"].(map[string]any)
				if m.Parent.MsgID != asked || m.String("comm_id") != id || d["twice"] != 42. {
					t.Errorf("the answer is %v to %s", m.Content, m.Parent.MsgID)
				}
			}
		case <-late:
			t.Fatal("no answer")
		}
	}
	c.send(c.shell, "comm_close", map[string]any{"comm_id": id, "data": map[string]any{}})
	if m := c.ask("comm_info_request", map[string]any{"target_name": "test.line"}); fmt.Sprint(m.Content["comms"]) != "map[]" {
		t.Errorf("closed by the page: %v", m.Content)
	}
}

func otherRequests(t *testing.T, c *client) {
	if m := c.ask("connect_request", map[string]any{}); m.Int("shell_port", 0) == 0 {
		t.Errorf("connect: %v", m.Content)
	}
	if m := c.reply(c.send(c.control, "debug_request", map[string]any{"seq": 3, "command": "attach"})); m.Bool("success", true) || m.Int("request_seq", 0) != 3 {
		t.Errorf("debug: %v", m.Content)
	}
	if m := c.ask("comm_info_request", map[string]any{}); fmt.Sprint(m.Content["comms"]) != "map[]" {
		t.Errorf("comm info: %v", m.Content)
	}
	id := c.send(c.shell, "comm_open", map[string]any{"comm_id": "c1", "target_name": "jupyter.widget"})
	late := time.After(patience)
	for {
		select {
		case m := <-c.iopub:
			if m.Header.MsgType == "comm_close" && m.Parent.MsgID == id {
				if m.String("comm_id") != "c1" {
					t.Errorf("closed %v", m.Content)
				}
				return
			}
		case <-late:
			t.Fatal("an unknown comm was not closed")
		}
	}
}

func longQueue(t *testing.T, c *client) {
	n := 10000
	if testing.Short() {
		n = 1000
	}
	c.send(c.shell, "execute_request", map[string]any{"code": "nq := 0"})
	last := ""
	for range n {
		last = c.send(c.shell, "execute_request", map[string]any{"code": "nq++", "store_history": false, "silent": true})
	}
	c.reply(last)
	if got, _ := c.run("nq"); strings.Join(got, "|") != fmt.Sprintf("execute_result %d", n) {
		t.Errorf("after %d cells: %q", n, got)
	}
}

func largeCell(t *testing.T, c *client) {
	size := 8 << 20 // 50 MB work as well, in a quarter of a minute
	if testing.Short() {
		size = 1 << 20
	}
	m := c.ask("execute_request", map[string]any{"code": "big := len(`" + strings.Repeat("x", size) + "`)", "store_history": false})
	if m.String("status") != "ok" {
		t.Errorf("a cell of %d bytes: %.200v", size, m.Content)
	}
	if got, _ := c.run("big"); strings.Join(got, "|") != fmt.Sprintf("execute_result %d", size) {
		t.Errorf("big is %q", got)
	}
}

func manyLines(t *testing.T, c *client) {
	start := time.Now()
	got, _ := c.run("for i := 0; i < 50000; i++ {\n\tfmt.Println(\"zeile\", i, \"é\")\n}")
	took := time.Since(start)
	var all strings.Builder
	for _, g := range got {
		all.WriteString(strings.TrimPrefix(g, "stream "))
	}
	var want strings.Builder
	for i := range 50000 {
		fmt.Fprintln(&want, "zeile", i, "é")
	}
	if all.String() != want.String() {
		t.Errorf("%d bytes came, %d were printed", all.Len(), want.Len())
	}
	if most := 40 + int(took.Seconds()*40); len(got) > most {
		t.Errorf("%d messages in %v", len(got), took)
	}
}

func hostileCells(t *testing.T, c *client) {
	for _, code := range []string{
		"os.Exit(3)", "log.Fatal(1)", "import \"log\"\nlog.Fatal(\"over\")", "type Bad struct{}\nfunc (b Bad) String() string { panic(\"no\") }\nBad{}",
		"var nf func()\ndefer nf()", "panic(nil)", "go func() { panic(\"later\") }()\ntime.Sleep(50 * time.Millisecond)", "close(make(chan int)); var cc chan int; close(cc)",
		"func deep(n int) int { return 1 + deep(n+1) }", "var ne error\nmv := ne.Error\nmv()",
		"type Bi struct{}\nfunc (b Bi) M() int { panic(\"in it\") }\nvar got = Bi{}.M()\nf := Bi{}.M\nf()", "os.Stdout.Close()\nos.Stderr.Close()",
	} {
		c.ask("execute_request", map[string]any{"code": code})
	}
	if got, _ := c.run("fmt.Print(\"still here\")"); strings.Join(got, "|") != "stream still here" {
		t.Errorf("afterwards printing gives %q", got)
	}
}

// endlessOutput: a cell that prints without end can be interrupted, and its output does not pile up.
func endlessOutput(t *testing.T, c *client) {
	id := c.send(c.shell, "execute_request", map[string]any{"code": "for { fmt.Println(\"and on\") }"})
	c.awaitStream(id)
	time.Sleep(300 * time.Millisecond)
	c.reply(c.send(c.control, "interrupt_request", map[string]any{}))
	if m := c.reply(id); m.String("ename") != "interrupted" {
		t.Errorf("ends with %v", m.Content)
	}
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	content := func(m map[string]any) *wire.Message { return &wire.Message{Content: m} }
	h := openHistory(dir, nil)
	h.add(1, "a := 1")
	h.add(2, "print(a)")
	h.add(3, "print(a)")
	if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := os.OpenFile(filepath.Join(dir, "history.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	_, _ = f.WriteString("{\"session\": 1, \"li") // cut off by a crash
	_ = f.Close()
	h = openHistory(dir, nil)
	h.add(1, "b := \"é\"")
	for _, c := range []struct {
		ask  map[string]any
		want string
	}{
		{map[string]any{"hist_access_type": "tail", "n": 2.}, "[[1 3 print(a)] [2 1 b := \"é\"]]"},
		{map[string]any{"hist_access_type": "range", "session": 0., "start": 1., "stop": 5.}, "[[2 1 b := \"é\"]]"},
		{map[string]any{"hist_access_type": "range", "session": -1., "start": 1., "stop": 3.}, "[[1 1 a := 1] [1 2 print(a)]]"},
		{map[string]any{"hist_access_type": "range", "session": 1., "start": 3., "stop": 9., "output": true}, "[[1 3 [print(a) <nil>]]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "pri*", "unique": true}, "[[1 3 print(a)]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "*?", "n": 1.}, "[[2 1 b := \"é\"]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "nothing"}, "[]"},
	} {
		if got := fmt.Sprint(h.answer(content(c.ask))); got != c.want {
			t.Errorf("%v gives %s, want %s", c.ask, got, c.want)
		}
	}
	for i := range 2*keptCells + 1 {
		h.add(i, "x")
	}
	if n := len(openHistory(dir, nil).entries); n != keptCells {
		t.Errorf("%d entries are kept, want %d", n, keptCells)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".history*")); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
	told := 0
	h = openHistory(filepath.Join(dir, "other"), func(error) { told++ })
	h.add(1, "c")
	h.add(2, "c")
	if told != 1 || len(h.entries) != 2 {
		t.Errorf("a folder that cannot be: told %d times, %d entries", told, len(h.entries))
	}
}
