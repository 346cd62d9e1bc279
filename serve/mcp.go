package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcp is the models as tools for programs, by the Model Context Protocol over HTTP: a tool a model. Each call stands
// by itself; there are no sessions to be kept.
func (s *Server) mcp() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "fastnb serve", Version: "1"}, nil)
	for _, name := range s.store.names {
		m, done := s.store.byName[name].use()
		info := infoOf(name, m)
		done()
		server.AddTool(toolOf(info), s.tool(name))
	}
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true,
		DisableLocalhostProtection: true, // guard.go has looked at Host and Origin, and knows the names that are allowed
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.hold(w, r, s.cfg.MaxBody*2)() // a picture in base64 and its JSON
		h.ServeHTTP(w, r)
	})
}

// toolArgs are what a tool takes: one of picture and text.
type toolArgs struct {
	Picture     []byte   `json:"picture"` // base64 in JSON
	Text        *string  `json:"text"`
	Words       *int     `json:"words"`
	Temperature *float64 `json:"temperature"`
	Seed        *uint64  `json:"seed"`
}

// toolOf describes a model to programs.
func toolOf(i modelInfo) *mcp.Tool {
	property, what := "picture", "The file of a picture (JPEG, PNG, GIF, WebP, BMP or TIFF), in base64."
	if i.Takes == "text" {
		property, what = "text", "The text."
	}
	properties := object{property: object{"type": "string", "description": what}}
	says := map[string]string{
		"class": "tells which class a %s is of, with probabilities", "labels": "tells which labels a %s has, with probabilities", "mask": "tells the class of each pixel of a %s: parts, and a mask as PNG",
		"points": "finds points in a %s, in pixels of the picture as the model sees it", "values": "tells numbers about a %s", "text": "goes on from a %s",
	}[i.Gives]
	description := fmt.Sprintf("The model %s "+says+".", i.Name, i.Takes)
	if len(i.Classes) > 0 {
		description += " Classes: " + strings.Join(i.Classes[:min(len(i.Classes), 100)], ", ") + "."
	}
	if i.Gives == "text" {
		properties["words"] = object{"type": "integer", "minimum": 1, "maximum": mostWords, "default": defaultWords}
		properties["temperature"] = object{"type": "number", "default": .8}
		properties["seed"] = object{"type": "integer"}
	}
	return &mcp.Tool{
		Name: i.Name, Description: description, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
		InputSchema: object{"type": "object", "properties": properties, "required": []string{property}, "additionalProperties": false},
	}
}

// tool asks a model. What a caller did wrong is a result that says so, as the protocol wants it.
func (s *Server) tool(name string) mcp.ToolHandler {
	return func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		a, err := s.callTool(ctx, name, r.Params.Arguments)
		if err != nil {
			status, reason := statusOf(err)
			if status == http.StatusInternalServerError {
				s.cfg.Log.Error("tool", "model", name, "error", err)
			}
			return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: strings.TrimPrefix(reason, "fastnb: ")}}}, nil
		}
		var more []mcp.Content
		if file, ok := strings.CutPrefix(a.Mask, "data:image/png;base64,"); ok {
			b, err := base64.StdEncoding.DecodeString(file)
			if err != nil {
				return nil, err
			}
			more, a.Mask = append(more, &mcp.ImageContent{Data: b, MIMEType: "image/png"}), ""
		}
		b, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		return &mcp.CallToolResult{Content: append([]mcp.Content{&mcp.TextContent{Text: string(b)}}, more...), StructuredContent: json.RawMessage(b)}, nil
	}
}

func (s *Server) callTool(ctx context.Context, name string, arguments []byte) (answer, error) {
	var q toolArgs
	if err := json.Unmarshal(arguments, &q); err != nil {
		return answer{}, fail(http.StatusBadRequest, "the arguments cannot be read: "+err.Error())
	}
	e, err := s.store.of(name)
	if err != nil {
		return answer{}, err
	}
	ctx, leave, err := s.enter(ctx, "")
	if err != nil {
		return answer{}, err
	}
	defer leave()
	m, done := e.use()
	defer done()
	if q.Text == nil {
		out, err := s.answers(ctx, m, []input{{file: q.Picture}}, extras{})
		return first(out), err
	}
	if m.Data().LabelKind().Name() != "lm" {
		if _, err := textInput(*q.Text); err != nil {
			return answer{}, err
		}
		out, err := s.answers(ctx, m, []input{{text: q.Text}}, extras{})
		return first(out), err
	}
	w := wish{Text: *q.Text, Words: defaultWords, Temperature: .8, Seed: q.Seed}
	if q.Words != nil {
		w.Words = *q.Words
	}
	if q.Temperature != nil {
		w.Temperature = *q.Temperature
	}
	w, err = w.checked()
	if err != nil {
		return answer{}, err
	}
	text, err := w.run(ctx, m, nil)
	return answer{Result: text}, err
}

func first(out []answer) answer {
	if len(out) == 0 {
		return answer{}
	}
	return out[0]
}
