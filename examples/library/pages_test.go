package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pagesProgram walks through the pages in Chromium; `make scene` builds it.
const pagesProgram = "../../test/ts/build/library_pages.js"

// pagesTimeout is the timeout of the whole walk.
const pagesTimeout = 3 * time.Minute

// TestPages walks through the pages in Chromium as mina, jun and the librarian: they reserve, see
// MyPage follow, put books in stock, cancel with and without delivery, and read their inboxes. It is
// skipped without Chromium, unless BONGSU_TEST_BROWSER is "required".
func TestPages(t *testing.T) {
	t.Parallel()
	node, err := findPages(t)
	if err != nil {
		if os.Getenv("BONGSU_TEST_BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	l := startLibrary(t, "delivery")
	ctx, end := context.WithTimeout(t.Context(), pagesTimeout)
	defer end()
	walk := exec.CommandContext(ctx, node, pagesProgram, l.web, filepath.Join(l.data, "keys.json"))
	var failure strings.Builder
	walk.Stderr = &failure
	input, err := walk.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := walk.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := walk.Start(); err != nil {
		t.Fatal(err)
	}
	for steps := bufio.NewScanner(output); steps.Scan(); {
		switch step := steps.Text(); step {
		case "stop delivery":
			l.services["delivery"].kill()
			fmt.Fprintln(input)
		case "start delivery":
			l.restart(t, "delivery")
			fmt.Fprintln(input)
		default:
			t.Log(step)
		}
	}
	if err := walk.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, failure.String())
	}
}

// findPages returns the path of Node, or why there is no Chromium.
func findPages(t *testing.T) (node string, err error) {
	t.Helper()
	if node, err = exec.LookPath("node"); err != nil {
		return "", err
	}
	if _, err := os.Stat(pagesProgram); err != nil {
		return "", fmt.Errorf("make scene builds it: %w", err)
	}
	// Without arguments, the program only looks for a browser.
	if output, err := exec.CommandContext(t.Context(), node, pagesProgram).CombinedOutput(); err != nil {
		return "", errors.New(strings.TrimSpace(string(output)))
	}
	return node, nil
}
