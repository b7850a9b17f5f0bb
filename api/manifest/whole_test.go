package manifest

import (
	"reflect"
	"testing"

	"watchkeeper/api"
)

// fill sets every member of a struct to something that is not its zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	}
}

// TestAnExportHasEverything fails when package api has got a member that an export would lose.
func TestAnExportHasEverything(t *testing.T) {
	var on Server
	fill(reflect.ValueOf(&on).Elem())
	on.Channels[0].Source, on.Routes[0].Source, on.Maintenance[0].Source = "api", "api", "api"
	on.Services[0].Probe.FromFile, on.Services[0].Slug = false, "of-its-own" // not the one that follows from its name
	m, _ := Of(on)
	if len(m.Channels) != 1 || len(m.Services) != 1 || len(m.Routes) != 1 || len(m.Maintenance) != 1 {
		t.Fatalf("%s", Render(m))
	}
	for name, value := range map[string]any{
		"channels": m.Channels[0].Value, "services": m.Services[0].Value, "routes": m.Routes[0].Value, "maintenance": m.Maintenance[0].Value,
		"probes": *m.Services[0].Value.Probe,
	} {
		v := reflect.ValueOf(value)
		for _, f := range fieldsIn(v.Type()) {
			if v.FieldByIndex(f.index).IsZero() {
				t.Errorf("an export of %s has no %s", name, f.name)
			}
		}
	}
}

// TestFieldsOfSettingsCanBeWanted fails when a service has a setting that a file cannot say.
func TestFieldsOfSettingsCanBeWanted(t *testing.T) {
	input := map[string]bool{}
	for _, f := range fieldsIn(reflect.TypeFor[api.ServiceInput]()) {
		input[f.name] = true
	}
	for _, f := range fieldsIn(reflect.TypeFor[api.ServiceSettings]()) {
		if !input[f.name] {
			t.Errorf("no file can say %s of a service", f.name)
		}
	}
}
