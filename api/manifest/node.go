package manifest

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of a file.
const (
	MaxSize  = 8 << 20 // bytes
	maxDepth = 16      // lists and maps in one another; the deepest that mean anything are five
)

// node is a part of a file: a text as it was written, a list or a map.
type node struct {
	kind  kind
	line  int
	text  string
	plain bool // of a text that is written: a number, a flag or a length of time, which need no quotes
	items []node
	pairs []pair
}

type pair struct {
	key   string
	line  int
	value node
}

// kind is the shape of a node.
type kind string

const (
	kindNone kind = "nothing"
	kindText kind = "a single value"
	kindList kind = "a list"
	kindMap  kind = "a map"
)

func (n *node) add(key string, value node) { n.pairs = append(n.pairs, pair{key: key, value: value}) }

// read reads a file of one document.
func read(text []byte) (root node, faults []Fault) {
	if len(text) > MaxSize {
		return node{}, []Fault{{Line: 1, Message: "the file is larger than 8 MiB"}}
	}
	// The parser is known to panic on some texts that are no YAML.
	defer func() {
		if recover() != nil {
			root, faults = node{}, []Fault{{Line: 1, Message: "cannot be read as YAML"}}
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if faults := refuseTokens(tokens); len(faults) > 0 {
		return node{}, faults
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return node{}, []Fault{syntaxFault(err)}
	}
	root = node{kind: kindNone, line: 1}
	var c converter
	seen := false
	for _, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		if _, comment := document.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if seen {
			c.refuse(document.Body.GetToken(), "must not begin a second document")
			break
		}
		root, seen = c.convert(document.Body, 1), true
	}
	return root, c.faults
}

// refuseTokens finds what makes a value come from elsewhere than where it stands, and lists and maps that are too deep in
// one another. It comes before the parser, whose stack grows with the depth.
func refuseTokens(tokens token.Tokens) (faults []Fault) {
	depth, entries, line := 0, 0, 0
	for _, t := range tokens {
		at := lineOf(t)
		if at != line {
			line, entries = at, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType, token.MappingKeyType:
			return append(faults, Fault{Line: at, Message: "must be written out: anchors, aliases, tags, directives and ? are not understood"})
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		}
		if depth > maxDepth || entries > maxDepth {
			return append(faults, Fault{Line: at, Message: "lists and maps are too deep in one another"})
		}
	}
	return nil
}

func syntaxFault(err error) Fault {
	f := Fault{Line: 1, Message: "cannot be read as YAML"}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		f.Message += ": " + syntax.GetMessage()
		f.Line = lineOf(syntax.GetToken())
	}
	return f
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil || t.Position.Line < 1 {
		return 1
	}
	return t.Position.Line
}

// converter reduces the tree of the parser.
type converter struct{ faults []Fault }

func (c *converter) refuse(at *token.Token, message string) node {
	c.faults = append(c.faults, Fault{Line: lineOf(at), Message: message})
	return node{kind: kindNone, line: lineOf(at)}
}

func (c *converter) convert(from ast.Node, depth int) node {
	if from == nil {
		return node{kind: kindNone, line: 1}
	}
	at := from.GetToken()
	if depth > maxDepth {
		return c.refuse(at, "lists and maps are too deep in one another")
	}
	n := node{kind: kindText, line: lineOf(at)}
	if text, is := splitText(from); is {
		n.text = text
		return n
	}
	switch from := from.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		n.kind = kindNone
	case *ast.StringNode:
		n.text = from.Value
	case *ast.LiteralNode:
		n.text = from.Value.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.text = at.Value // as written: 0123 and 1.10 keep their digits
	case *ast.SequenceNode:
		n.kind = kindList
		for _, item := range from.Values {
			n.items = append(n.items, c.convert(item, depth+1))
		}
	case *ast.MappingValueNode:
		n.kind = kindMap
		n.pairs = c.pairs([]*ast.MappingValueNode{from}, depth)
	case *ast.MappingNode:
		n.kind = kindMap
		n.pairs = c.pairs(from.Values, depth)
	default:
		return c.refuse(at, "must be a single value, a list or a map")
	}
	if n.kind == kindMap && len(n.pairs) > 0 {
		n.line = n.pairs[0].line // the token of a map is that of its first colon
	}
	return n
}

// splitText puts together what the parser takes apart within braces: in {to: [mail:me@example.org]} it finds a map with
// the key mail, where YAML has a text, since no blank follows the colon.
func splitText(from ast.Node) (string, bool) {
	m, ok := from.(*ast.MappingNode)
	if !ok || len(m.Values) != 1 || m.GetToken().Type != token.MappingValueType {
		return "", false
	}
	key, colon := m.Values[0].Key.GetToken(), m.Values[0].GetToken()
	value := m.Values[0].Value
	if _, scalar := value.(ast.ScalarNode); !scalar || key.Type != token.StringType {
		return "", false
	}
	is := value.GetToken()
	if is.Type == token.SingleQuoteType || is.Type == token.DoubleQuoteType || is.Position.Offset != colon.Position.Offset+1 ||
		colon.Position.Line != is.Position.Line || colon.Position.Line != key.Position.Line {
		return "", false
	}
	return key.Value + ":" + is.Value, true
}

func (c *converter) pairs(from []*ast.MappingValueNode, depth int) []pair {
	var pairs []pair
	seen := make(map[string]bool, len(from))
	for _, p := range from {
		at := p.Key.GetToken()
		key := ""
		switch k := p.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			key = at.Value
		default:
			c.refuse(at, "must have a plain word as key")
			continue
		}
		if seen[key] {
			c.refuse(at, "must not have the key "+shown(key)+" twice")
			continue
		}
		seen[key] = true
		value := c.convert(p.Value, depth+1)
		if value.kind == kindNone {
			value.line = lineOf(at)
		}
		pairs = append(pairs, pair{key: key, line: lineOf(at), value: value})
	}
	return pairs
}

// shown gives a text of a file as an error may repeat it.
func shown(text string) string {
	const most = 60
	if runes := []rune(strings.ToValidUTF8(text, "?")); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
