package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
)

// prepare checks that HEAD is the tag and ready to be released, and writes the notes of
// the release into the folder: the version's part of CHANGELOG.md.
func prepare(ctx context.Context, tag, folder string) error {
	if semver.Canonical(tag) != tag {
		return errors.New("a tag is a semantic version such as v1.2.3 or v1.2.3-rc.1")
	}
	tagged, err := git(ctx, "rev-parse", "--verify", "--quiet", "refs/tags/"+tag+"^{commit}")
	if err != nil {
		return errors.New("there is no such tag")
	}
	head, err := git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	if tagged != head {
		return fmt.Errorf("HEAD is %s, the tag is at %s", head, tagged)
	}
	changes, err := git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changes != "" {
		return fmt.Errorf("the tree has changes:\n%s", changes)
	}
	if err := checkPackage("gen/ts/package.json", tag); err != nil {
		return err
	}
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	notes, err := notesOf(string(changelog), tag)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, notesFile), []byte(notes), 0o644)
}

// checkPackage returns an error unless the version of an npm package is that of the tag.
func checkPackage(path, tag string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(text, &pkg); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if want := strings.TrimPrefix(tag, "v"); pkg.Version != want {
		return fmt.Errorf("%s has version %s, want %s: change tools/ts/package.json and run make generate", path, pkg.Version, want)
	}
	return nil
}

// notesOf returns the part of a changelog under the heading "## v1.2.3", which may have
// a date behind it, without the heading. It must have text.
func notesOf(changelog, tag string) (string, error) {
	var notes []string
	inside := false
	for line := range strings.Lines(changelog) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(heading), " ")
			inside = name == tag
			continue
		}
		if inside {
			notes = append(notes, line)
		}
	}
	text := strings.TrimSpace(strings.Join(notes, ""))
	if text == "" {
		return "", fmt.Errorf(`CHANGELOG.md has no text under "## %s"`, tag)
	}
	return text + "\n", nil
}
