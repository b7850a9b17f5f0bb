// Package yamlfile reads a file in YAML into texts, lists and maps, each with its Line: what people write by hand for
// watchkeeper, and no more of YAML than that. What makes a value come from elsewhere than where it stands is refused.
//
// What keys mean, and which values are right, is for those who read the file.
package yamlfile

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxDepth  = 16 // lists and maps in one another; the deepest that mean anything are five
	maxFaults = 50
)

// Node is a part of a file: a text as it was written, a list or a map.
type Node struct {
	Kind  Kind
	Line  int
	Text  string
	Items []Node
	Pairs []Pair
}

// Pair is a key of a map with its value.
type Pair struct {
	Key   string
	Line  int
	Value Node
}

// Kind is the shape of a Node, in the words of errors.
type Kind string

// The shapes.
const (
	None Kind = "nothing"
	Text Kind = "a single value"
	List Kind = "a list"
	Map  Kind = "a map"
)

// Expect gives an error in words for whoever wrote the file when the Node has another shape; nothing has every shape.
func (n Node) Expect(want Kind) error {
	if n.Kind != want && n.Kind != None {
		return errors.New("must be " + string(want) + ", not " + string(n.Kind))
	}
	return nil
}

// Fault is what makes a file no file that can be read.
type Fault struct {
	Line    int // from 1
	Message string
}

// Lines gives the lines of a file as Read counts them.
func Lines(text []byte) []string { return strings.Split(normal(text), "\n") }

// normal is a file without what the parser trips over: it miscounts lines that end in \r\n.
func normal(text []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\uFEFF"))
}

// Read reads a file of one document, whose size the caller has bounded. What it gives beside faults means nothing.
func Read(text []byte) (root Node, faults []Fault) {
	// The parser is known to panic on some texts that are no YAML.
	defer func() {
		if recover() != nil {
			root, faults = Node{}, []Fault{{Line: 1, Message: "cannot be read as YAML"}}
		}
	}()
	tokens := lexer.Tokenize(normal(text))
	if faults := refuseTokens(tokens); len(faults) > 0 {
		return Node{}, faults
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return Node{}, []Fault{syntaxFault(err)}
	}
	var c converter
	for _, document := range file.Docs {
		if document.Body != nil && document.Body.Type() != ast.CommentType {
			return c.convert(document.Body, 1), c.faults
		}
	}
	return Node{Kind: None, Line: 1}, nil
}

// refuseTokens finds what makes a value come from elsewhere than where it stands, lists and maps that are too deep in one
// another, and a second document. It comes before the parser, whose stack grows with the depth, and which leaves out what
// follows an empty document.
func refuseTokens(tokens token.Tokens) (faults []Fault) {
	depth, entries, line := 0, 0, 0
	begun, second := false, false // documents
	for _, t := range tokens {
		at := lineOf(t)
		if at != line {
			line, entries = at, 0
		}
		switch t.Type {
		case token.CommentType:
			continue
		case token.DocumentHeaderType, token.DocumentEndType:
			second, begun = begun, true
			continue
		case token.DirectiveType:
			return append(faults, Fault{Line: at, Message: writtenOut})
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.MappingKeyType:
			if len(faults) == 0 || faults[len(faults)-1].Line != at && len(faults) < maxFaults {
				faults = append(faults, Fault{Line: at, Message: writtenOut})
			}
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth = max(depth-1, 0)
		case token.SequenceEntryType:
			entries++
		}
		switch begun = true; {
		case second:
			return append(faults, Fault{Line: at, Message: "must not begin a second document"})
		case depth > maxDepth || entries > maxDepth:
			return append(faults, Fault{Line: at, Message: "lists and maps are too deep in one another"})
		}
	}
	return faults
}

// writtenOut is most often about a text such as */5 * * * *, which YAML takes for an alias.
const writtenOut = "must be written out: anchors, aliases, tags and directives are not understood, and a text that looks like one needs quotes"

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

func (c *converter) refuse(at *token.Token, message string) Node {
	c.faults = append(c.faults, Fault{Line: lineOf(at), Message: message})
	return Node{Kind: None, Line: lineOf(at)}
}

func (c *converter) convert(from ast.Node, depth int) Node {
	if from == nil {
		return Node{Kind: None, Line: 1}
	}
	at := from.GetToken()
	if depth > maxDepth {
		return c.refuse(at, "lists and maps are too deep in one another")
	}
	n := Node{Kind: Text, Line: lineOf(at)}
	if text, is := splitText(from); is {
		n.Text = text
		return n
	}
	switch from := from.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		n.Kind = None
	case *ast.StringNode:
		n.Text = from.Value
	case *ast.LiteralNode:
		n.Text = from.Value.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.Text = at.Value // as written: 0123 and 1.10 keep their digits
	case *ast.SequenceNode:
		n.Kind = List
		for _, item := range from.Values {
			n.Items = append(n.Items, c.convert(item, depth+1))
		}
	case *ast.MappingValueNode:
		n.Kind = Map
		n.Pairs = c.pairs([]*ast.MappingValueNode{from}, depth)
	case *ast.MappingNode:
		n.Kind = Map
		n.Pairs = c.pairs(from.Values, depth)
	default:
		return c.refuse(at, "must be a single value, a list or a map")
	}
	if n.Kind == Map && len(n.Pairs) > 0 {
		n.Line = n.Pairs[0].Line // the token of a map is that of its first colon
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

func (c *converter) pairs(from []*ast.MappingValueNode, depth int) []Pair {
	var pairs []Pair
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
			c.refuse(at, "must not have the key "+Shown(key)+" twice")
			continue
		}
		seen[key] = true
		value := c.convert(p.Value, depth+1)
		if value.Kind == None {
			value.Line = lineOf(at)
		}
		pairs = append(pairs, Pair{Key: key, Line: lineOf(at), Value: value})
	}
	return pairs
}

// Shown gives a text of a file as an error may repeat it.
func Shown(text string) string {
	const most = 60
	text = strings.ToValidUTF8(text, "?")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
