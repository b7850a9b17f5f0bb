// Package docker holds the files for running Watchkeeper in containers, and the tests that hold those files to the
// program. No code that ships belongs here.
package docker

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composition is what the tests need of a Compose file.
type composition struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type composeService struct {
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"`
	Restart     string            `yaml:"restart"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

func readCompose(t *testing.T) composition {
	t.Helper()
	content, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file composition
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 2 {
		t.Fatalf("compose.yaml has %d services, want the server and its database", len(file.Services))
	}
	return file
}

const secretsFolder = "/run/secrets/"

func TestComposeKeepsAndRestarts(t *testing.T) {
	file := readCompose(t)
	for name, service := range file.Services {
		if service.Restart != "unless-stopped" {
			t.Errorf("%s: restart is %q", name, service.Restart)
		}
		if len(service.Healthcheck.Test) < 2 || service.Healthcheck.Test[0] != "CMD" {
			t.Errorf("%s: health check %q", name, service.Healthcheck.Test)
		}
		if len(service.Volumes) == 0 {
			t.Errorf("%s keeps nothing", name)
		}
		for _, volume := range service.Volumes {
			if named, _, _ := strings.Cut(volume, ":"); !containsKey(file.Volumes, named) {
				t.Errorf("%s: %s is not a named volume", name, volume)
			}
		}
	}
	if got := file.Services["server"].DependsOn["postgres"].Condition; got != "service_healthy" {
		t.Errorf("the server waits for a database that is %q", got)
	}
}

func TestComposeHandsOverSecretsByFile(t *testing.T) {
	file := readCompose(t)
	for name, service := range file.Services {
		for variable, value := range service.Environment {
			secret, found := strings.CutPrefix(value, secretsFolder)
			if found != strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s=%s", name, variable, value)
			}
			if found && (!slices.Contains(service.Secrets, secret) || !containsKey(file.Secrets, secret)) {
				t.Errorf("%s: the secret %s is not handed over", name, secret)
			}
			if !found && regexp.MustCompile(`(?i)password|secret|token|smtp_url|database$`).MatchString(variable) {
				t.Errorf("%s: %s is a secret and not in a file", name, variable)
			}
		}
	}
}

func TestComposeRequiresThePublicURL(t *testing.T) {
	value := readCompose(t).Services["server"].Environment["WATCHKEEPER_PUBLIC_URL"]
	if !regexp.MustCompile(`^\$\{WATCHKEEPER_PUBLIC_URL:\?.{20,}\}$`).MatchString(value) {
		t.Errorf("WATCHKEEPER_PUBLIC_URL is %q, which does not say what is missing", value)
	}
}

func containsKey[V any](m map[string]V, key string) bool {
	_, found := m[key]
	return found
}
