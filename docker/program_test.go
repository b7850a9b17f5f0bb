package docker

import (
	"bytes"
	"context"
	"debug/elf"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience bounds a build of the whole program on a busy machine.
const patience = 5 * time.Minute

// replay runs the build stage's commands in a copy of what the build would be given and returns the program.
func replay(t *testing.T) string {
	t.Helper()
	stages := readDockerfile(t, "server.Dockerfile")
	source := filepath.Join(t.TempDir(), "src")
	copyContext(t, source)
	for _, command := range all(stages[0], "RUN") {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = source
		cmd.Env = os.Environ()
		for name, value := range variables(stages[0], "ARG") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", command, err, out)
		}
	}
	program := ""
	for _, arguments := range all(stages[1], "COPY") {
		fields := strings.Fields(arguments)
		from, inside := strings.CutPrefix(fields[len(fields)-2], only(t, stages[0], "WORKDIR")+"/")
		if !inside {
			continue
		}
		if _, err := os.Stat(filepath.Join(source, from)); err != nil {
			t.Errorf("COPY %s: %v", arguments, err)
		}
		if strings.HasSuffix(from, "/watchkeeper") {
			program = filepath.Join(source, from)
		}
	}
	if program == "" {
		t.Fatal("the image has no program")
	}
	return program
}

// copyContext copies what git knows or would take, less what the build must not see.
func copyContext(t *testing.T, target string) {
	t.Helper()
	ignored, err := os.ReadFile("server.Dockerfile.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "-C", "..", "ls-files", "-z", "-co", "--exclude-standard")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		hidden := slices.ContainsFunc(strings.Fields(string(ignored)), func(folder string) bool {
			return strings.HasPrefix(name, folder+"/")
		})
		content, err := os.ReadFile(filepath.Join("..", name))
		if hidden || os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImageAndComposeFitTheProgram builds the program as the image does and runs it as the Compose file does.
func TestImageAndComposeFitTheProgram(t *testing.T) {
	program := replay(t)
	t.Run("static", func(t *testing.T) { checkStatic(t, program) })
	t.Run("settings exist", func(t *testing.T) { checkSettings(t, program) })
	t.Run("runs with the environment of compose", func(t *testing.T) { checkRun(t, program) })
}

func checkStatic(t *testing.T, program string) {
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("the program needs a loader, which the image does not have")
		}
	}
}

// checkSettings holds every variable to the rule that --a-b is WATCHKEEPER_A_B, and every flag to the program's help.
func checkSettings(t *testing.T, program string) {
	server := readCompose(t).Services["server"]
	stages := readDockerfile(t, "server.Dockerfile")
	help := run(t, program, "serve", "--help")
	names := slices.Concat(slices.Collect(maps.Keys(server.Environment)), slices.Collect(maps.Keys(variables(stages[1], "ENV"))))
	checked := 0
	for _, name := range names {
		setting, ours := strings.CutPrefix(strings.TrimSuffix(name, "_FILE"), "WATCHKEEPER_")
		if !ours {
			continue
		}
		checked++
		flag := "--" + strings.ReplaceAll(strings.ToLower(setting), "_", "-")
		if !regexp.MustCompile(`(?m)(^|\s)` + flag + `([^\w-]|$)`).MatchString(help) {
			t.Errorf("%s: the program has no setting %s", name, flag)
		}
	}
	if checked < 7 {
		t.Errorf("only %d variables found", checked)
	}
	commands := [][]string{server.Command, server.Healthcheck.Test[2:], words(t, only(t, stages[1], "CMD"))}
	for _, command := range commands {
		own := run(t, program, command[0], "--help")
		for _, argument := range command[1:] {
			if flag, _, _ := strings.Cut(argument, "="); strings.HasPrefix(flag, "-") && !strings.Contains(own, flag) {
				t.Errorf("%v: the program has no flag %s", command, flag)
			}
		}
	}
}

var interpolation = regexp.MustCompile(`\$\{(\w+)(?::([-?])([^}]*))?\}`)

// checkRun starts the program with the Compose file's environment, where its secrets are files, asks its health as the
// container would, and ends it.
func checkRun(t *testing.T, program string) {
	folder := t.TempDir()
	env := environment(t, folder)
	if err := os.Mkdir(filepath.Join(folder, "data"), 0o700); err != nil { // the volume
		t.Fatal(err)
	}
	serve := exec.CommandContext(t.Context(), program, readCompose(t).Services["server"].Command...)
	serve.Env, serve.Dir = env, folder
	var output bytes.Buffer
	serve.Stdout, serve.Stderr = &output, &output
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for healthy := false; !healthy; {
		check := exec.CommandContext(ctx, program, readCompose(t).Services["server"].Healthcheck.Test[2:]...)
		check.Env, check.Dir = env, folder
		healthy = check.Run() == nil
		select {
		case err := <-ended:
			t.Fatalf("the server ended: %v\n%s", err, output.String())
		case <-ctx.Done():
			_ = serve.Process.Kill()
			<-ended
			t.Fatalf("the server never became healthy:\n%s", output.String())
		case <-time.After(50 * time.Millisecond): // nothing announces health
		}
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, output.String())
	}
}

// environment is exactly that of the image and the Compose file, with the container's folders and port moved here.
func environment(t *testing.T, folder string) []string {
	t.Helper()
	secrets := map[string]string{
		"database": pgtest.Database(t) + "\n",
		"secret":   strings.Repeat("5ec4e7", 10) + "\n",
		"smtp_url": "",
	}
	image := readDockerfile(t, "server.Dockerfile")
	variables := variables(image[len(image)-1], "ENV")
	for name, value := range readCompose(t).Services["server"].Environment {
		variables[name] = interpolation.ReplaceAllStringFunc(value, func(reference string) string {
			parts := interpolation.FindStringSubmatch(reference)
			if parts[2] == "?" {
				return "https://watch.example.org:8443"
			}
			return parts[3]
		})
	}
	variables["WATCHKEEPER_LISTEN"] = freeAddress(t)
	var env []string
	for name, value := range variables {
		if secret, found := strings.CutPrefix(value, secretsFolder); found {
			value = filepath.Join(folder, secret)
			content, known := secrets[secret]
			if !known {
				t.Fatalf("%s needs the secret %s, which this test does not have", name, secret)
			}
			if err := os.WriteFile(value, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if value == "/data" {
			value = filepath.Join(folder, "data")
		}
		env = append(env, name+"="+value)
	}
	return env
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(program), arguments, err, out)
	}
	return string(out)
}
