package manifest

import "watchkeeper/api/yamlfile"

// node is a value as it is written to a file, and compared by Plan.
type node struct {
	kind  yamlfile.Kind
	text  string
	plain bool // a number, a flag or a length of time, which need no quotes
	items []node
	pairs []pair
}

type pair struct {
	key   string
	value node
}

func (n *node) add(key string, value node) { n.pairs = append(n.pairs, pair{key: key, value: value}) }
