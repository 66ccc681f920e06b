package discovery_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/discoverytest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

const srvRecord = "_library._tcp.example.com"

// A nameServer is a DNS server on loopback that knows SRV records of one name.
type nameServer struct {
	conn    net.PacketConn
	mu      sync.Mutex
	code    dnsmessage.RCode
	records []dnsmessage.SRVResource
}

func startNameServer(t *testing.T, records ...dnsmessage.SRVResource) *nameServer {
	t.Helper()
	var config net.ListenConfig
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	kittest.NoError(t, err)
	s := &nameServer{conn: conn, records: records}
	ended := make(chan struct{})
	go func() { defer close(ended); s.serve() }()
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	return s
}

// set sets the response of the server.
func (s *nameServer) set(code dnsmessage.RCode, records ...dnsmessage.SRVResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.records = code, records
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:n]) != nil || len(query.Questions) != 1 {
			continue
		}
		if response, err := s.respond(query.ID, query.Questions[0]); err == nil {
			_, _ = s.conn.WriteTo(response, from) // a lost response is asked for again
		}
	}
}

func (s *nameServer) respond(id uint16, question dnsmessage.Question) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, Response: true, Authoritative: true, RCode: s.code},
		Questions: []dnsmessage.Question{question},
	}
	if question.Name.String() != srvRecord+"." || question.Type != dnsmessage.TypeSRV {
		response.RCode = dnsmessage.RCodeNameError
		return response.Pack()
	}
	for _, record := range s.records {
		response.Answers = append(response.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1}, Body: &record,
		})
	}
	return response.Pack()
}

// resolver returns the resolver that asks the server.
func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func srvOf(priority uint16, host string, port uint16) dnsmessage.SRVResource {
	return dnsmessage.SRVResource{Priority: priority, Weight: 1, Port: port, Target: dnsmessage.MustNewName(host + ".")}
}

func openSRV(t *testing.T, s *nameServer, c *clock, log *slog.Logger) *discovery.SRV {
	t.Helper()
	options := discovery.SRVOptions{Name: "library", Services: []string{"library.v1.BookService"}, Scheme: "https", Resolver: s.resolver(), Log: log}
	if c != nil {
		options.After = c.After
	}
	srv, err := discovery.NewSRV(srvRecord, options)
	kittest.NoError(t, err)
	return srv
}

func urls(instances []discovery.Instance) []string {
	found := make([]string, 0, len(instances))
	for _, instance := range instances {
		found = append(found, instance.URL)
	}
	return found
}

func untilURLs(t *testing.T, watcher *discoverytest.Watcher, want ...string) {
	t.Helper()
	watcher.Until(t, func(instances []discovery.Instance) bool { return slices.Equal(urls(instances), want) })
}

func TestSRV(t *testing.T) {
	discoverytest.RunRegistry(t, func(t *testing.T) (discovery.Registry, []discovery.Instance) {
		s := startNameServer(t, srvOf(10, "a.example.com", 18082), srvOf(10, "b.example.com", 18082))
		instance := func(host string) discovery.Instance {
			return discovery.Instance{
				ID: "library-" + host + "-example-com-18082", Name: "library", URL: "https://" + host + ".example.com:18082",
				Services: []string{"library.v1.BookService"}, Host: host + ".example.com",
			}
		}
		return openSRV(t, s, nil, slog.New(slog.DiscardHandler)), []discovery.Instance{instance("a"), instance("b")}
	})
}

