package config

import (
	"errors"

	"watchkeeper/api/yamlfile"
)

// fault is something wrong at a line of the file. Path leads from the setting, or from the top, to the place.
type fault struct {
	line    int
	path    string
	message string
}

// textIn gives the text of a single value; nothing is an empty one.
func textIn(n yamlfile.Node) (string, error) { return n.Text, n.Expect(yamlfile.Text) }

// itemsIn gives the items of a list; nothing is an empty one.
func itemsIn(n yamlfile.Node) ([]yamlfile.Node, error) { return n.Items, n.Expect(yamlfile.List) }

// pairsIn gives the pairs of a map; nothing is an empty one.
func pairsIn(n yamlfile.Node) ([]yamlfile.Pair, error) { return n.Pairs, n.Expect(yamlfile.Map) }

// textsIn gives the items of a list of single values.
func textsIn(n yamlfile.Node) ([]string, error) {
	all, err := itemsIn(n)
	list := make([]string, 0, len(all))
	for _, item := range all {
		if item.Kind != yamlfile.Text {
			return nil, errors.New("must be a list of single values, one of them is " + string(item.Kind))
		}
		list = append(list, item.Text)
	}
	return list, err
}
