package config

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// node is a part of a YAML file, reduced to what settings need: texts as they were written, lists and maps.
type node struct {
	kind  kind
	line  int
	text  string
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

// fault is something wrong at a line of the file. Path leads from the setting, or from the top, to the place.
type fault struct {
	line    int
	path    string
	message string
}

// parseYAML reads a file of one document.
func parseYAML(text string) (root node, faults []fault) {
	// The parser is known to panic on some texts that are no YAML.
	defer func() {
		if recover() != nil {
			root, faults = node{}, []fault{{line: 1, message: "cannot be read as YAML"}}
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return node{}, []fault{syntaxFault(err)}
	}
	root = node{kind: kindNone, line: 1}
	var c converter
	seen := false
	for _, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		if seen {
			c.refuse(document.Body.GetToken(), "must not begin a second document")
			break
		}
		root, seen = c.convert(document.Body), true
	}
	return root, c.faults
}

func syntaxFault(err error) fault {
	f := fault{line: 1, message: "cannot be read as YAML"}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		f.message += ": " + syntax.GetMessage()
		f.line = lineOf(syntax.GetToken())
	}
	return f
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 1
	}
	return t.Position.Line
}

// converter reduces the tree of the parser. Aliases, tags and whatever else makes a value come from elsewhere are
// refused, so that what is read is what stands there.
type converter struct {
	faults []fault
}

func (c *converter) refuse(at *token.Token, message string) node {
	c.faults = append(c.faults, fault{line: lineOf(at), message: message})
	return node{kind: kindNone, line: lineOf(at)}
}

func (c *converter) convert(from ast.Node) node {
	if from == nil {
		return node{kind: kindNone, line: 1}
	}
	at := from.GetToken()
	n := node{kind: kindText, line: lineOf(at)}
	switch from := from.(type) {
	case *ast.NullNode:
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
			n.items = append(n.items, c.convert(item))
		}
	case *ast.MappingValueNode:
		n.kind = kindMap
		n.pairs = c.pairs([]*ast.MappingValueNode{from})
	case *ast.MappingNode:
		n.kind = kindMap
		n.pairs = c.pairs(from.Values)
	case *ast.CommentGroupNode:
		n.kind = kindNone
	default:
		return c.refuse(at, "must be written out: anchors, aliases, tags and directives are not understood")
	}
	return n
}

func (c *converter) pairs(from []*ast.MappingValueNode) []pair {
	var pairs []pair
	seen := map[string]bool{}
	for _, p := range from {
		key, ok := p.Key.(*ast.StringNode)
		if !ok {
			c.refuse(p.Key.GetToken(), "must have a plain word as key")
			continue
		}
		if seen[key.Value] {
			c.refuse(key.GetToken(), "must not have the key "+key.Value+" twice")
			continue
		}
		seen[key.Value] = true
		pairs = append(pairs, pair{key: key.Value, line: lineOf(key.GetToken()), value: c.convert(p.Value)})
	}
	return pairs
}

// single gives the text of a single value; nothing is an empty one.
func (n node) single() (string, error) { return n.text, n.expect(kindText) }

// list gives the items of a list; nothing is an empty one.
func (n node) list() ([]node, error) { return n.items, n.expect(kindList) }

// dict gives the pairs of a map; nothing is an empty one.
func (n node) dict() ([]pair, error) { return n.pairs, n.expect(kindMap) }

func (n node) expect(want kind) error {
	if n.kind != want && n.kind != kindNone {
		return errors.New("must be " + string(want) + ", not " + string(n.kind))
	}
	return nil
}

// texts gives the items of a list of single values.
func (n node) texts() ([]string, error) {
	items, err := n.list()
	texts := make([]string, 0, len(items))
	for _, item := range items {
		if item.kind != kindText {
			return nil, errors.New("must be a list of single values, one of them is " + string(item.kind))
		}
		texts = append(texts, item.text)
	}
	return texts, err
}