func TestSRVIsFollowed(t *testing.T) {
	s := startNameServer(t, srvOf(20, "backup.example.com", 80), srvOf(10, "a.example.com", 80))
	c := newClock()
	var logged logtest.Buffer
	srv := openSRV(t, s, c, slog.New(slog.NewTextHandler(&logged, nil)))
	discoverytest.Run(t, srv)
	watcher := discoverytest.Watch(t, srv)
	untilURLs(t, watcher, "https://a.example.com:80")
	lookUp := func() {
		for range 5 {
			c.advance(t)
		}
	}

	s.set(dnsmessage.RCodeSuccess, srvOf(10, "a.example.com", 80), srvOf(10, "b.example.com", 81))
	lookUp()
	untilURLs(t, watcher, "https://a.example.com:80", "https://b.example.com:81")
	id := watcher.Until(t, func([]discovery.Instance) bool { return true })[0].ID
	kittest.NoError(t, srv.ReportFailing(t.Context(), id, "timeout"))
	watcher.UntilState(t, id, discovery.Failing)

	calls := len(watcher.History())
	for _, code := range []dnsmessage.RCode{dnsmessage.RCodeServerFailure, dnsmessage.RCodeNameError, dnsmessage.RCodeSuccess} {
		s.set(code)
		lookUp()
	}
	if got := watcher.History()[calls:]; len(got) != 0 {
		t.Errorf("failed look-ups changed the instances to %v, want the last ones", urls(got[len(got)-1]))
	}
	if got := logged.Count("look-up of an SRV record failed"); got != 1 {
		t.Errorf("got %d warnings of an outage, want 1:\n%s", got, logged.String())
	}

	s.set(dnsmessage.RCodeSuccess, srvOf(10, "b.example.com", 81))
	lookUp()
	untilURLs(t, watcher, "https://b.example.com:81")
	if got := logged.Count("found again"); got != 1 {
		t.Errorf("got %d notes of the end of an outage, want 1:\n%s", got, logged.String())
	}
}

func TestNewSRVRefuses(t *testing.T) {
	valid := discovery.SRVOptions{Name: "library", Services: []string{"library.v1.BookService"}}
	for name, open := range map[string]func() (*discovery.SRV, error){
		"record": func() (*discovery.SRV, error) { return discovery.NewSRV("me:secret@example.com", valid) },
		"scheme": func() (*discovery.SRV, error) { o := valid; o.Scheme = "ftp"; return discovery.NewSRV(srvRecord, o) },
		"name":   func() (*discovery.SRV, error) { o := valid; o.Name = ""; return discovery.NewSRV(srvRecord, o) },
		"service": func() (*discovery.SRV, error) {
			o := valid
			o.Services = []string{"/"}
			return discovery.NewSRV(srvRecord, o)
		},
	} {
		if _, err := open(); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, fault.ErrInvalid)
		}
	}
}

func TestStaticInstances(t *testing.T) {
	static, err := discovery.Static([]discovery.Instance{
		{Name: "library", URL: "http://10.0.0.7:80/"}, {Name: "library", URL: "http://[::1]:80"},
	})
	kittest.NoError(t, err)
	got := discoverytest.Current(t, static)
	if want := []string{"library-1-80", "library-10-0-0-7-80"}; !slices.Equal(discoverytest.IDs(got), want) {
		t.Errorf("got ids %v, want %v", discoverytest.IDs(got), want)
	}
	for name, instances := range map[string][]discovery.Instance{
		"twice":    {{Name: "library", URL: "http://10.0.0.7:80/"}, {Name: "library", URL: "http://10.0.0.7:80"}},
		"password": {{Name: "library", URL: "http://me:secret@10.0.0.7:80"}},
	} {
		if _, err := discovery.Static(instances); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, fault.ErrInvalid)
		}
	}
}

func TestUnionHidesServices(t *testing.T) {
	s := startNameServer(t)
	s.set(dnsmessage.RCodeServerFailure)
	books := openSRV(t, s, newClock(), slog.New(slog.DiscardHandler)) // names its service, and knows no instance
	loans, err := discovery.Static([]discovery.Instance{{ID: "loans", Name: "loans", URL: "http://10.0.0.8:80", Services: []string{"library.v1.LoanService"}}})
	kittest.NoError(t, err)
	local := discovery.NewLocal()
	union := discovery.Union(books, loans, local)
	discoverytest.Run(t, union)
	instance := discoverytest.Example("all")
	instance.Services = append(instance.Services, "library.v1.ShelfService")
	discoverytest.Register(t, local, instance, nil)
	watcher := discoverytest.Watch(t, union)
	watcher.UntilIDs(t, "all", "loans")
	all := watcher.UntilState(t, "all", discovery.Serving)
	if want := []string{"library.v1.ShelfService"}; !slices.Equal(all.Services, want) {
		t.Errorf("got services %v of the last registry, want %v", all.Services, want)
	}
	kittest.NoError(t, union.ReportFailing(t.Context(), "loans", "timeout"))
	watcher.UntilState(t, "loans", discovery.Failing)
	watcher.UntilState(t, "all", discovery.Serving)
}
