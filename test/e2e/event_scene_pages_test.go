package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/test/proc"
)

// scenePages are the pages of users in Chromium, which subscribe to their inboxes by
// subscribeInbox of @bongsu/client. A program of test/ts opens them and prints their items.
type scenePages struct {
	process *proc.Process      // nil without Chromium
	input   io.Closer          // the process ends when it is closed
	readers map[string]*reader // by nickname
	done    chan struct{}      // closed when the readers have all items of the pages
}

var pagesOpen = regexp.MustCompile(`\d+ pages are open in Chromium .+`)

// openPages opens a page for each user, or none where Chromium or the program is missing. In that
// case the test fails if testenv.Browser is "required".
func (s *scene) openPages(t *testing.T, nicknames ...string) *scenePages {
	t.Helper()
	node, program, err := findPages(t)
	if err != nil {
		if os.Getenv(testenv.Browser) == "required" {
			t.Fatalf("no pages in Chromium, but %s=required: %v", testenv.Browser, err)
		}
		t.Logf("pages in Chromium are skipped: %v", err)
		return &scenePages{}
	}
	p := &scenePages{readers: map[string]*reader{}, done: make(chan struct{})}
	for _, who := range nicknames {
		p.readers[who] = &reader{}
	}
	cmd := exec.Command(node, append([]string{program, s.origin, s.edge}, nicknames...)...)
	p.input, err = cmd.StdinPipe()
	must(t, err)
	lines, output, err := os.Pipe() // a process may exit before its last lines are read
	must(t, err)
	cmd.Stdout = output
	p.process = proc.Start(t, cmd)
	must(t, output.Close())
	go p.read(lines)
	t.Log(p.process.Await(t, pagesOpen, 1)[0][0])
	return p
}

// findPages returns the command that opens pages, or why there is none.
func findPages(t *testing.T) (node, program string, err error) {
	t.Helper()
	program = "../ts/build/scene_pages.js"
	if node, err = exec.LookPath("node"); err != nil {
		return "", "", err
	}
	if _, err := os.Stat(program); err != nil {
		return "", "", fmt.Errorf("make scene builds it: %w", err)
	}
	// Without arguments, the program only looks for a browser.
	if output, err := exec.CommandContext(t.Context(), node, program).CombinedOutput(); err != nil {
		return "", "", errors.New(strings.TrimSpace(string(output)))
	}
	return node, program, nil
}

// read gives the items that the pages get to their readers, until the process ends.
func (p *scenePages) read(output io.ReadCloser) {
	defer close(p.done)
	defer output.Close()
	for lines := bufio.NewScanner(output); lines.Scan(); {
		var item struct{ NickName, ID string }
		err := json.Unmarshal(lines.Bytes(), &item)
		if r := p.readers[item.NickName]; err == nil && r != nil {
			r.take(item.ID, lines.Text())
			continue
		}
		for _, r := range p.readers {
			r.fail("the pages printed " + lines.Text())
		}
	}
	for _, r := range p.readers {
		r.fail("the pages have ended")
	}
}

// end closes the pages, and checks that none of them has failed.
func (p *scenePages) end(t *testing.T) {
	t.Helper()
	if p.process == nil {
		return
	}
	must(t, p.input.Close())
	if err := p.process.Wait(t); err != nil {
		t.Errorf("the pages failed: %v\n%s", err, p.process.Log())
	}
	<-p.done
}
