package mockup_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const postMessage = "/api/chat.postMessage"

// noon is the time of every clock in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A printer records its output, a string for each Write.
type printer struct {
	mu     sync.Mutex
	writes []string
}

func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, string(b))
	return len(b), nil
}

// serveMockup serves a mockup as the program does: the fakes and MockupService on one port.
func serveMockup(t *testing.T) (*mockup.Mockup, *printer, *httptest.Server, mockupv1connect.MockupServiceClient) {
	t.Helper()
	shown := &printer{}
	m := mockup.New(shown)
	m.Now = func() time.Time { return noon }
	mux := http.NewServeMux()
	mux.Handle("/", m.Fakes())
	mux.Handle(mockupv1connect.NewMockupServiceHandler(&mockup.Handler{Mockup: m}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return m, shown, server, mockupv1connect.NewMockupServiceClient(server.Client(), server.URL)
}

// post calls the fake of Slack for a channel and returns status and body.
func post(t *testing.T, server *httptest.Server, channel string) (int, string, http.Header) {
	t.Helper()
	res, err := server.Client().Do(request(t.Context(), t, server, fmt.Sprintf(`{"channel":%q,"text":"[normal] node1 down"}`, channel)))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

// request returns the call to Slack as docs/compatibility.md defines it.
func request(ctx context.Context, t *testing.T, server *httptest.Server, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+postMessage, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer SLACK-USER1-TOKEN")
	return req
}

func read(t *testing.T, res *http.Response) (int, string, http.Header) {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

func TestPrint(t *testing.T) {
	_, shown, server, _ := serveMockup(t)
	post(t, server, "USER1_CHANNEL_ID")
	post(t, server, "esc\x1b[2Jape")

	want := `POST /api/chat.postMessage
Content-Type: application/json
Authorization: Bearer SLACK-USER1-TOKEN

{"channel":"USER1_CHANNEL_ID","text":"[normal] node1 down"}

`
	if len(shown.writes) != 2 || shown.writes[0] != want {
		t.Errorf("printed %q, want %q first, and one Write a call", shown.writes, want)
	}

	res, err := server.Client().Do(request(t.Context(), t, server, "raw \x1b[2J escape"))
	if err != nil {
		t.Fatal(err)
	}
	read(t, res)
	if last := shown.writes[len(shown.writes)-1]; strings.ContainsRune(last, '\x1b') {
		t.Errorf("printed control characters: %q", last)
	}
}

func TestOnlyTheFakesAreRecorded(t *testing.T) {
	m, shown, server, _ := serveMockup(t)
	for _, url := range []string{server.URL + "/api/nonsense", server.URL + "/nothing/here"} {
		res, err := server.Client().Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if status, _, _ := read(t, res); status != http.StatusNotFound {
			t.Errorf("POST %s: status %d, want 404", url, status)
		}
	}
	if len(m.Calls("")) != 0 || len(shown.writes) != 0 {
		t.Errorf("recorded %v, printed %q, want nothing", m.Calls(""), shown.writes)
	}
}

func TestManyAtOnce(t *testing.T) {
	m, shown, server, _ := serveMockup(t)
	const callers, each = 16, 20
	stamps := make(chan string, callers*each)
	var g sync.WaitGroup
	for range callers {
		g.Go(func() {
			for range each {
				_, body, _ := post(t, server, "C1")
				_, after, _ := strings.Cut(body, `"ts":"`)
				ts, _, _ := strings.Cut(after, `"`)
				stamps <- ts
			}
		})
	}
	g.Wait()
	close(stamps)
	seen := map[string]bool{}
	for ts := range stamps {
		seen[ts] = true
	}
	if len(seen) != callers*each {
		t.Errorf("%d calls got %d different ts", callers*each, len(seen))
	}
	if calls := m.Calls(""); len(calls) != callers*each {
		t.Errorf("recorded %d calls, want %d", len(calls), callers*each)
	}
	for _, w := range shown.writes {
		if !strings.HasPrefix(w, "POST ") || !strings.HasSuffix(w, "}\n\n") || strings.Count(w, "POST ") != 1 {
			t.Fatalf("one Write was %q, not one whole call", w)
		}
	}
}

func TestPrintsNothingWithoutPrinter(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	m.Printer = nil
	if status, _, _ := post(t, server, "C1"); status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
}
