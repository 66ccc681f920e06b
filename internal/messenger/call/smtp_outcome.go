package call

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// outcome returns the outcome of a session.
func (s smtpSession) outcome(now time.Time) messenger.Outcome {
	var refusal *textproto.Error
	switch {
	case s.err == nil:
		return messenger.Outcome{Kind: messenger.Sent, Status: 250, Excerpt: s.response}
	case errors.Is(s.err, errNoTLS):
		return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "tls_unavailable", Excerpt: s.err.Error()}
	case errors.Is(s.err, errNoAuth):
		return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "auth_unavailable", Excerpt: s.err.Error()}
	case errors.As(s.err, &refusal):
		return s.step.refused(refusal)
	default:
		return Response{requestWritten: s.step == end, Err: s.err}.Outcome(now)
	}
}

// enhancedStatus matches an enhanced status code (RFC 3463).
var enhancedStatus = regexp.MustCompile(`^[245]\.([0-9]{1,3})\.[0-9]{1,3}\b`)

// refused returns the outcome of an error response. Codes: RFC 5321, 4.2.3; those of
// authentication: RFC 4954, 6.
func (s smtpStep) refused(reply *textproto.Error) messenger.Outcome {
	o := messenger.Outcome{Status: reply.Code, Code: fmt.Sprintf("smtp_%d", reply.Code), Excerpt: fmt.Sprintf("%d %s", reply.Code, reply.Msg)}
	subject := ""
	if found := enhancedStatus.FindStringSubmatch(reply.Msg); found != nil {
		o.Code, subject = found[0], found[1]
	}
	switch {
	case reply.Code/100 == 4:
		o.Kind = messenger.Retry
		// Amazon SES responds 454 when its sending limits are reached
		// (https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html).
		// In an earlier step, 454 is about TLS (RFC 3207) or authentication (RFC 4954).
		if reply.Code == 454 && (s > authentication || strings.Contains(strings.ToLower(reply.Msg), "throttl")) {
			o.Kind = messenger.Paused
		}
	case reply.Code/100 != 5 && s == end:
		o.Kind = messenger.Unknown
	case reply.Code/100 != 5: // out of order, but before the mail was sent
		o.Kind = messenger.Retry
	default:
		o.Kind, o.Scope = messenger.Failed, s.scope(reply.Code, subject)
	}
	return o
}

// scope returns the scope of a rejection.
func (s smtpStep) scope(code int, subject string) messenger.Scope {
	switch {
	case code == 530 || code == 534 || code == 535 || code == 538: // in any step
		return messenger.CredentialScope
	case s < sender, s == sender && code != 552: // the sender address is part of the credential; 552 is about size
		return messenger.CredentialScope
	case s == recipient, s == end && (subject == "1" || subject == "2"): // addressing, mailbox
		return messenger.DestinationScope
	default:
		return messenger.MessageScope
	}
}
