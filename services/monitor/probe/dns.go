package probe

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// resolvers names the file with the name servers of the machine.
const resolvers = "/etc/resolv.conf"

func (c *DNS) run(ctx context.Context, p *Prober) Finding {
	dial := p.guard.DialContext
	servers := []string{c.Server}
	if c.Server == "" {
		var err error
		if servers, err = machineServers(resolvers); err != nil {
			return unknown("the name servers of the machine are not known: set server")
		}
		dial = p.guard.Dialer.DialContext // an operator has set them
	}
	var res *dns.Msg
	var err error
	for _, server := range servers {
		if res, err = c.ask(ctx, dial, server); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return failed("%s", reason(err))
	}
	return c.judge(ctx, res)
}

// machineServers returns the name servers of the machine.
func machineServers(file string) ([]string, error) {
	config, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, server := range config.Servers {
		servers = append(servers, net.JoinHostPort(server, config.Port))
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("no name server in %s", file)
	}
	return servers, nil
}

// ask sends the query to a server by UDP, and by TCP if the response is truncated.
func (c *DNS) ask(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), server string) (*dns.Msg, error) {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(c.Name), c.recordType())
	query.SetEdns0(1232, false)
	for _, network := range []string{"udp", "tcp"} {
		conn, err := dial(ctx, network, server)
		if err != nil {
			return nil, err
		}
		client := dns.Client{Net: network, UDPSize: 1232}
		res, err := exchange(ctx, &client, query, conn)
		if err != nil || !res.Truncated {
			return res, err
		}
	}
	return nil, fmt.Errorf("the response of %s is truncated", server)
}

// exchange sends a query over a connection, and closes it.
func exchange(ctx context.Context, client *dns.Client, query *dns.Msg, conn net.Conn) (*dns.Msg, error) {
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { release(); _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		client.Timeout = time.Until(deadline)
	}
	res, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn, UDPSize: client.UDPSize})
	return res, err
}

func (c *DNS) recordType() uint16 { return dns.StringToType[strings.ToUpper(cmp.Or(c.Type, "A"))] }

// judge returns the finding of a response.
func (c *DNS) judge(ctx context.Context, res *dns.Msg) Finding {
	if res.Rcode != dns.RcodeSuccess {
		return failed("%s", cmp.Or(dns.RcodeToString[res.Rcode], fmt.Sprintf("response code %d", res.Rcode)))
	}
	var answers []string
	for _, record := range res.Answer {
		if record.Header().Rrtype == c.recordType() {
			answers = append(answers, recordText(record))
		}
	}
	if len(answers) == 0 {
		return failed("no record of type %s", cmp.Or(c.Type, "A"))
	}
	if c.Expect == "" {
		return passed("%s", strings.Join(answers, ", "))
	}
	expect, err := compile(c.Expect)
	if err != nil {
		return unknown("invalid pattern")
	}
	for _, answer := range answers {
		if ok, err := expect.matches(ctx, []byte(answer)); err == nil && ok {
			return passed("%s", answer)
		}
	}
	return failed("no answer matches expect: %s", strings.Join(answers, ", "))
}

// recordText returns the data of a record.
func recordText(record dns.RR) string {
	if txt, ok := record.(*dns.TXT); ok {
		return strings.Join(txt.Txt, "")
	}
	return strings.TrimPrefix(record.String(), record.Header().String())
}
