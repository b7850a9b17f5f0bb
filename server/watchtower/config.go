package watchtower

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	configFile = "config/config.json"
	maxConfig  = 4 << 20
)

// Config is what concerns us of watchTower's configuration.
type Config struct {
	Password      string
	DefaultType   string
	DefaultTarget string
	PushoverToken string
	Presets       []Preset
	Pings         []Ping
}

// Preset is a saved search.
type Preset struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	Message string `json:"message"`
}

// Ping is an address that watchTower asked for.
type Ping struct {
	Service     string `json:"service"`
	URL         string `json:"url"`
	AlertType   string `json:"alertType"`
	AlertTarget string `json:"alertTarget"`
	Frequency   int    `json:"frequency"`
	ProxyURL    string `json:"proxyURL"`
}

// Config reads the configuration, as far as it can be read.
func (f *Folder) Config(unread func(Unread)) Config {
	var c Config
	text, err := readUpTo(filepath.Join(f.path, configFile), maxConfig)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			unread(Unread{File: configFile, Reason: err.Error()})
		}
		return c
	}
	c, reasons := parseConfig(text)
	for _, reason := range reasons {
		unread(Unread{File: configFile, Reason: reason})
	}
	return c
}

func readUpTo(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("is larger than %d bytes", limit)
	}
	return text, err
}

// parseConfig reads each part by itself, so that one which cannot be read costs none of the others.
func parseConfig(text []byte) (c Config, unread []string) {
	var all struct {
		Password      json.RawMessage            `json:"password"`
		Alert         map[string]json.RawMessage `json:"alert"`
		EventsPresets []json.RawMessage          `json:"eventsPresets"`
		Pings         []json.RawMessage          `json:"pings"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), &all); err != nil {
		unread = append(unread, "cannot be read: "+err.Error()) // what came before the fault was
	}
	read := func(name string, from json.RawMessage, into any) bool {
		if len(from) == 0 || string(from) == "null" {
			return false
		}
		if err := json.Unmarshal(from, into); err != nil {
			unread = append(unread, name+" cannot be read: "+err.Error())
			return false
		}
		return true
	}
	read("password", all.Password, &c.Password)
	read("alert.defaultType", all.Alert["defaultType"], &c.DefaultType)
	read("alert.defaultTarget", all.Alert["defaultTarget"], &c.DefaultTarget)
	read("alert.pushoverAPIKey", all.Alert["pushoverAPIKey"], &c.PushoverToken)
	for i, raw := range all.EventsPresets {
		var p Preset
		if read(fmt.Sprintf("eventsPresets[%d]", i), raw, &p) {
			c.Presets = append(c.Presets, p)
		}
	}
	for i, raw := range all.Pings {
		p := Ping{Frequency: 30}
		name := fmt.Sprintf("pings[%d]", i)
		if !read(name, raw, &p) {
			continue
		}
		if p.Service == "" || p.URL == "" {
			unread = append(unread, name+" has no service or no url")
			continue
		}
		c.Pings = append(c.Pings, p)
	}
	return c, unread
}
