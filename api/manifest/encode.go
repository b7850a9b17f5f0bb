package manifest

import (
	"maps"
	"reflect"
	"slices"
	"strconv"

	"watchkeeper/api"
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
	plain := func(text string) (node, bool) { return node{kind: kindText, text: text, plain: true}, !v.IsZero() }
	switch v := v.Interface().(type) {
	case api.Seconds:
		return plain(formatSeconds(v))
	case api.Time:
		return node{kind: kindText, text: v.String()}, v != 0
	case api.Matchers:
		n.kind = kindList
		for _, m := range v {
			n.items = append(n.items, node{kind: kindText, text: m.String()})
		}
		return n, len(v) > 0
	}
	switch v.Kind() {
	case reflect.Struct:
		n.kind = kindMap
		for _, f := range fieldsIn(v.Type()) {
			if value, ok := encode(v.FieldByIndex(f.index), join(path, f.name), secrets); ok {
				n.add(f.name, value)
			}
		}
		return n, len(n.pairs) > 0
	case reflect.Slice:
		n.kind = kindList
		for i := range v.Len() {
			item, ok := encode(v.Index(i), path, secrets)
			if !ok {
				item = empty(v.Index(i))
			}
			n.items = append(n.items, item)
		}
		return n, v.Len() > 0
	case reflect.Map:
		n.kind = kindMap
		all := v.Interface().(map[string]string)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if source, known := secrets[join(path, key)]; known && source != (Source{}) {
				n.add(key, source.node())
				continue
			}
			n.add(key, node{kind: kindText, text: all[key]})
		}
		return n, len(all) > 0
	case reflect.String:
		if source, known := secrets[path]; known && source != (Source{}) {
			return source.node(), true
		}
		return node{kind: kindText, text: v.String()}, v.String() != ""
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
		return node{kind: kindText, text: formatSeconds(0), plain: true}
	case api.Matchers:
		return node{kind: kindList}
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return node{kind: kindMap}
	case reflect.Slice:
		return node{kind: kindList}
	case reflect.Bool:
		return node{kind: kindText, text: "false", plain: true}
	case reflect.String:
		return node{kind: kindText}
	}
	return node{kind: kindText, text: "0", plain: true}
}

// nodeOf gives an item as it stands in a file.
func nodeOf[T any](i *Item[T]) node {
	n, _ := encode(reflect.ValueOf(i.Value), "", i.Secrets)
	return n
}
