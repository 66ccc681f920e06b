package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// read returns a file of the repository, by its path from the root.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGoVersion: the images build with the Go version that go.mod names, and CI uses that one.
func TestGoVersion(t *testing.T) {
	toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if toolchain == nil {
		t.Fatal("go.mod has no toolchain line")
	}
	for _, path := range []string{"Dockerfile", ".devcontainer/Dockerfile"} {
		if want := " golang:" + toolchain[1] + "-"; !strings.Contains(read(t, path), want) {
			t.Errorf("%s has no image%s…, the Go version of go.mod", path, want)
		}
	}
	for path, text := range workflows(t) {
		setups, files := strings.Count(text, "actions/setup-go@"), strings.Count(text, "go-version-file: go.mod")
		if setups != files {
			t.Errorf("%s sets up Go %d times, %d times as go.mod says", path, setups, files)
		}
	}
}

// TestWorkflows: actions are pinned by commit with the version in a comment, tokens can
// only read unless a job says otherwise, and every job that runs steps has a timeout.
func TestWorkflows(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.+)$`)
	pinned := regexp.MustCompile(`^(\./\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for path, text := range workflows(t) {
		for _, found := range uses.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(found[1]) {
				t.Errorf("%s uses %s: pin the commit, with the version as a comment", path, found[1])
			}
		}
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				TimeoutMinutes int `yaml:"timeout-minutes"`
				Steps          []any
			}
		}
		if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(workflow.Permissions) != 1 || workflow.Permissions["contents"] != "read" {
			t.Errorf("%s has permissions %v for all jobs, want contents: read", path, workflow.Permissions)
		}
		for name, job := range workflow.Jobs {
			if len(job.Steps) > 0 && job.TimeoutMinutes == 0 {
				t.Errorf("%s: job %s has no timeout", path, name)
			}
		}
	}
}

// workflows returns the text of every workflow by its path.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../../.github/workflows/*.yml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("found the workflows %q (%v)", paths, err)
	}
	all := map[string]string{}
	for _, path := range paths {
		name, err := filepath.Rel("../../..", path)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = read(t, name)
	}
	return all
}
