// Command release builds what a release publishes: for each platform an archive with
// the binary and an SBOM, and the checksums of them all. It publishes nothing. The same
// commit and the same Go version give the same bytes, whatever machine builds them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A platform is an operating system and an architecture, by their names in Go.
type platform struct{ os, arch string }

// platforms are those that have a binary in a release.
var platforms = []platform{
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"darwin", "amd64"},
	{"darwin", "arm64"},
}

// documents are the files of the repository that every archive holds beside the binary.
var documents = []string{"CHANGELOG.md", "LICENSE", "README.md"}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run builds a release of the repository in the working directory.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	tag := flags.String("tag", "", "the tag to release, such as v1.2.3: HEAD must be at it, and be ready for it; by default the version is that of git describe, and nothing is checked")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: release [-tag=v1.2.3] FOLDER")
	}
	folder := flags.Arg(0)
	if err := makeFolder(folder); err != nil {
		return err
	}
	version := *tag
	if version == "" {
		var err error
		if version, err = git(ctx, "describe", "--tags", "--always", "--dirty"); err != nil {
			return err
		}
	} else if err := prepare(ctx, version, folder); err != nil {
		return fmt.Errorf("%s cannot be released: %w", version, err)
	}
	committed, err := commitTime(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "bongsu-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	for _, p := range platforms {
		if err := build(ctx, p, version, committed, work, folder); err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
	}
	sums, err := writeChecksums(folder)
	if err != nil {
		return err
	}
	fmt.Print(sums)
	return nil
}

// makeFolder creates the folder, without what an earlier run wrote there.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, pattern := range []string{artifacts, checksumsFile, notesFile} {
		old, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return err
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// build writes the archive and the SBOM of one platform into the folder.
func build(ctx context.Context, p platform, version string, committed time.Time, work, folder string) error {
	name := strings.Join([]string{"bongsu", version, p.os, p.arch}, "_")
	binary := filepath.Join(work, name, "bongsu")
	if err := compile(ctx, p, version, binary); err != nil {
		return err
	}
	if p.os == runtime.GOOS && p.arch == runtime.GOARCH {
		if err := checkVersion(ctx, binary, version); err != nil {
			return err
		}
	}
	if err := writeSBOM(filepath.Join(folder, name+".cdx.json"), binary, version, committed); err != nil {
		return fmt.Errorf("write the SBOM: %w", err)
	}
	files := []file{{name: name + "/bongsu", path: binary, mode: 0o755}}
	for _, document := range documents {
		files = append(files, file{name: name + "/" + document, path: document, mode: 0o644})
	}
	return writeArchive(filepath.Join(folder, name+".tar.gz"), files, committed)
}

// compile builds the program for a platform. Settings of the caller that would change
// the binary are overridden.
func compile(ctx context.Context, p platform, version, binary string) error {
	_, err := command(ctx, append(os.Environ(),
		"CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off"),
		"go", "build", "-trimpath", "-buildvcs=true", "-mod=readonly", "-ldflags=-s -w -X main.version="+version, "-o", binary, "./cmd/bongsu")
	return err
}

// checkVersion returns an error unless the binary, which must run on this machine,
// prints the version and the commit of HEAD.
func checkVersion(ctx context.Context, binary, version string) error {
	commit, err := git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	out, err := command(ctx, os.Environ(), binary, "version", "--json")
	if err != nil {
		return err
	}
	var built struct{ Version, Commit string }
	if err := json.Unmarshal([]byte(out), &built); err != nil {
		return fmt.Errorf("bongsu version: %w", err)
	}
	if built.Version != version || strings.TrimSuffix(built.Commit, "+changes") != commit {
		return fmt.Errorf("bongsu version prints %s of commit %s, want %s of %s", built.Version, built.Commit, version, commit)
	}
	return nil
}

// commitTime returns the time of HEAD: that of all files in a release.
func commitTime(ctx context.Context) (time.Time, error) {
	text, err := git(ctx, "log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// git returns the output of a git command, without the line feed at its end.
func git(ctx context.Context, args ...string) (string, error) {
	return command(ctx, os.Environ(), "git", args...)
}

// command returns the output of a command, without the line feed at its end.
func command(ctx context.Context, environment []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...) //nolint:gosec // the commands stand in this package
	c.Env = environment
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, stderr.Bytes())
	}
	return strings.TrimRight(stdout.String(), "\n"), nil
}
