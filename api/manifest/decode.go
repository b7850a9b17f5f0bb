package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// notInFiles are the members of the types of package api that a file does not have: the order of the list is the
// position, and who made a thing is for whoever applies the file to say.
var notInFiles = []string{"managed_by", "position", "from_file"}

// field is a member of a struct as JSON and a file name it.
type field struct {
	name  string
	index []int
}

// fieldsIn gives the members of a struct, those of embedded structs included.
func fieldsIn(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" || slices.Contains(notInFiles, name) {
			continue
		}
		fields = append(fields, field{name, f.Index})
	}
	return fields
}

// decoder reads nodes into values of package api.
type decoder struct {
	faults  []Fault
	lines   map[string]int // of every member, by its path
	secrets map[string]Source
	hides   func(path string) bool // whether what is at a path may be a secret
}

func (d *decoder) fail(n yamlfile.Node, path, format string, args ...any) {
	d.faults = append(d.faults, Fault{Line: n.Line, At: path, Message: fmt.Sprintf(format, args...)})
}

func join(path, name string) string {
	switch {
	case path == "":
		return name
	case name == "":
		return path
	}
	return path + "." + name
}

// decode reads a node into a value that is at its zero.
func (d *decoder) decode(n yamlfile.Node, path string, into reflect.Value) {
	if n.Kind == yamlfile.None {
		return // a key without a value is as good as none
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		d.decode(n, path, into.Elem())
		return
	}
	switch v := into.Addr().Interface().(type) {
	case *api.Seconds:
		d.text(n, path, func(text string) (err error) { *v, err = parseSeconds(text); return err })
		return
	case *api.Time:
		d.text(n, path, func(text string) (err error) { *v, err = api.ParseTime(text); return err })
		return
	case *api.Matchers:
		d.matchers(n, path, v)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(n, path, into)
	case reflect.Slice:
		d.list(n, path, into)
	case reflect.Map:
		d.dictionary(n, path, into)
	case reflect.String:
		d.string(n, path, into)
	case reflect.Bool:
		d.text(n, path, func(text string) error {
			if text != "true" && text != "false" {
				return api.Errorf(api.KindInvalid, "must be true or false")
			}
			into.SetBool(text == "true")
			return nil
		})
	case reflect.Int, reflect.Int64:
		d.text(n, path, func(text string) error {
			number, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return api.Errorf(api.KindInvalid, "must be a whole number")
			}
			into.SetInt(number)
			return nil
		})
	case reflect.Float64:
		d.text(n, path, func(text string) error {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil || number != number || number > 1e15 || number < -1e15 {
				return api.Errorf(api.KindInvalid, "must be a number")
			}
			into.SetFloat(number)
			return nil
		})
	default:
		panic("manifest: no file holds a " + into.Type().String())
	}
}

func (d *decoder) expect(n yamlfile.Node, path string, want yamlfile.Kind) bool {
	if n.Kind != want {
		d.fail(n, path, "must be %s, not %s", want, n.Kind)
	}
	return n.Kind == want
}

func (d *decoder) text(n yamlfile.Node, path string, set func(string) error) {
	if !d.expect(n, path, yamlfile.Text) {
		return
	}
	if err := set(n.Text); err != nil {
		message := err.Error()
		if !strings.HasPrefix(message, "must") {
			message = "cannot be read: " + message
		}
		d.fail(n, path, "%s", message)
	}
}

func (d *decoder) object(n yamlfile.Node, path string, into reflect.Value) {
	if !d.expect(n, path, yamlfile.Map) {
		return
	}
	fields := fieldsIn(into.Type())
	for _, p := range n.Pairs {
		at := join(path, p.Key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == p.Key })
		if i < 0 {
			d.fail(yamlfile.Node{Line: p.Line}, join(path, yamlfile.Shown(p.Key)), "%s", unknown(p.Key, fields))
			continue
		}
		d.lines[at] = p.Line
		d.decode(p.Value, at, into.FieldByIndex(fields[i].index))
	}
}

func unknown(key string, fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	if near := api.Nearest(key, names); near != "" {
		return "is not known, did you mean " + near + "?"
	}
	return "is not known"
}

func (d *decoder) list(n yamlfile.Node, path string, into reflect.Value) {
	if !d.expect(n, path, yamlfile.List) {
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		if item.Kind == yamlfile.None {
			d.fail(item, at, "must not be empty")
			continue
		}
		d.decode(item, at, into.Index(i))
	}
}

func (d *decoder) dictionary(n yamlfile.Node, path string, into reflect.Value) {
	if !d.expect(n, path, yamlfile.Map) {
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(n.Pairs)))
	for _, p := range n.Pairs {
		at := join(path, p.Key)
		d.lines[at] = p.Line
		value := reflect.New(into.Type().Elem()).Elem()
		d.decode(p.Value, at, value)
		into.SetMapIndex(reflect.ValueOf(p.Key), value)
	}
}

// string reads a text, or where the text of a secret is to be had.
func (d *decoder) string(n yamlfile.Node, path string, into reflect.Value) {
	if n.Kind == yamlfile.Map && d.hides(path) {
		source, message := sourceOf(n)
		if message != "" {
			d.fail(n, path, "%s", message)
			return
		}
		d.secrets[path] = source
		into.SetString(Masked)
		return
	}
	d.text(n, path, func(text string) error {
		into.SetString(text)
		return nil
	})
}

func (d *decoder) matchers(n yamlfile.Node, path string, into *api.Matchers) {
	texts := []string{n.Text}
	if n.Kind == yamlfile.List {
		texts = nil
		for i, item := range n.Items {
			if !d.expect(item, fmt.Sprintf("%s[%d]", path, i), yamlfile.Text) {
				return
			}
			texts = append(texts, item.Text)
		}
	} else if !d.expect(n, path, yamlfile.Text) {
		return
	}
	parsed, err := api.ParseMatchers(texts...)
	if err != nil {
		d.fail(n, path, "%s", err)
	}
	*into = parsed
}

// parseSeconds reads a length of time: 25h, 90m, 14d, or a number of seconds.
func parseSeconds(text string) (api.Seconds, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return api.Seconds(min(n, int64(api.MaxSeconds)+1)), nil
	}
	d, err := api.ParseDuration(text)
	switch {
	case err != nil:
		return 0, api.Errorf(api.KindInvalid, "must be a time such as 90s, 5m, 25h, 14d or 1d12h, or a number of seconds")
	case d%time.Second != 0:
		return 0, api.Errorf(api.KindInvalid, "must be whole seconds")
	}
	return api.Seconds(d / time.Second), nil
}

// formatSeconds gives the form that parseSeconds reads, in the largest unit in which it is a whole number.
func formatSeconds(s api.Seconds) string {
	for _, unit := range []struct {
		name string
		size api.Seconds
	}{{"d", 24 * 3600}, {"h", 3600}, {"m", 60}} {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "s"
}
