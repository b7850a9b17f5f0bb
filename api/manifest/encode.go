package manifest

import (
	"maps"
	"reflect"
	"slices"
	"strconv"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// encode gives a value of package api as it stands in a file. What is nil or zero is left out; ok is false where nothing
// is left. Masked texts whose source is known become their source.
func encode(v reflect.Value, path string, secrets map[string]Source) (n node, ok bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return node{}, false
		}
		n, ok = encode(v.Elem(), path, secrets)
		if !ok { // said, and empty: the other way to leave it at its default is to say nothing
			n = empty(v.Elem())
		}
		return n, true
	}
	plain := func(text string) (node, bool) { return node{kind: yamlfile.Text, text: text, plain: true}, !v.IsZero() }
	switch v := v.Interface().(type) {
	case api.Seconds:
		return plain(formatSeconds(v))
	case api.Time:
		return node{kind: yamlfile.Text, text: v.String()}, v != 0
	case api.Matchers:
		n.kind = yamlfile.List
		for _, m := range v {
			n.items = append(n.items, node{kind: yamlfile.Text, text: m.String()})
		}
		return n, len(v) > 0
	}
	switch v.Kind() {
	case reflect.Struct:
		n.kind = yamlfile.Map
		for _, f := range fieldsIn(v.Type()) {
			if value, ok := encode(v.FieldByIndex(f.index), join(path, f.name), secrets); ok {
				n.add(f.name, value)
			}
		}
		return n, len(n.pairs) > 0
	case reflect.Slice:
		n.kind = yamlfile.List
		for i := range v.Len() {
			item, ok := encode(v.Index(i), path, secrets)
			if !ok {
				item = empty(v.Index(i))
			}
			n.items = append(n.items, item)
		}
		return n, v.Len() > 0
	case reflect.Map:
		n.kind = yamlfile.Map
		all := v.Interface().(map[string]string)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if source, known := secrets[join(path, key)]; known && source != (Source{}) {
				n.add(key, source.node())
				continue
			}
			n.add(key, node{kind: yamlfile.Text, text: all[key]})
		}
		return n, len(all) > 0
	case reflect.String:
		if source, known := secrets[path]; known && source != (Source{}) {
			return source.node(), true
		}
		return node{kind: yamlfile.Text, text: v.String()}, v.String() != ""
	case reflect.Bool:
		return plain(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		return plain(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return plain(strconv.FormatFloat(v.Float(), 'f', -1, 64))
	}
	panic("manifest: no file holds a " + v.Type().String())
}

// empty gives a value that is zero, written out.
func empty(v reflect.Value) node {
	switch v.Interface().(type) {
	case api.Seconds:
		return node{kind: yamlfile.Text, text: formatSeconds(0), plain: true}
	case api.Matchers:
		return node{kind: yamlfile.List}
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return node{kind: yamlfile.Map}
	case reflect.Slice:
		return node{kind: yamlfile.List}
	case reflect.Bool:
		return node{kind: yamlfile.Text, text: "false", plain: true}
	case reflect.String:
		return node{kind: yamlfile.Text}
	}
	return node{kind: yamlfile.Text, text: "0", plain: true}
}

// nodeOf gives an item as it stands in a file.
func nodeOf[T any](i *Item[T]) node {
	n, _ := encode(reflect.ValueOf(i.Value), "", i.Secrets)
	return n
}
