package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The protocol's own client finds the models as tools and calls them.
func TestMCP(t *testing.T) {
	_, url := start(t, Config{MCP: true}, Source{Name: "colours", Path: pictures.export(t)}, Source{Name: "masks", Path: masks.export(t)}, Source{Name: "texts", Path: texts.export(t)}, Source{Name: "writer", Path: writer.export(t)})
	ctx := context.Background()
	c, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url + "/mcp", DisableStandaloneSSE: true}, nil)
	check(t, err)
	defer c.Close()
	tools, err := c.ListTools(ctx, nil)
	check(t, err)
	if len(tools.Tools) != 4 || !strings.Contains(tools.Tools[0].Description, "blue, red") {
		t.Errorf("%d tools, the first %+v", len(tools.Tools), tools.Tools[0])
	}
	call := func(name string, args map[string]any) (*mcp.CallToolResult, answer) {
		t.Helper()
		r, err := c.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: args})
		check(t, err)
		var a answer
		b, err := json.Marshal(r.StructuredContent)
		check(t, err)
		check(t, json.Unmarshal(b, &a))
		return r, a
	}
	pic := pngOf(t, square(40, 9, red))
	if _, a := call("colours", map[string]any{"picture": pic}); a.Result != "red" || len(a.Probs) != 2 {
		t.Errorf("%+v", a)
	}
	r, a := call("masks", map[string]any{"picture": pic})
	if len(r.Content) != 2 || a.Mask != "" || len(a.Parts) == 0 {
		t.Errorf("%+v %+v", r.Content, a)
	} else if img, ok := r.Content[1].(*mcp.ImageContent); !ok || img.MIMEType != "image/png" || !strings.HasPrefix(string(img.Data), "\x89PNG") {
		t.Errorf("%+v", r.Content[1])
	}
	if _, a := call("texts", map[string]any{"text": "a good film number 7"}); a.Result != "pos" {
		t.Errorf("%+v", a)
	}
	if _, a := call("writer", map[string]any{"text": "a bad", "words": 5}); !strings.HasPrefix(a.Result, "a bad ") {
		t.Errorf("%+v", a)
	}
	for says, args := range map[string]map[string]any{"not a picture": {"picture": []byte("hello, this is no picture")}, "is empty": {}, "takes pictures": {"text": "hello"}, "cannot be read": {"picture": 5}} {
		r, _ := call("colours", args)
		if text, ok := r.Content[0].(*mcp.TextContent); !r.IsError || !ok || !strings.Contains(text.Text, says) {
			t.Errorf("%s: %+v", says, r.Content[0])
		}
	}
	_, closed := start(t, Config{}, Source{Name: "colours", Path: pictures.export(t)})
	if resp, err := http.Post(closed+"/mcp", "application/json", strings.NewReader("{}")); err != nil || resp.StatusCode != 404 {
		t.Error("without --mcp:", resp.StatusCode, err)
	}
	for origin, host := range map[string]string{"http://evil.example": "", "": "evil.example"} {
		r, err := http.NewRequest(http.MethodPost, url+"/mcp", strings.NewReader("{}"))
		check(t, err)
		r.Header.Set("Content-Type", "application/json")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		r.Host = host
		if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != 403 {
			t.Error(origin, host, resp.StatusCode, err)
		}
	}
}
