package probe

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// nameServer returns the address of a DNS server with the records of a zone file. The name
// long.example. is truncated by UDP.
func nameServer(t *testing.T, zone ...string) string {
	t.Helper()
	var records []dns.RR
	for _, line := range zone {
		record, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: conn}, {Listener: l}} {
		s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
			_ = w.WriteMsg(answer(query, records, w.RemoteAddr().Network() == "udp"))
		})
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return conn.LocalAddr().String()
}

func answer(query *dns.Msg, records []dns.RR, udp bool) *dns.Msg {
	res := new(dns.Msg).SetReply(query)
	question := query.Question[0]
	known := false
	for _, record := range records {
		if strings.EqualFold(record.Header().Name, question.Name) {
			known = true
			if slices.Contains([]uint16{question.Qtype, dns.TypeCNAME}, record.Header().Rrtype) {
				res.Answer = append(res.Answer, record)
			}
		}
	}
	if !known {
		res.Rcode = dns.RcodeNameError
	}
	if udp && strings.HasPrefix(question.Name, "long.") {
		res.Truncated, res.Answer = true, nil
	}
	return res
}

func TestDNS(t *testing.T) {
	server := nameServer(t, "www.example. 60 A 192.0.2.1", "www.example. 60 A 192.0.2.2", "www.example. 60 AAAA 2001:db8::1",
		"mail.example. 60 MX 10 mx.example.", `text.example. 60 TXT "v=spf1 " "-all"`, "alias.example. 60 CNAME www.example.",
		"_sip._tcp.example. 60 SRV 1 2 5060 sip.example.", "long.example. 60 A 192.0.2.3")
	for name, c := range map[string]struct {
		check   DNS
		outcome Outcome
		message string
	}{
		"any address":      {DNS{Name: "www.example"}, Passed, "192.0.2.1, 192.0.2.2"},
		"an address":       {DNS{Name: "www.example.", Expect: `^192\.0\.2\.2$`}, Passed, "192.0.2.2"},
		"another address":  {DNS{Name: "www.example", Expect: `^10\.`}, Failed, "no answer matches expect: 192.0.2.1, 192.0.2.2"},
		"IPv6":             {DNS{Name: "www.example", Type: "AAAA"}, Passed, "2001:db8::1"},
		"mail":             {DNS{Name: "mail.example", Type: "MX", Expect: "^10 mx.example.$"}, Passed, ""},
		"text":             {DNS{Name: "text.example", Type: "TXT", Expect: "^v=spf1 -all$"}, Passed, ""},
		"alias":            {DNS{Name: "alias.example", Type: "CNAME", Expect: "^www.example.$"}, Passed, ""},
		"only an alias":    {DNS{Name: "alias.example"}, Failed, "no record of type A"},
		"service":          {DNS{Name: "_sip._tcp.example", Type: "SRV", Expect: "^1 2 5060 sip"}, Passed, ""},
		"no such type":     {DNS{Name: "www.example", Type: "NS"}, Failed, "no record of type NS"},
		"no such name":     {DNS{Name: "none.example"}, Failed, "NXDOMAIN"},
		"truncated by UDP": {DNS{Name: "long.example"}, Passed, "192.0.2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.Server = server
			want(t, run(t, private(), &c.check), c.outcome, c.message)
		})
	}
}

// TestMachineServers verifies that the name servers of the machine are read.
func TestMachineServers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 192.0.2.1\nnameserver 2001:db8::1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	servers, err := machineServers(file)
	if err != nil || !slices.Equal(servers, []string{"192.0.2.1:53", "[2001:db8::1]:53"}) {
		t.Errorf("%q, %v", servers, err)
	}
	if _, err := machineServers(file + ".none"); err == nil {
		t.Error("no error without the file")
	}
}
