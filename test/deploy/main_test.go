// Package deploy tests what stands in deploy/, compose.yaml, compose.cluster.yaml and the
// Dockerfile against the program that they run: its flags, and its metrics.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// root is the root of the repository.
const root = "../.."

var binaries proc.Binaries

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bongsu-deploy-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binaries, err = proc.Build(dir); err != nil {
		panic(err)
	}
	return m.Run()
}

// read returns a file of the repository, by its path from the root.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// settings returns the flags of bongsu serve, and their environment variables.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	return settingsOf(t, 80, binaries.Bongsu)
}

// joinedSettings returns the flags of the example whose services a set of values joins, and their
// environment variables.
func joinedSettings(t *testing.T) map[string]bool {
	t.Helper()
	return settingsOf(t, 40, "go", "run", "./examples/library")
}

// settingsOf returns the flags and variables in the help of the command serve of a program: at least a
// number of them.
func settingsOf(t *testing.T, least int, program string, args ...string) map[string]bool {
	t.Helper()
	command := exec.Command(program, append(args, "serve", "--help")...)
	command.Dir = root
	help, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range regexp.MustCompile(`--[a-z][a-z0-9-]+|\b(BONGSU|LIBRARY)_[A-Z_]+`).FindAllString(string(help), -1) {
		known[name] = true
	}
	if len(known) < least {
		t.Fatalf("the help of %s names %d flags and variables", command, len(known))
	}
	return known
}
