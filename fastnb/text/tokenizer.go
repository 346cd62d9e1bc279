package text

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fastnb/go/fastnb/data"
)

// Tokenizer turns texts into tokens: rules on the text, the cutting into English words, rules on the
// tokens. It is used by several goroutines at once and not changed after it was made.
type Tokenizer struct {
	pre     []Rule
	post    []TokenRule
	special []string
	cut     *english
	single  bool // the token rules look at each token alone
}

// TokenizerOption is an option of NewTokenizer.
type TokenizerOption interface{ applyTokenizer(*Tokenizer) }

type tokenizerFunc func(*Tokenizer)

func (f tokenizerFunc) applyTokenizer(t *Tokenizer) { f(t) }

// PreRules are the rules before the cutting (default DefaultRules).
func PreRules(r ...Rule) TokenizerOption { return tokenizerFunc(func(t *Tokenizer) { t.pre = r }) }

// PostRules are the rules after the cutting (default DefaultTokenRules).
func PostRules(r ...TokenRule) TokenizerOption {
	return tokenizerFunc(func(t *Tokenizer) { t.post = r })
}

// SpecialCases are words that are never cut (default data.SpecialTokens).
func SpecialCases(w ...string) TokenizerOption {
	return tokenizerFunc(func(t *Tokenizer) { t.special = w })
}

// NewTokenizer makes a tokenizer. Options: PreRules, PostRules, SpecialCases.
func NewTokenizer(o ...TokenizerOption) *Tokenizer {
	t := &Tokenizer{pre: DefaultRules(), post: DefaultTokenRules(), special: data.SpecialTokens()}
	for _, o := range o {
		o.applyTokenizer(t)
	}
	t.cut = newEnglish(t.special)
	t.single = true
	for _, r := range t.post {
		t.single = t.single && (r.Name == "replace_all_caps" || r.Name == "deal_caps")
	}
	return t
}

// Process gives the tokens of a text. What is not UTF-8 becomes U+FFFD. Marks such as xxbos are the
// business of lists and stand in the text already.
func (t *Tokenizer) Process(s string) []string {
	tokens := t.Cut(t.Clean(s))
	for _, r := range t.post {
		tokens = r.Tokens(tokens)
	}
	return tokens
}

// Clean applies the rules before the cutting.
func (t *Tokenizer) Clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	for _, r := range t.pre {
		s = r.Text(s)
	}
	return s
}

// Cut cuts a text into words and signs, without any rules.
func (t *Tokenizer) Cut(s string) []string {
	out := make([]string, 0, len(s)/4)
	pieces(s, func(p string) { out = t.cut.cut(out, p) })
	return out
}

// tokenizerState is what an export keeps: rules by their names.
type tokenizerState struct {
	Pre     []string `json:"pre_rules"`
	Post    []string `json:"post_rules"`
	Special []string `json:"special_cases"`
}

func (t *Tokenizer) state() (json.RawMessage, error) {
	s := tokenizerState{Special: t.special, Pre: []string{}, Post: []string{}}
	for _, r := range t.pre {
		s.Pre = append(s.Pre, r.Name)
	}
	for _, r := range t.post {
		s.Post = append(s.Post, r.Name)
	}
	return json.Marshal(s)
}

var known = struct {
	sync.Mutex
	rules  map[string]Rule
	tokens map[string]TokenRule
}{rules: map[string]Rule{}, tokens: map[string]TokenRule{}}

// RegisterRule makes a rule of the reader's own known to exports and saved data that name it.
func RegisterRule(r Rule) {
	known.Lock()
	defer known.Unlock()
	known.rules[r.Name] = r
}

// RegisterTokenRule is RegisterRule for rules on tokens.
func RegisterTokenRule(r TokenRule) {
	known.Lock()
	defer known.Unlock()
	known.tokens[r.Name] = r
}

func init() {
	for _, r := range DefaultRules() {
		RegisterRule(r)
	}
	for _, r := range DefaultTokenRules() {
		RegisterTokenRule(r)
	}
}

func loadTokenizer(raw json.RawMessage) (*Tokenizer, error) {
	var s tokenizerState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	known.Lock()
	defer known.Unlock()
	var pre []Rule
	var post []TokenRule
	for _, n := range s.Pre {
		r, ok := known.rules[n]
		if !ok {
			return nil, fmt.Errorf("tokenizer: rule %q is not known here (try RegisterRule)", n)
		}
		pre = append(pre, r)
	}
	for _, n := range s.Post {
		r, ok := known.tokens[n]
		if !ok {
			return nil, fmt.Errorf("tokenizer: rule %q is not known here (try RegisterTokenRule)", n)
		}
		post = append(post, r)
	}
	return NewTokenizer(PreRules(pre...), PostRules(post...), SpecialCases(s.Special...)), nil
}
