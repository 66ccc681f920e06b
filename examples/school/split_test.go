package main

import (
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/kit/natsserver"
)

// TestSplit runs each service in a process of its own, outing in two with one database, beside a NATS
// server and a Bongsu that are there already.
func TestSplit(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	s := startSplit(t)
	o := s.ask(t, "chulsu", "NORMAL", time.Minute)
	link := linkOf(t, s.awaitSMS(t, "외출을 허락해 주세요", "김철수"))
	s.call(t, "", http.MethodPost, link+":decide", approval, http.StatusOK, nil)
	s.awaitInbox(t, "teacherpark", "외출 승인을 기다립니다", "김철수")

	// One of the two processes is killed: no request fails that may be repeated.
	stop := s.load(t)
	s.own["outing-1"].kill()
	body, key := outingBody("NORMAL", time.Minute), map[string]string{"Idempotency-Key": "outing of minsu"}
	if res := s.do(t, request{as: "minsu", method: http.MethodPost, path: "/v1/school/outings", body: body, header: key}); res.status != http.StatusOK {
		t.Errorf("a request with an idempotency key: %d %s", res.status, res.body)
	}
	stop()
	s.awaitMail(t, "father@mail.example", "외출을 허락해 주세요", "박민수") // the other one publishes and handles events

	// It is started again, and then the other one is stopped as for an update: no request fails.
	s.restart(t, "outing-1", s.outing...)
	stop = s.load(t)
	s.own["outing-2"].stop(t)
	o = s.step(t, "teacherpark", o.ID, "decide", approval)
	stop()
	if o.State != "OUTING_STATE_APPROVED" || o.Parent != "mother" {
		t.Errorf("the approved outing is %+v", o)
	}
	s.awaitInbox(t, "chulsu", "외출이 승인되었습니다")
}

// load reads outings at several connections until the returned function is called. Each request must
// succeed.
func (s *split) load(t *testing.T) (stop func()) {
	t.Helper()
	var readers sync.WaitGroup
	var succeeded atomic.Int32
	done := make(chan struct{})
	r := request{token: s.signIn(t, "teacherpark"), method: http.MethodGet, path: "/v1/school/outings"}
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				res := s.do(t, r)
				if res.status != http.StatusOK {
					t.Errorf("read outings: %d %s", res.status, res.body)
					return
				}
				succeeded.Add(1)
			}
		})
	}
	more := func(n int32) {
		before := succeeded.Load()
		eventually(t, "the readers go on", func() bool { return t.Failed() || succeeded.Load() >= before+n })
	}
	more(20)
	return func() {
		more(100)
		close(done)
		readers.Wait()
	}
}

// A split is a school in many processes.
type split struct {
	*school

	outing []string // the arguments of its processes
}

func startSplit(t *testing.T) *split {
	t.Helper()
	s := &split{school: &school{data: t.TempDir(), own: map[string]*running{}, tokens: map[string]string{}}}
	keyFile := filepath.Join(s.data, "internal.key")
	if err := os.WriteFile(keyFile, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := natsserver.Start(natsserver.Options{Dir: filepath.Join(s.data, "nats"), Addr: "127.0.0.1:0", Name: "school-test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s.nats = server.URL()

	authAddr := freeAddr(t)
	bongsuData := filepath.Join(s.data, "bongsu-data")
	s.main = start(t, programs.bongsu, []string{behindProxy},
		"serve", "--services=all,mockup", "--data="+bongsuData, "--nats-url="+s.nats, "--internal-key-file="+keyFile, "--log-format=json", "--drain=0s",
		"--edge-addr=127.0.0.1:0", "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0", "--auth=required",
		"--oidc-issuer=http://"+authAddr, "--oidc-audience=school", "--oidc-nickname-claim=nickname")
	s.edge = "http://" + s.main.await(t, `"msg":"listening","service":"edge","addr":"([^"]+)"`)[1]
	s.mockup = "http://" + s.main.await(t, `"msg":"listening","service":"mockup","addr":"([^"]+)"`)[1]

	s.outing = []string{"--database-url=" + postgrestest.URL(t), "--drain=3s"}
	s.restart(t, "outing-1", s.outing...)
	s.restart(t, "outing-2", s.outing...)
	for _, service := range []string{"schedule", "club", "announcement"} {
		s.restart(t, service)
	}
	s.restart(t, "auth", "--listen=auth="+authAddr, "--issuer-url=http://"+authAddr, "--edge-url="+s.edge, "--edge-key-file="+filepath.Join(bongsuData, "admin.key"), "--seed")
	s.own["auth"].await(t, "the school is ready")
	return s
}

// freeAddr returns a free address.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
