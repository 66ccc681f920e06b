package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// committed is the time of the commit in these tests.
var committed = time.Date(2026, 11, 20, 3, 12, 45, 0, time.UTC)

// write writes a file that was last modified at a time, and returns its path.
func write(t *testing.T, content string, modified time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestArchive(t *testing.T) {
	var archives [][]byte
	for _, modified := range []time.Time{committed.Add(-time.Hour), committed.Add(time.Hour)} {
		path := filepath.Join(t.TempDir(), "bongsu_v1.2.3_linux_amd64.tar.gz")
		err := writeArchive(path, []file{
			{name: "bongsu_v1.2.3_linux_amd64/bongsu", path: write(t, "binary", modified), mode: 0o755},
			{name: "bongsu_v1.2.3_linux_amd64/LICENSE", path: write(t, "license", modified), mode: 0o644},
		}, committed)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, archive)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same contents gave two archives")
	}

	zip, err := gzip.NewReader(bytes.NewReader(archives[0]))
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for ball := tar.NewReader(zip); ; {
		header, err := ball.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(ball)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, header.FileInfo().Mode().String()+" "+header.Name+" "+string(content))
		if !header.ModTime.Equal(committed) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" {
			t.Errorf("%s depends on who built it: %+v", header.Name, header)
		}
	}
	want := "-rwxr-xr-x bongsu_v1.2.3_linux_amd64/bongsu binary, -rw-r--r-- bongsu_v1.2.3_linux_amd64/LICENSE license"
	if got := strings.Join(entries, ", "); got != want {
		t.Errorf("entries %s, want %s", got, want)
	}
}

func TestChecksums(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"bongsu_b", "bongsu_a", "notes.md"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	got, err := writeChecksums(folder)
	if want := empty + "  bongsu_a\n" + empty + "  bongsu_b\n"; err != nil || got != want {
		t.Errorf("checksums %q (%v), want %q", got, err, want)
	}
	if text, err := os.ReadFile(filepath.Join(folder, checksumsFile)); err != nil || string(text) != got {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}

func TestSBOM(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Path: "github.com/bongsu-project/bongsu", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.com/z", Version: "v2.0.0+incompatible"},
			{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "vcs.revision", Value: "69aff13"}},
	}
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := encodeSBOM(out, info, "v1.2.3", "e3b0c442", committed); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Error("the same binary gave two SBOMs")
	}
	var doc struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Timestamp string
			Component struct {
				Version, Purl string
				Hashes        []struct{ Alg, Content string }
			}
		}
		Components   []struct{ Purl string }
		Dependencies []struct{ DependsOn []string }
	}
	if err := json.Unmarshal(first.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.BOMFormat != "CycloneDX" || doc.SpecVersion != "1.6" || doc.Metadata.Timestamp != "2026-11-20T03:12:45Z" {
		t.Errorf("got %+v", doc)
	}
	if c := doc.Metadata.Component; c.Version != "v1.2.3" || c.Purl != "pkg:golang/github.com/bongsu-project/bongsu@v1.2.3" ||
		len(c.Hashes) != 1 || c.Hashes[0].Alg != "SHA-256" || c.Hashes[0].Content != "e3b0c442" {
		t.Errorf("the program is %+v", c)
	}
	var purls []string
	for _, c := range doc.Components {
		purls = append(purls, c.Purl)
	}
	want := "pkg:golang/example.com/fork@v1.0.1 pkg:golang/example.com/z@v2.0.0%2Bincompatible pkg:golang/std@1.26.8"
	if got := strings.Join(purls, " "); got != want {
		t.Errorf("modules %s, want %s", got, want)
	}
	if len(doc.Dependencies) != 1 || strings.Join(doc.Dependencies[0].DependsOn, " ") != want {
		t.Errorf("dependencies %+v", doc.Dependencies)
	}
}

// TestSBOMOfBinary checks that the SBOM of a real binary, that of this test, lists a module
// that it is linked from.
func TestSBOMOfBinary(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := buildinfo.ReadFile(binary); err != nil {
		t.Skipf("no build information in the binary of the test: %v", err)
	}
	path := filepath.Join(t.TempDir(), "bongsu.cdx.json")
	if err := writeSBOM(path, binary, "v1.2.3", committed); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(`"pkg:golang/github.com/CycloneDX/cyclonedx-go@v`)) {
		t.Errorf("cyclonedx-go is missing in %s", text)
	}
}

func TestNotes(t *testing.T) {
	const changelog = "# Changelog\n\n## Unreleased\n\n- next\n\n## v0.2.0 (2026-12-01)\n\n### Upgrading\n\n- first the senders\n\n## v0.2.0-rc.1\n\n## v0.1.0\n\n- all\n"
	for tag, want := range map[string]string{
		"v0.2.0":      "### Upgrading\n\n- first the senders\n",
		"v0.1.0":      "- all\n",
		"v0.2.0-rc.1": "", // no text
		"v0.3.0":      "", // no heading
	} {
		got, err := notesOf(changelog, tag)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q (%v), want %q", tag, got, err, want)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	for _, tag := range []string{"1.2.3", "v1.2", "v1.2.3+build", "v01.2.3", "v0.0.0-no-such-tag"} {
		if err := prepare(t.Context(), tag, t.TempDir()); err == nil {
			t.Errorf("%s is accepted", tag)
		}
	}
	if err := checkPackage("../../../gen/ts/package.json", "v0.0.0-other"); err == nil || !strings.Contains(err.Error(), "want 0.0.0-other") {
		t.Errorf("another version of the npm package: %v", err)
	}
}
