package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Names of the files in the folder of a release; artifacts is a pattern.
const (
	artifacts     = "bongsu_*"
	checksumsFile = "checksums.txt"
	notesFile     = "notes.md"
)

// A file is one entry of an archive.
type file struct {
	name string // in the archive
	path string
	mode fs.FileMode
}

// writeArchive writes the files as tar.gz, in their order. Times, owners and modes come
// from the arguments alone, so that the same contents give the same bytes.
func writeArchive(path string, files []file, modified time.Time) error {
	var archive bytes.Buffer
	zip, err := gzip.NewWriterLevel(&archive, gzip.BestCompression)
	if err != nil {
		return err
	}
	ball := tar.NewWriter(zip)
	for _, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(content)), Mode: int64(f.mode), ModTime: modified, Format: tar.FormatUSTAR}
		if err := ball.WriteHeader(header); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := ball.Write(content); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := ball.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, archive.Bytes(), 0o644)
}

// writeChecksums writes the SHA-256 of every artifact in the folder as sha256sum does,
// sorted by name, and returns them.
func writeChecksums(folder string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, artifacts))
	if err != nil {
		return "", err
	}
	slices.Sort(paths)
	var sums strings.Builder
	for _, path := range paths {
		sum, err := checksum(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.Base(path))
	}
	return sums.String(), os.WriteFile(filepath.Join(folder, checksumsFile), []byte(sums.String()), 0o644)
}

// checksum returns the SHA-256 of a file in hexadecimal.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
