package docker

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// instruction is one instruction of a Dockerfile: RUN, COPY and so on, and what follows.
type instruction struct {
	name, rest string
}

// readDockerfile returns the instructions of each stage.
func readDockerfile(t *testing.T, file string) [][]instruction {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var stages [][]instruction
	for line := range strings.Lines(strings.ReplaceAll(string(content), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if name == "FROM" {
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, strings.TrimSpace(rest)})
	}
	return stages
}

// all returns what follows each instruction of that name.
func all(stage []instruction, name string) []string {
	var list []string
	for _, i := range stage {
		if i.name == name {
			list = append(list, i.rest)
		}
	}
	return list
}

// only returns what follows the one instruction of that name.
func only(t *testing.T, stage []instruction, name string) string {
	t.Helper()
	list := all(stage, name)
	if len(list) != 1 {
		t.Fatalf("%d instructions %s, want one", len(list), name)
	}
	return list[0]
}

// words reads the exec form: a JSON array of strings.
func words(t *testing.T, text string) []string {
	t.Helper()
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%q is not in exec form: %v", text, err)
	}
	return list
}

// variables reads the assignments of ENV and ARG instructions.
func variables(stage []instruction, name string) map[string]string {
	values := map[string]string{}
	for _, rest := range all(stage, name) {
		for _, assignment := range strings.Fields(rest) {
			key, value, _ := strings.Cut(assignment, "=")
			values[key] = value
		}
	}
	return values
}

var goImage = regexp.MustCompile(`^golang:(\d+\.\d+)-\S+ AS build$`)

func TestBuildsWithTheModulesGo(t *testing.T) {
	stages := readDockerfile(t, "server.Dockerfile")
	image := goImage.FindStringSubmatch(only(t, stages[0], "FROM"))
	if image == nil {
		t.Fatalf("the build stage is not from a golang image: %s", only(t, stages[0], "FROM"))
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "\ngo "+image[1]+".") {
		t.Errorf("the image has Go %s, go.mod asks for another", image[1])
	}
}

func TestImageIsSmallAndUnprivileged(t *testing.T) {
	stages := readDockerfile(t, "server.Dockerfile")
	image := stages[len(stages)-1]
	if base := only(t, image, "FROM"); base != "scratch" {
		t.Errorf("the image is based on %s", base)
	}
	if user := only(t, image, "USER"); !regexp.MustCompile(`^[1-9]\d+:[1-9]\d+$`).MatchString(user) {
		t.Errorf("it runs as %s, want numbers other than root's", user)
	}
	if volume, data := only(t, image, "VOLUME"), variables(image, "ENV")["WATCHKEEPER_DATA"]; volume != data {
		t.Errorf("the volume is %s, the data are in %s", volume, data)
	}
	if _, check, found := strings.Cut(only(t, image, "HEALTHCHECK"), "CMD "); !found || strings.Join(words(t, check), " ") != "watchkeeper healthcheck" {
		t.Errorf("the health check does not ask the program: %s", check)
	}
}
