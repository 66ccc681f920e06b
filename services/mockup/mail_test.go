package mockup_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// takingMail starts a mockup with an SMTP port.
func takingMail(t *testing.T) (*mockup.Mockup, string, mockupv1connect.MockupServiceClient) {
	t.Helper()
	m, _, _, client := serveMockup(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.ServeMail(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return m, listener.Addr().String(), client
}

// mailTo sends a mail by another SMTP client, and returns the code of the response: 0
// without one, 250 if it was accepted.
func mailTo(addr, password, to string) (code int, message string) {
	auth := smtp.PlainAuth("", "bongsu", password, "127.0.0.1")
	err := smtp.SendMail(addr, auth, "bongsu@example.com", []string{to}, []byte("Subject: x\r\n\r\n[normal] node1 down\r\n.dot\r\n"))
	var refusal *textproto.Error
	switch {
	case err == nil:
		return 250, ""
	case errors.As(err, &refusal):
		return refusal.Code, refusal.Msg
	default:
		return 0, err.Error()
	}
}

func TestMailIsTaken(t *testing.T) {
	m, addr, client := takingMail(t)
	if code, reply := mailTo(addr, "secret", "ops@example.com"); code != 250 {
		t.Fatalf("%d %s", code, reply)
	}
	res, err := client.ListCalls(t.Context(), &mockupv1.ListCallsRequest{Path: "ops@example.com"})
	if err != nil || len(res.GetCalls()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	c := res.GetCalls()[0]
	if c.GetMethod() != "SMTP" || c.GetAnswerStatus() != 250 || c.GetBody() != "Subject: x\n\n[normal] node1 down\n.dot\n" ||
		c.GetHeaders()["From"] != "bongsu@example.com" || c.GetHeaders()["Authorization"] != "bongsu:secret" || !c.GetTime().AsTime().Equal(noon) {
		t.Errorf("%v", c)
	}
	if shown := m.Messages("email", "ops@example.com"); len(shown) != 1 || shown[0].Text != c.GetBody() {
		t.Errorf("the reader sees %+v", shown)
	}
	m.Reset()
	if len(m.Calls("")) != 0 {
		t.Error("not reset")
	}
}

// TestMailThread verifies that a reader sees mails by their Message-ID, one of several with the
// same, as replies to others.
func TestMailThread(t *testing.T) {
	m, addr, _ := takingMail(t)
	for _, headers := range []string{"Message-ID: <1@x>", "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>", "Message-ID: <1@x>", "X-No: id"} {
		if err := smtp.SendMail(addr, nil, "bongsu@example.com", []string{"ops@example.com"}, []byte(headers+"\r\n\r\nx\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, v := range m.Messages("email", "ops@example.com") {
		got = append(got, v.ID+" in "+v.Thread)
	}
	if len(got) != 3 || got[0] != "1@x in " || got[1] != "2@x in 1@x" {
		t.Errorf("the reader sees %q", got)
	}
}

func TestMailIsRefused(t *testing.T) {
	m, addr, _ := takingMail(t)
	if code, reply := mailTo(addr, "wrong", "ops@example.com"); code != 535 || len(m.Calls("")) != 0 {
		t.Errorf("a wrong password: %d %s", code, reply)
	}
	for _, want := range []int{421, 450, 451, 452, 454, 530, 550, 551, 552, 553, 554} {
		for _, local := range []string{fmt.Sprint(want), fmt.Sprintf("end-%d", want)} {
			code, reply := mailTo(addr, "secret", local+"@example.com")
			calls := m.Calls(local + "@example.com")
			if code != want || !strings.HasPrefix(reply, fmt.Sprintf("%d.", want/100)) || len(calls) != 1 || calls[0].AnswerStatus != want {
				t.Errorf("%s: %d %s, recorded %+v", local, code, reply, calls)
			}
		}
	}
	for _, local := range []string{"499", "end-250", "5500", "ops-550"} {
		if code, reply := mailTo(addr, "secret", local+"@example.com"); code != 250 {
			t.Errorf("%s: %d %s", local, code, reply)
		}
	}
	if code, reply := mailTo(addr, "secret", "hangup@example.com"); code != 0 || len(m.Calls("hangup@example.com")) != 0 {
		t.Errorf("%d %s", code, reply)
	}
}

func TestMailFaults(t *testing.T) {
	_, addr, client := takingMail(t)
	for name, c := range map[string]struct {
		fault    *mockupv1.Fault
		code     int
		wantText string
	}{
		"a code":        {&mockupv1.Fault{Path: "ops@example.com", Status: 451, Body: "4.3.0 not now"}, 451, "4.3.0 not now"},
		"of a login":    {&mockupv1.Fault{Credential: "secret", Status: 535}, 535, ""},
		"of a body":     {&mockupv1.Fault{BodyContains: "node1", Status: 554}, 554, ""},
		"of another":    {&mockupv1.Fault{Path: "db@example.com", Status: 451}, 250, ""},
		"no answer":     {&mockupv1.Fault{CloseConnection: true}, 0, ""},
		"half a one":    {&mockupv1.Fault{CutAnswer: true}, 0, ""},
		"only a moment": {&mockupv1.Fault{Delay: durationpb.New(time.Millisecond)}, 250, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := client.SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: c.fault}); err != nil {
				t.Fatal(err)
			}
			if code, reply := mailTo(addr, "secret", "ops@example.com"); code != c.code || !strings.Contains(reply, c.wantText) {
				t.Errorf("%d %s", code, reply)
			}
			if _, err := client.Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestMailLimit(t *testing.T) {
	_, addr, client := takingMail(t)
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 15 {
		if code, reply := mailTo(addr, "secret", "ops@example.com"); (i == 14) != (code == 454) {
			t.Fatalf("mail %d: %d %s", i, code, reply)
		}
	}
	if code, reply := mailTo(addr, "another", "ops@example.com"); code != 250 {
		t.Errorf("another login: %d %s", code, reply)
	}
}

func TestMailTooLong(t *testing.T) {
	m, addr, _ := takingMail(t)
	err := smtp.SendMail(addr, nil, "bongsu@example.com", []string{"ops@example.com"}, []byte(strings.Repeat("x\r\n", 100<<10)))
	var refusal *textproto.Error
	if !errors.As(err, &refusal) || refusal.Code != 552 || len(m.Calls("")) != 0 {
		t.Errorf("%v", err)
	}
}
