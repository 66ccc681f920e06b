package rpc

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// TestConnectionsAreBounded fills a process with 400 stalled bodies: the next caller waits
// until one of them times out, and one warning is logged.
func TestConnectionsAreBounded(t *testing.T) {
	const limit = 400
	synctest.Test(t, func(t *testing.T) {
		var log logtest.Buffer
		listener := serveInMemory(t, limit, slog.New(slog.NewTextHandler(&log, nil)), whole)
		for range limit {
			conn, _ := listener.Dial(t.Context(), "", "")
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\nabc")
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
		synctest.Wait()
		if log.Count("connection limit reached") != 0 {
			t.Error("a warning below the limit")
		}
		for range 3 {
			answer, after := post(t, listener, 0, []string{"abcd"}, 0)
			if answer != "4 bytes, <nil>" || after > 31*time.Second {
				t.Errorf("after %s: %s", after, answer)
			}
		}
		if n := log.Count("level=WARN msg=\"connection limit reached"); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

// TestIdleConnectionsMakeRoom checks that an idle connection blocks no new one.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := serveInMemory(t, 2, slog.New(slog.DiscardHandler), whole)
		for range 5 {
			transport := &http.Transport{DialContext: listener.Dial}
			t.Cleanup(transport.CloseIdleConnections)
			began := time.Now()
			res, err := (&http.Client{Transport: transport}).Get("http://x/")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if after := time.Since(began); after > time.Second {
				t.Errorf("it waited for %s", after)
			}
			synctest.Wait()
		}
	})
}

// failingListener fails once, as a listener without free file descriptors does.
type failingListener struct {
	net.Listener
	once sync.Once
}

func (l *failingListener) Accept() (conn net.Conn, err error) {
	l.once.Do(func() {
		err = &net.OpError{Op: "accept", Err: io.ErrNoProgress}
	})
	if err != nil {
		return nil, err
	}
	return l.Listener.Accept()
}

// TestAcceptContinues checks that a failed accept is logged and retried.
func TestAcceptContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logtest.Buffer
		under := newPipes()
		l := newConnections(2, slog.New(slog.NewTextHandler(&log, nil))).limit(&failingListener{Listener: under})
		go func() { _, _ = under.Dial(t.Context(), "", "") }()
		if _, err := l.Accept(); err != nil {
			t.Error(err)
		}
		if log.Count("level=WARN msg=\"accept failed, retrying\"") != 1 {
			t.Error("no warning")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); err == nil {
			t.Error("it accepts after its end")
		}
	})
}

func TestConnectionLimit(t *testing.T) {
	for _, c := range []struct {
		asked int
		files uint64
		want  int
		ok    bool
	}{
		{0, 1024, 512, true}, {0, 1 << 20, 10_000, true}, {0, 0, 10_000, true}, {0, 20, 16, true},
		{100, 1024, 100, true}, {100, 0, 100, true}, {1024, 1024, 0, false}, {-1, 1024, 0, false},
	} {
		if got, err := connectionLimit(c.asked, c.files); got != c.want || (err == nil) != c.ok {
			t.Errorf("%d of %d files: %d, %v", c.asked, c.files, got, err)
		}
	}
}

func TestErrorLog(t *testing.T) {
	var log logtest.Buffer
	to := newErrorLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for message, level := range map[string]string{
		"http: Accept error: too many open files; retrying in 5ms": "WARN",
		"http: panic serving 127.0.0.1:1: boom":                    "ERROR",
		"http2: server: error reading preface":                     "DEBUG",
	} {
		to.Print(message)
		if log.Count("level="+level) != 1 {
			t.Errorf("%s is not of level %s: %s", message, level, log.String())
		}
	}
}

// TestTheLongestIdleMakesRoom checks that the connection that has been idle for longest is
// closed first.
func TestTheLongestIdleMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := serveInMemory(t, 2, slog.New(slog.DiscardHandler), whole)
		request := func(conn net.Conn) error {
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return err
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return err
			}
			return res.Body.Close()
		}
		var conns [3]net.Conn
		for i, from := range []int{0, 1, 0} { // the first is used last, so the second is closed
			if conns[from] == nil {
				conns[from], _ = listener.Dial(t.Context(), "", "")
				t.Cleanup(func() { _ = conns[from].Close() })
			}
			if err := request(conns[from]); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			time.Sleep(time.Second) // in the synctest bubble
		}
		conns[2], _ = listener.Dial(t.Context(), "", "")
		defer conns[2].Close()
		synctest.Wait() // until it has its slot
		for from, closed := range []bool{false, true, false} {
			if err := request(conns[from]); (err != nil) != closed {
				t.Errorf("connection %d: %v, closed should be %v", from, err, closed)
			}
		}
	})
}
